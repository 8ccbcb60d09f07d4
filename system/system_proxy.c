#include "system/system_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "system/proxy_record.h"
#include "system/system_run.h"

void system_proxy_report_fini(struct system_proxy_report *report)
{
    for (size_t i = 0; i < report->file_count; i++)
        system_file_change_fini(&report->files[i]);
    buf_free(&report->notes);
}

static enum status report_file(struct system_proxy_report *report, const struct proxy_place *place,
                               const struct file_image *before, const struct file_image *after, bool foreign)
{
    CHECK(report->file_count < SYSTEM_PROXY_FILES);
    report->names[report->file_count] = place->name;
    return system_file_change_init(&report->files[report->file_count++], place->path, before, after, foreign);
}

/* The place stays as it is, and the others go on. */
static void note_failure(struct system_proxy_report *report, const struct proxy_place *place, const struct fault *why)
{
    report->failed++;
    buf_printf(&report->notes, "%s: %s is not changed: %s%s\n", place->name, place->path,
               why->text[0] ? why->text : "out of memory", geteuid() && !place->for_user ? " (root is needed)" : "");
}

static enum status put(const struct system_proxy *proxy, const struct proxy_place *place,
                       const struct file_image *image, struct fault *fault)
{
    return proxy->dry_run ? ST_OK : system_file_put(proxy->root, place->path, image, fault);
}

/* NOW without what is ours, with its mode and owner; absent where nothing is left, unless that was there before. */
static enum status strip(const struct proxy_place *place, const struct file_image *now,
                         const struct proxy_change *change, struct file_image *out, bool *any)
{
    *out = (struct file_image){.kind = now->kind, .mode = now->mode, .uid = now->uid, .gid = now->gid};
    enum status status =
        place->strip(now, change ? &change->original : NULL, change ? &change->ours : NULL, &out->bytes, any);
    bool was_empty = change && change->original.kind == IMAGE_FILE && !change->original.bytes.length;
    if (status == ST_OK && *any && !out->bytes.length && !was_empty)
        out->kind = IMAGE_ABSENT;
    return out->bytes.failed ? ST_NOMEM : status;
}

/* --- Programs --- */

static void report_command(struct system_proxy_report *report, const char *const words[])
{
    if (report->command_count < SYSTEM_PROXY_COMMANDS)
        system_run_line(words, report->commands[report->command_count++], sizeof report->commands[0]);
}

/* GNOME reads a database that `dconf update` makes of the files. */
static void update_dconf(const struct system_proxy *proxy, struct system_proxy_report *report)
{
    static const char *const words[] = {"dconf", "update", NULL};
    int wait_status = 0;
    bool changed = false;
    struct fault fault = {0};
    for (size_t i = 0; i < report->file_count; i++)
        changed = changed || (strstr(report->files[i].path, "dconf") &&
                              !file_image_equal(&report->files[i].before, &report->files[i].after));
    if (!changed)
        return;
    report_command(report, words);
    if (proxy->dry_run || proxy->no_programs)
        return;
    enum status status = system_run(words, "", NULL, &wait_status, &fault);
    if (status == ST_OK && !wait_status)
        return;
    report->failed++;
    buf_printf(&report->notes, "GNOME: the files are changed, but `dconf update` %s: run it by hand\n",
               status == ST_OK ? "failed" : "cannot be run");
}

static bool gnome_get(const struct gnome_setting *setting, char *out, size_t size)
{
    const char *const words[] = {"gsettings", "get", setting->schema, setting->key, NULL};
    struct buf text = {0};
    int wait_status = 0;
    bool got = system_run(words, "", &text, &wait_status, NULL) == ST_OK && !wait_status && text.length < size;
    struct str line = {text.data, text.length}, rest;
    str_cut(line, '\n', &line, &rest);
    text_copy(out, size, line);
    buf_free(&text);
    return got && out[0];
}

static bool gnome_set(const struct gnome_setting *setting)
{
    const char *const words[] = {"gsettings", "set", setting->schema, setting->key, setting->value, NULL};
    int wait_status = 0;
    return system_run(words, "", NULL, &wait_status, NULL) == ST_OK && !wait_status;
}

static bool gnome_get_all(struct gnome_setting settings[GNOME_SETTINGS])
{
    bool got = true;
    for (size_t i = 0; got && i < GNOME_SETTINGS; i++)
        got = gnome_get(&settings[i], settings[i].value, sizeof settings[i].value);
    return got;
}

/* Says so where this desktop is none of GNOME's. */
static void set_gnome(const struct system_proxy *proxy, const struct gnome_setting settings[GNOME_SETTINGS],
                      struct system_proxy_report *report)
{
    bool set = true;
    for (size_t i = 0; i < GNOME_SETTINGS; i++) {
        const char *const words[] = {"gsettings", "set", settings[i].schema, settings[i].key, settings[i].value, NULL};
        report_command(report, words);
        if (!proxy->dry_run)
            set = gnome_set(&settings[i]) && set;
    }
    if (set)
        return;
    report->failed++;
    buf_add_text(&report->notes, "GNOME: `gsettings set` failed: are you in a session of the desktop?\n");
}

static void enable_gnome(const struct system_proxy *proxy, const struct proxy_choice *choice,
                         struct proxy_record *record, struct system_proxy_report *report)
{
    struct gnome_setting now[GNOME_SETTINGS];
    if (!proxy->for_user || proxy->no_programs)
        return;
    proxy_gnome_settings(choice, now);
    if (!gnome_get_all(now)) {
        buf_add_text(&report->notes, "GNOME: `gsettings` has no proxy settings here, so that none are changed\n");
        return;
    }
    if (!record->has_gnome)
        memcpy(record->gnome, now, sizeof record->gnome);
    record->has_gnome = true;
}

/* --- Enabling --- */

/* What stands at the place without anything of ours. */
static enum status find_original(const struct proxy_place *place, const struct file_image *now,
                                 const struct proxy_change *before, struct file_image *original)
{
    bool any;
    struct file_image stripped;
    if (before && (file_image_equal(now, &before->ours) || file_image_equal(now, &before->original)))
        return file_image_copy(&before->original, original);
    enum status status = strip(place, now, before, &stripped, &any);
    if (status == ST_OK)
        status = any ? file_image_copy(&stripped, original) : file_image_copy(now, original);
    file_image_fini(&stripped);
    return status;
}

/* Fills CHANGE, of a file that is NOW. */
static enum status plan_change(const struct proxy_place *place, const struct proxy_choice *choice,
                               const struct file_image *now, const struct proxy_change *before,
                               struct proxy_change *change, struct fault *fault)
{
    *change = (struct proxy_change){.place = place, .made_folders = before ? before->made_folders : 0};
    if (now->kind == IMAGE_LINK)
        return fault_set(fault, ST_UNSUPPORTED, "it is a link, whose file may be another program's");
    enum status status = find_original(place, now, before, &change->original);
    if (status != ST_OK)
        return status;
    change->ours = (struct file_image){.kind = IMAGE_FILE, .mode = 0644, .uid = geteuid(), .gid = getegid()};
    if (now->kind == IMAGE_FILE) {
        change->ours.mode = now->mode;
        change->ours.uid = now->uid;
        change->ours.gid = now->gid;
    }
    status = place->apply(choice, &change->original, &change->ours.bytes, fault);
    return change->ours.bytes.failed ? ST_NOMEM : status;
}

static void change_fini(struct proxy_change *change)
{
    file_image_fini(&change->original);
    file_image_fini(&change->ours);
}

/* Plans all places that are there; those that cannot be changed are told and left out. */
static enum status plan_all(const struct system_proxy *proxy, const struct proxy_choice *choice,
                            struct proxy_record *old, struct proxy_record *record, struct system_proxy_report *report)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < proxy_place_count; i++) {
        const struct proxy_place *place = &proxy_places[i];
        const struct proxy_change *before = proxy_record_find(old, place);
        struct proxy_change *change = &record->changes[record->change_count];
        struct file_image now = {0};
        struct fault why = {0};
        if (place->for_user != proxy->for_user || (!before && !place->is_there(proxy->root)))
            continue;
        enum status planned = system_file_look(proxy->root, place->path, &now, &why);
        if (planned == ST_OK)
            planned = plan_change(place, choice, &now, before, change, &why);
        if (planned == ST_OK) {
            record->change_count++;
            status = report_file(report, place, &now, &change->ours, false);
        } else {
            change_fini(change);
            note_failure(report, place, &why);
        }
        file_image_fini(&now);
    }
    return status;
}

/* The record says what is changed before it is. */
static enum status write_all(const struct system_proxy *proxy, struct proxy_record *record,
                             struct system_proxy_report *report, struct fault *fault)
{
    if (proxy->dry_run)
        return ST_OK;
    enum status status = proxy_record_write(proxy, record, fault);
    bool made_any = false;
    for (size_t i = 0; status == ST_OK && i < record->change_count; i++) {
        struct proxy_change *change = &record->changes[i];
        const struct system_file_change *file = &report->files[i];
        struct fault why = {0};
        unsigned made = 0;
        if (file_image_equal(&file->before, &file->after))
            continue;
        enum status written = system_folders_make(proxy->root, change->place->path, &made, &why);
        change->made_folders += made;
        made_any = made_any || made;
        if (written == ST_OK)
            written = put(proxy, change->place, &change->ours, &why);
        if (written != ST_OK)
            note_failure(report, change->place, &why);
    }
    return status == ST_OK && made_any ? proxy_record_write(proxy, record, fault) : status;
}

static enum status enable(const struct system_proxy *proxy, const struct proxy_choice *choice, struct proxy_record *old,
                          struct system_proxy_report *report, struct fault *fault)
{
    struct gnome_setting settings[GNOME_SETTINGS];
    struct proxy_record record = {.has_gnome = old->has_gnome};
    memcpy(record.gnome, old->gnome, sizeof record.gnome);
    addr_format(&choice->proxy, record.proxy);
    text_copy(report->proxy, sizeof report->proxy, str_of(record.proxy));
    enable_gnome(proxy, choice, &record, report);
    enum status status = plan_all(proxy, choice, old, &record, report);
    if (status == ST_OK && !record.change_count && !record.has_gnome)
        status = fault_set(fault, ST_DENIED, "nothing could be changed: %s", buf_text(&report->notes));
    if (status == ST_OK)
        status = write_all(proxy, &record, report, fault);
    proxy_gnome_settings(choice, settings);
    if (status == ST_OK && record.has_gnome)
        set_gnome(proxy, settings, report);
    if (status == ST_OK)
        update_dconf(proxy, report);
    report->state = report->failed ? SYSTEM_PROXY_CHANGED : SYSTEM_PROXY_ON;
    proxy_record_fini(&record);
    return status;
}

enum status system_proxy_enable(const struct system_proxy *proxy, struct system_proxy_report *report,
                                struct fault *fault)
{
    struct proxy_choice choice;
    struct proxy_record old;
    *report = (struct system_proxy_report){0};
    if (!proxy_choice_of(proxy->config, &choice))
        return fault_set(fault, ST_UNSUPPORTED,
                         "ccward has no proxy: give it one with `listen` under `proxy:` of the configuration");
    enum status status = proxy_record_read(proxy, &old, fault);
    if (status != ST_OK && status != ST_NOT_FOUND)
        return status;
    status = enable(proxy, &choice, &old, report, fault);
    proxy_record_fini(&old);
    return status;
}

/* --- Disabling --- */

/* What the place becomes: its original, or, where others have written there since, all but ours. */
static enum status plan_return(const struct proxy_change *change, const struct file_image *now, struct file_image *back,
                               bool *foreign)
{
    bool any = false;
    *foreign = false;
    if (file_image_equal(now, &change->ours) || file_image_equal(now, &change->original))
        return file_image_copy(&change->original, back);
    *foreign = true;
    if (now->kind != IMAGE_FILE)
        return file_image_copy(now, back);
    return strip(change->place, now, change, back, &any);
}

static enum status give_back(const struct system_proxy *proxy, const struct proxy_change *change,
                             struct system_proxy_report *report)
{
    const struct proxy_place *place = change->place;
    struct file_image now = {0}, back = {0};
    struct fault why = {0};
    bool foreign;
    enum status status = system_file_look(proxy->root, place->path, &now, &why);
    if (status == ST_OK)
        status = plan_return(change, &now, &back, &foreign);
    if (status == ST_OK && !file_image_equal(&now, &back))
        status = put(proxy, place, &back, &why);
    if (status == ST_OK && foreign)
        buf_printf(&report->notes, "%s: %s was changed by someone else since; %s\n", place->name, place->path,
                   file_image_equal(&now, &back) ? "nothing of ours was left in it"
                                                 : "only what ccward had put there was taken out");
    if (status == ST_OK && !proxy->dry_run)
        system_folders_remove(proxy->root, place->path, change->made_folders);
    if (status == ST_OK)
        status = report_file(report, place, &now, &back, foreign);
    else
        note_failure(report, place, &why);
    file_image_fini(&now);
    file_image_fini(&back);
    return status;
}

/* `dconf update` leaves what it made of files that are gone. */
static void remove_database(const struct system_proxy *proxy, const struct proxy_record *record)
{
    static const struct file_image none = {0};
    for (size_t i = 0; !proxy->dry_run && i < record->change_count; i++)
        if (str_starts(str_of(record->changes[i].place->path), STR(PROXY_DCONF_DB ".d/")))
            (void)!system_file_put(proxy->root, PROXY_DCONF_DB, &none, NULL);
}

enum status system_proxy_disable(const struct system_proxy *proxy, struct system_proxy_report *report,
                                 struct fault *fault)
{
    struct proxy_record record;
    *report = (struct system_proxy_report){.state = SYSTEM_PROXY_OFF};
    enum status status = proxy_record_read(proxy, &record, fault);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    for (size_t i = record.change_count; i-- > 0;) /* GNOME's profile before the database that it names */
        if (give_back(proxy, &record.changes[i], report) != ST_OK)
            report->state = SYSTEM_PROXY_CHANGED;
    unsigned failed = report->failed;
    if (record.has_gnome && !proxy->no_programs)
        set_gnome(proxy, record.gnome, report);
    if (report->failed > failed) /* the record alone knows what there was: the next try needs it */
        report->state = SYSTEM_PROXY_CHANGED;
    update_dconf(proxy, report);
    remove_database(proxy, &record);
    if (report->state == SYSTEM_PROXY_CHANGED)
        text_copy(report->proxy, sizeof report->proxy, str_of(record.proxy));
    else if (!proxy->dry_run)
        status = proxy_record_remove(proxy, fault);
    proxy_record_fini(&record);
    return status;
}

/* --- Looking --- */

static enum status look_at(const struct system_proxy *proxy, const struct proxy_change *change,
                           struct system_proxy_report *report, struct fault *fault)
{
    struct file_image now = {0}, stripped = {0};
    bool any = true;
    enum status status = system_file_look(proxy->root, change->place->path, &now, fault);
    if (status == ST_OK && !file_image_equal(&now, &change->ours))
        status = strip(change->place, &now, change, &stripped, &any);
    if (status == ST_OK)
        status = report_file(report, change->place, &now, &change->ours, !any);
    if (!any)
        report->state = SYSTEM_PROXY_CHANGED;
    file_image_fini(&now);
    file_image_fini(&stripped);
    return status;
}

enum status system_proxy_look(const struct system_proxy *proxy, struct system_proxy_report *report, struct fault *fault)
{
    struct proxy_record record;
    *report = (struct system_proxy_report){.state = SYSTEM_PROXY_OFF};
    enum status status = proxy_record_read(proxy, &record, fault);
    if (status != ST_OK)
        return status == ST_NOT_FOUND ? ST_OK : status;
    report->state = SYSTEM_PROXY_ON;
    text_copy(report->proxy, sizeof report->proxy, str_of(record.proxy));
    for (size_t i = 0; status == ST_OK && i < record.change_count; i++)
        status = look_at(proxy, &record.changes[i], report, fault);
    proxy_record_fini(&record);
    return status;
}
