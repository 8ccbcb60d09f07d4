/* `ccward reports`: what people have reported as blocked by mistake. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "callbacks/report_list.h"
#include "commands/control_ask.h"
#include "commands/own_entries.h"

struct call {
    const struct command *command;
    struct own_options options;
    struct config config;
    bool all;
    char **operands;
    int operand_count;
    int64_t now_ms;
};

/* --- Showing --- */

static void print_row(const struct report_entry *entry)
{
    const struct report *report = &entry->report;
    char client[ADDR_TEXT_SIZE], time[CLOCK_TEXT_SIZE], host[REPORT_HOST_SIZE + 8], more[40] = "";
    addr_format_ip(&report->client, client);
    clock_format(entry->last_ms, time);
    time[16] = '\0'; /* 2026-01-31T12:00 */
    time[10] = ' ';
    snprintf(host, sizeof host, "%s%s", report->host, entry->done_ms ? " (done)" : "");
    if (entry->comment_count > 1)
        snprintf(more, sizeof more, " (and %zu before)", entry->comment_count - 1);
    printf("%5u  %-16s  %-15s  %-32s  %-10s  %s%s\n", entry->number, time, client, host,
           category_text(report->category), report_entry_comment(entry), more);
}

static int show_list_json(const struct call *call, const struct report_list *list)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (call->all || !list->entries[i].done_ms)
            json_array_append_new(entries, report_entry_json(&list->entries[i]));
    json_t *all = json_pack("{s:o}", "reports", entries);
    int code = all ? command_print_json(all) : EXIT_FAILED;
    json_decref(all);
    return code;
}

static int show_list(struct call *call, struct report_list *list)
{
    size_t shown = call->all ? list->count : report_list_open_count(list);
    if (call->options.json)
        return show_list_json(call, list);
    if (shown)
        printf("%5s  %-16s  %-15s  %-32s  %-10s  %s\n", "ID", "TIME (UTC)", "CLIENT", "HOST", "CATEGORY", "COMMENT");
    else
        puts(call->all ? "Nobody has reported a mistake." : "No report is open; --all shows those that are done.");
    for (size_t i = 0; i < list->count; i++)
        if (call->all || !list->entries[i].done_ms)
            print_row(&list->entries[i]);
    if (shown)
        puts("\n`ccward reports show ID` tells more, `ccward reports done ID [--allow]` settles one.");
    return EXIT_OK;
}

static void print_if(const char *label, const char *text)
{
    if (*text)
        printf("%-11s%s\n", label, text);
}

/* With their times where there are several. */
static void print_comments(const struct report_entry *entry)
{
    char time[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < entry->comment_count; i++) {
        clock_format(entry->comments[i].time_ms, time);
        if (entry->comment_count > 1)
            printf("%-11s%s  %s\n", i ? "" : "comments", time, entry->comments[i].text);
        else
            print_if("comment", entry->comments[i].text);
    }
}

static void print_entry(const struct report_entry *entry)
{
    const struct report *report = &entry->report;
    char client[ADDR_TEXT_SIZE], time[CLOCK_TEXT_SIZE], url[REPORT_HOST_SIZE + 32];
    addr_format_ip(&report->client, client);
    report_url(report, url, sizeof url);
    clock_format(report->time_ms, time);
    printf("report     %u, %s\n", entry->number, entry->done_ms ? "done" : "open");
    print_if("host", report->host);
    print_if("blocked at", url);
    print_if("category", category_text(report->category));
    print_if("family", report->family);
    print_if("entry", report->indicator);
    print_if("listed by", report->sources);
    print_if("client", client);
    print_if("incident", report->reference);
    print_if("time", time);
    if (entry->times > 1) {
        clock_format(entry->last_ms, time);
        printf("again      %u time%s, last at %s\n", entry->times - 1, text_plural(entry->times - 1), time);
    }
    print_comments(entry);
    if (entry->done_ms) {
        clock_format(entry->done_ms, time);
        print_if("done at", time);
    }
    print_if("allowed", entry->allowed);
    if (!entry->done_ms)
        printf("\n`ccward why %s` tells what is known of it; `ccward reports done %u --allow` allows it, without\n"
               "--allow it stays blocked.\n",
               report->host, entry->number);
}

/* NULL with an exit code, told already. */
static struct report_entry *find_entry(const struct call *call, struct report_list *list, const char *text, int *code)
{
    uint64_t number;
    *code = EXIT_OK;
    if (text_u64(str_of(text), INT32_MAX, &number) != ST_OK) {
        *code = command_misused(call->command, "'%s' is no number of a report", text);
        return NULL;
    }
    struct report_entry *entry = report_list_find(list, (unsigned)number);
    if (!entry) {
        fprintf(stderr, "ccward: there is no report %s; `ccward reports --all` shows all\n", text);
        *code = EXIT_FAILED;
    }
    return entry;
}

static int show_entry(struct call *call, struct report_list *list)
{
    int code;
    if (call->operand_count != 1)
        return command_misused(call->command, "which report is to be shown? One number is expected");
    const struct report_entry *entry = find_entry(call, list, call->operands[0], &code);
    if (!entry)
        return code;
    if (!call->options.json) {
        print_entry(entry);
        return EXIT_OK;
    }
    json_t *json = report_entry_json(entry);
    code = json ? command_print_json(json) : EXIT_FAILED;
    json_decref(json);
    return code;
}

static int read_only(struct call *call, int (*run)(struct call *call, struct report_list *list))
{
    struct report_list *list;
    struct fault fault = {0};
    enum status status = report_list_read(call->config.state_dir, &list, &fault);
    if (status != ST_OK)
        return command_failed(status, &fault);
    int code = run(call, list);
    report_list_free(list);
    return code;
}

/* --- Settling --- */

/* The host of ENTRY goes into LISTS. Returns an exit code. */
static int allow_host(const struct call *call, struct user_lists *lists, struct report_entry *entry)
{
    struct user_subject subject;
    struct fault fault = {0};
    struct own_options options = call->options;
    char note[64];
    snprintf(note, sizeof note, "report %u", entry->number);
    if (!options.note[0])
        options.note = note;
    enum status status = own_subject_parse(entry->report.host, options.exact, &subject, &fault);
    if (status == ST_OK && !options.force)
        status = own_subject_check(&call->config, &subject, USER_ALLOW, &fault);
    if (status != ST_OK)
        return command_misused(call->command, "report %u: %s", entry->number, fault.text);
    const struct user_entry *replaced;
    struct user_entry added = own_entry(&options, &subject, (call->now_ms + 999) / 1000);
    if (user_lists_put(lists, &added, &replaced, &fault) != ST_OK)
        return command_misused(call->command, "report %u: %s", entry->number, fault.text);
    text_printable(entry->allowed, sizeof entry->allowed, str_of(subject.text));
    return EXIT_OK;
}

static int settle(struct call *call, struct report_list *list, struct user_lists *lists)
{
    int code = EXIT_OK;
    for (int i = 0; code == EXIT_OK && i < call->operand_count; i++) {
        struct report_entry *entry = find_entry(call, list, call->operands[i], &code);
        if (!entry)
            break;
        entry->done_ms = call->now_ms;
        if (lists)
            code = allow_host(call, lists, entry);
    }
    return code;
}

static int tell_settled(const struct call *call, struct report_list *list)
{
    json_t *entries = json_array();
    for (int i = 0; i < call->operand_count; i++) {
        int code;
        const struct report_entry *entry = find_entry(call, list, call->operands[i], &code);
        CHECK(entry);
        if (call->options.json)
            json_array_append_new(entries, report_entry_json(entry));
        else if (entry->allowed[0])
            printf("report %u is done: allow %s\n", entry->number, entry->allowed);
        else
            printf("report %u is done: %s stays blocked\n", entry->number, entry->report.host);
    }
    json_t *all = json_pack("{s:o}", "reports", entries);
    int code = call->options.json ? command_print_json(all) : EXIT_OK;
    json_decref(all);
    return code;
}

/* The entries first: a report that is done without them would be forgotten. */
static int save(struct call *call, struct report_list *list, struct user_lists *lists)
{
    struct fault fault = {0};
    enum status status = lists ? user_lists_save(call->config.state_dir, lists, &fault) : ST_OK;
    if (status == ST_OK)
        status = report_list_save(list, &fault);
    return status == ST_OK ? tell_settled(call, list) : command_failed(status, &fault);
}

static int done(struct call *call)
{
    struct report_list *list = NULL;
    struct user_lists *lists = NULL;
    struct fault fault = {0};
    int lock = -1, code;
    if (!call->operand_count)
        return command_misused(call->command, "which report is done?");
    if (call->options.has_verb && call->options.verb == USER_DENY)
        return command_misused(call->command, "what is reported is blocked already");
    if (own_group_check(&call->config, call->options.group, &fault) != ST_OK)
        return command_misused(call->command, "%s", fault.text);
    enum status status = command_become_owner(&call->config, &fault);
    if (status == ST_OK)
        status = report_list_open(call->config.state_dir, true, &list, &fault);
    if (status == ST_OK && call->options.has_verb)
        status = user_lists_open(call->config.state_dir, &lists, &lock, &fault);
    if (status == ST_OK) {
        code = settle(call, list, lists);
        if (code == EXIT_OK)
            code = save(call, list, lists);
    } else {
        code = command_failed(status, &fault);
    }
    if (lists)
        user_lists_close(lists, lock);
    report_list_free(list);
    return code;
}

/* --- The call --- */

static int list_all(struct call *call)
{
    return read_only(call, show_list);
}

static int show(struct call *call)
{
    return read_only(call, show_entry);
}

int cmd_reports(const struct command *command, int argc, char **argv)
{
    static const struct verb {
        struct command_verb verb;
        int (*run)(struct call *call);
    } verbs[] = {{{"list", 0}, list_all}, {{"show", -1}, show}, {{"done", -1}, done}, {{0}}};
    struct call call = {.command = command,
                        .options = {.group = "", .note = "", .category = CATEGORY_OTHER},
                        .now_ms = clock_wall_ms()};
    const struct own_verbs own_verbs = {.rows = verbs,
                                        .row_size = sizeof verbs[0],
                                        .choices = "list, show or done",
                                        .making = "done",
                                        .makers = "--allow",
                                        .naming = "done",
                                        .all = &call.all};
    const void *row = NULL;
    int code = own_options_parse(command, argc, argv, &call.options, &own_verbs, &row);
    if (code != COMMAND_GO_ON)
        return code;
    const struct verb *verb = row;
    call.operands = argv + optind;
    call.operand_count = argc - optind;
    if (!command_config(call.options.config_path, &call.config))
        return EXIT_CONFIG;
    code = verb->run(&call);
    config_free(&call.config);
    return code;
}
