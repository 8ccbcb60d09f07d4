#include "system/system_dns.h"

#include <string.h>

#include "system/system_run.h"

#define LOST                                                                                                           \
    "%s names ccward, and the record of what it said before is lost: write `nameserver ADDRESS` of your router or "    \
    "provider into it"

void system_dns_report_fini(struct system_dns_report *report)
{
    for (size_t i = 0; i < report->file_count; i++)
        system_file_change_fini(&report->files[i]);
    buf_free(&report->notes);
}

static enum status report_file(struct system_dns_report *report, const char *path, const struct file_image *before,
                               const struct file_image *after, bool foreign)
{
    return system_file_change_init(&report->files[report->file_count++], path, before, after, foreign);
}

/* --- Programs --- */

static enum status run_command(const struct system_command *command, struct fault *fault)
{
    int wait_status = 0;
    char line[256];
    struct fault why = {0};
    system_run_line(command->words, line, sizeof line);
    if (system_run(command->words, command->input, NULL, &wait_status, &why) != ST_OK)
        return fault_set(fault, ST_IO, "the files are changed, but %s; do so by hand: %s", why.text, line);
    if (wait_status)
        return fault_set(fault, ST_IO, "the files are changed, but `%s` failed; see why, and do so by hand", line);
    return ST_OK;
}

/* The manager of names is told. */
static enum status tell_manager(const struct system_dns *dns, const struct addr *server, bool in_force,
                                struct system_dns_report *report, struct fault *fault)
{
    report->command = system_command_of(report->manager, server, in_force, dns->later);
    report->has_command = report->command.words[0];
    if (!report->has_command || dns->dry_run || dns->root[0])
        return ST_OK;
    return run_command(&report->command, fault);
}

/* --- Giving back --- */

static bool is_ours(const struct file_image *image, const struct system_change *change)
{
    return file_image_equal(image, &change->ours) ||
           (change->previous.kind != IMAGE_ABSENT && file_image_equal(image, &change->previous));
}

/* EDITED_TOO: of what we wrote also that which was edited since. */
static enum status give_back(const struct system_dns *dns, const struct system_change *change, bool edited_too,
                             struct system_dns_report *report, struct fault *fault)
{
    struct file_image now;
    enum status status = system_file_look(dns->root, change->path, &now, fault);
    if (status != ST_OK)
        return status;
    bool back = file_image_equal(&now, &change->original);
    bool edited = !is_ours(&now, change) && system_plan_wrote(&now);
    bool foreign = !back && (edited ? !edited_too : !is_ours(&now, change));
    bool keep = back || (foreign && !dns->force);
    status = report_file(report, change->path, &now, keep ? &now : &change->original, foreign && keep);
    if (status == ST_OK && foreign && keep && edited) {
        report->state = SYSTEM_DNS_CHANGED;
        buf_printf(&report->notes,
                   "%s was edited since and is left as it is, so that this machine still asks ccward; --force puts "
                   "back what was there before ccward, without what was edited\n",
                   change->path);
    } else if (status == ST_OK && foreign && keep)
        buf_printf(&report->notes,
                   "%s was changed by someone else since and is left as it is; --force puts back what was there "
                   "before ccward\n",
                   change->path);
    if (status == ST_OK && !keep && !dns->dry_run)
        status = system_file_put(dns->root, change->path, &change->original, fault);
    if (status == ST_OK && change->made_folder && !dns->dry_run)
        system_folder_remove(dns->root, change->path);
    file_image_fini(&now);
    return status;
}

static enum status give_all_back(const struct system_dns *dns, const struct system_state *state, bool edited_too,
                                 struct system_dns_report *report, struct fault *fault)
{
    enum status status = ST_OK;
    report->manager = state->manager;
    report->fail_closed = state->fail_closed;
    for (size_t i = 0; status == ST_OK && i < state->change_count; i++)
        status = give_back(dns, &state->changes[i], edited_too, report, fault);
    return status;
}

/* What is ours without a record of it, which was lost. */
static enum status remove_strays(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault)
{
    static const struct file_image none = {0};
    static const enum system_manager with_drop_in[] = {MANAGER_RESOLVED, MANAGER_NETWORKMANAGER};
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < sizeof with_drop_in / sizeof with_drop_in[0]; i++) {
        struct system_change stray = {.path = system_manager_path(with_drop_in[i])};
        status = system_file_look(dns->root, stray.path, &stray.ours, fault);
        if (status == ST_OK && system_plan_wrote(&stray.ours)) {
            report->manager = with_drop_in[i];
            status = report_file(report, stray.path, &stray.ours, &none, false);
            if (status == ST_OK && !dns->dry_run)
                status = system_file_put(dns->root, stray.path, &none, fault);
            if (status == ST_OK)
                status = tell_manager(dns, NULL, false, report, fault);
        }
        file_image_fini(&stray.ours);
    }
    struct file_image plain = {0};
    if (status == ST_OK)
        status = system_file_look(dns->root, system_manager_path(MANAGER_PLAIN), &plain, fault);
    if (status == ST_OK && system_plan_wrote(&plain))
        status = fault_set(fault, ST_CORRUPT, LOST, system_manager_path(MANAGER_PLAIN));
    file_image_fini(&plain);
    return status;
}

enum status system_dns_disable(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault)
{
    struct system_state state;
    *report = (struct system_dns_report){.state = SYSTEM_DNS_OFF};
    enum status status = system_state_read(dns->root, &state, fault);
    if (status == ST_NOT_FOUND)
        return remove_strays(dns, report, fault);
    if (status != ST_OK)
        return status;
    status = give_all_back(dns, &state, false, report, fault);
    bool off = report->state == SYSTEM_DNS_OFF;
    if (status == ST_OK && state.in_force && off)
        status = tell_manager(dns, NULL, false, report, fault);
    /* A program that failed does not change what the files are: they are back. */
    if (off && (status == ST_OK || report->has_command) && !dns->dry_run) {
        enum status removed = system_state_remove(dns->root, fault);
        status = status == ST_OK ? removed : status;
    }
    system_state_fini(&state);
    return status;
}

/* --- Taking over --- */

/* What stood at the plan's path before we came: as recorded, unless someone else has put something there since. */
static enum status find_original(const struct system_plan *plan, const struct system_state *old,
                                 struct system_change *change, struct fault *fault)
{
    static const struct file_image none = {0};
    const struct file_image *original = &plan->now;
    for (size_t i = 0; i < old->change_count; i++) {
        const struct system_change *before = &old->changes[i];
        if (strcmp(before->path, plan->path) != 0)
            continue;
        change->made_folder = before->made_folder;
        if (is_ours(&plan->now, before) && !file_image_equal(&plan->now, &plan->ours) &&
            file_image_copy(&plan->now, &change->previous) != ST_OK)
            return fault_set(fault, ST_NOMEM, "out of memory");
        if (file_image_equal(&plan->now, &before->ours) || system_plan_wrote(&plan->now))
            original = &before->original;
    }
    if (original == &plan->now && system_plan_wrote(&plan->now)) { /* the record was lost */
        if (plan->manager == MANAGER_PLAIN)
            return fault_set(fault, ST_CORRUPT, LOST, plan->path);
        original = &none;
    }
    return file_image_copy(original, &change->original);
}

/* After a failure: where the plan's file is as it was, the record says again what it said before. */
static void withdraw(const struct system_dns *dns, const struct system_plan *plan, bool made_folder,
                     const struct file_image *record)
{
    struct file_image now = {0};
    if (!plan->path ||
        (system_file_look(dns->root, plan->path, &now, NULL) == ST_OK && file_image_equal(&now, &plan->now))) {
        enum status status = record->kind == IMAGE_ABSENT ? system_state_remove(dns->root, NULL)
                                                          : system_file_put(dns->root, SYSTEM_STATE_PATH, record, NULL);
        if (status == ST_OK && made_folder)
            system_folder_remove(dns->root, plan->path);
    }
    file_image_fini(&now);
}

static enum status record_and_write(const struct system_dns *dns, const struct system_plan *plan,
                                    struct system_state *state, struct fault *fault)
{
    struct file_image record;
    bool make_folder = plan->path && !system_folder_exists(dns->root, plan->path);
    enum status status = system_file_look(dns->root, SYSTEM_STATE_PATH, &record, fault);
    if (status != ST_OK)
        return status;
    status = system_state_write(dns->root, state, fault);
    if (status == ST_OK && make_folder)
        status = system_folder_make(dns->root, plan->path, fault);
    if (status == ST_OK && plan->path && !file_image_equal(&plan->now, &plan->ours))
        status = system_file_put(dns->root, plan->path, &plan->ours, fault);
    if (status != ST_OK)
        withdraw(dns, plan, make_folder, &record);
    file_image_fini(&record);
    return status;
}

static enum status carry_out(const struct system_dns *dns, const struct system_plan *plan,
                             const struct system_state *old, struct system_dns_report *report, struct fault *fault)
{
    struct system_state state = {.manager = plan->manager, .fail_closed = dns->fail_closed, .in_force = true};
    enum status status = ST_OK;
    if (plan->path) {
        struct system_change *change = &state.changes[state.change_count++];
        change->path = plan->path;
        status = system_folder_check(dns->root, plan->path, fault);
        if (status == ST_OK)
            status = find_original(plan, old, change, fault);
        change->made_folder |= !system_folder_exists(dns->root, plan->path);
        if (status == ST_OK)
            status = file_image_copy(&plan->ours, &change->ours);
        if (status == ST_OK)
            status = report_file(report, plan->path, &plan->now, &plan->ours, false);
    }
    if (status == ST_OK && !dns->dry_run)
        status = record_and_write(dns, plan, &state, fault);
    if (status == ST_OK)
        status = tell_manager(dns, &plan->server, true, report, fault);
    system_state_fini(&state);
    return status;
}

/* resolv.conf as it was before us, where it is ours now. */
static const struct file_image *original_of(const struct system_state *old)
{
    return old->change_count && old->manager == MANAGER_PLAIN ? &old->changes[0].original : NULL;
}

static enum status enable(const struct system_dns *dns, const struct system_state *old,
                          struct system_dns_report *report, struct fault *fault)
{
    struct system_plan plan;
    enum status status = ST_OK;
    enum system_manager manager = dns->manager;
    if (dns->any_manager && old->in_force)
        manager = old->manager; /* what is found now may be our own work */
    else if (dns->any_manager)
        status = system_manager_find(dns->root, &manager, fault);
    if (status == ST_OK && old->in_force && manager != old->manager)
        return fault_set(fault, ST_EXISTS, "it is enabled for %s: `ccward system-dns disable` first",
                         system_manager_text(old->manager));
    if (status == ST_OK)
        status = system_plan_make(dns->root, dns->config, dns->config_path, manager, original_of(old), &plan, fault);
    if (status != ST_OK)
        return status;
    *report = (struct system_dns_report){
        .state = SYSTEM_DNS_ON, .manager = manager, .server = plan.server, .fail_closed = dns->fail_closed};
    buf_add(&report->notes, plan.notes.data, plan.notes.length);
    status = carry_out(dns, &plan, old, report, fault);
    system_plan_fini(&plan);
    return status;
}

enum status system_dns_enable(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault)
{
    struct system_state old;
    *report = (struct system_dns_report){0};
    enum status status = system_state_read(dns->root, &old, fault);
    if (status != ST_OK && status != ST_NOT_FOUND)
        return status;
    status = enable(dns, &old, report, fault);
    system_state_fini(&old);
    return status;
}

/* --- With the daemon --- */

/* What was recorded, for REPORT; ST_NOT_FOUND: nothing was, and it is off. */
static enum status report_state(const struct system_dns *dns, struct system_state *state,
                                struct system_dns_report *report, struct fault *fault)
{
    *report = (struct system_dns_report){.state = SYSTEM_DNS_OFF};
    enum status status = system_state_read(dns->root, state, fault);
    if (status != ST_OK)
        return status;
    report->manager = state->manager;
    report->fail_closed = state->fail_closed;
    report->state = state->in_force ? SYSTEM_DNS_ON : SYSTEM_DNS_RELEASED;
    return ST_OK;
}

enum status system_dns_release(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault)
{
    struct system_state state;
    enum status status = report_state(dns, &state, report, fault);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    if (state.in_force && !state.fail_closed) {
        struct system_state released = {.manager = state.manager};
        report->state = SYSTEM_DNS_RELEASED;
        status = give_all_back(dns, &state, true, report, fault); /* names come before what was edited */
        if (status == ST_OK && !dns->dry_run)
            status = system_state_write(dns->root, &released, fault);
        if (status == ST_OK)
            status = tell_manager(dns, NULL, false, report, fault);
    }
    system_state_fini(&state);
    return status;
}

enum status system_dns_resume(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault)
{
    struct system_state old;
    struct system_dns again = *dns;
    *report = (struct system_dns_report){.state = SYSTEM_DNS_OFF};
    enum status status = system_state_read(dns->root, &old, fault);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    again.fail_closed = old.fail_closed;
    again.any_manager = true;
    status = enable(&again, &old, report, fault);
    system_state_fini(&old);
    return status;
}

enum status system_dns_look(const struct system_dns *dns, struct system_dns_report *report, struct fault *fault)
{
    struct system_state state;
    enum status status = report_state(dns, &state, report, fault);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    for (size_t i = 0; status == ST_OK && i < state.change_count; i++) {
        struct file_image now;
        status = system_file_look(dns->root, state.changes[i].path, &now, fault);
        bool ours = file_image_equal(&now, &state.changes[i].ours);
        if (status == ST_OK)
            status = report_file(report, state.changes[i].path, &now, &state.changes[i].ours, !ours);
        if (!ours)
            report->state = SYSTEM_DNS_CHANGED;
        file_image_fini(&now);
    }
    system_state_fini(&state);
    return status;
}
