#include "callbacks/report_list.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { MAX_BYTES = 8 << 20, LOCK_TRIES = 250, LOCK_POLL_MS = 20, URL_SIZE = REPORT_HOST_SIZE + 32 };

/* --- One line --- */

void report_url(const struct report *report, char *out, size_t size)
{
    char port[8] = "";
    if (report->port)
        snprintf(port, sizeof port, ":%u", report->port);
    snprintf(out, size, "%s://%s%s/", report->https ? "https" : "http", report->host, port);
}

static json_t *time_json(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_ms, text);
    return json_string(text);
}

/* jansson takes only valid UTF-8, which text_printable() makes. */
static json_t *text_json(const char *text)
{
    char safe[4 * VERDICT_INDICATOR_SIZE];
    text_printable(safe, sizeof safe, str_of(text));
    return json_string(safe);
}

static json_t *comments_json(const struct report_entry *entry)
{
    json_t *list = json_array();
    for (size_t i = 0; i < entry->comment_count; i++) {
        const struct report_comment *comment = &entry->comments[i];
        json_array_append_new(list, json_pack("{s:o, s:I, s:o}", "time", time_json(comment->time_ms), "time_ms",
                                              (json_int_t)comment->time_ms, "text", text_json(comment->text)));
    }
    return list;
}

json_t *report_entry_json(const struct report_entry *entry)
{
    const struct report *report = &entry->report;
    char client[ADDR_TEXT_SIZE], url[URL_SIZE];
    addr_format_ip(&report->client, client);
    report_url(report, url, sizeof url);
    return json_pack("{s:i, s:s, s:o, s:I, s:o, s:I, s:i, s:s, s:o, s:o, s:b, s:i, s:o, s:s, s:o, s:o, s:o, s:o, s:o, "
                     "s:I, s:o}",
                     "id", (int)entry->number, "state", entry->done_ms ? "done" : "open", "time",
                     time_json(report->time_ms), "time_ms", (json_int_t)report->time_ms, "last_time",
                     time_json(entry->last_ms), "last_ms", (json_int_t)entry->last_ms, "times", (int)entry->times,
                     "client", client, "host", text_json(report->host), "url", text_json(url), "https", report->https,
                     "port", (int)report->port, "reference", text_json(report->reference), "category",
                     category_text(report->category), "family", text_json(report->family), "indicator",
                     text_json(report->indicator), "sources", text_json(report->sources), "comment",
                     text_json(report_entry_comment(entry)), "comments", comments_json(entry), "done_ms",
                     (json_int_t)entry->done_ms, "allowed", text_json(entry->allowed));
}

static void put_comment(struct report_entry *entry, int64_t time_ms, const char *text)
{
    struct report_comment *comments = entry->comments;
    size_t count = entry->comment_count, at = 0;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(comments[i].text, text)) { /* said again: it counts as said last */
            time_ms = comments[i].time_ms > time_ms ? comments[i].time_ms : time_ms;
            memmove(&comments[i], &comments[i + 1], (--count - i) * sizeof *comments);
            break;
        }
    if (count == REPORT_COMMENTS_MAX && time_ms < comments[0].time_ms)
        return;
    if (count == REPORT_COMMENTS_MAX)
        memmove(&comments[0], &comments[1], --count * sizeof *comments);
    while (at < count && comments[at].time_ms <= time_ms)
        at++;
    memmove(&comments[at + 1], &comments[at], (count - at) * sizeof *comments);
    comments[at].time_ms = time_ms;
    text_copy(comments[at].text, sizeof comments[at].text, str_of(text));
    entry->comment_count = count + 1;
}

static const int64_t latest_ms = 253402300799999; /* the year 9999 */

static bool take_numbers(struct report_entry *entry, json_int_t time_ms, json_int_t last_ms, json_int_t done_ms,
                         int port)
{
    if (time_ms < 0 || time_ms > latest_ms || last_ms < 0 || last_ms > latest_ms || done_ms < 0 ||
        done_ms > latest_ms || port < 0 || port > 65535)
        return false;
    entry->report.time_ms = time_ms;
    entry->last_ms = last_ms;
    entry->done_ms = done_ms;
    entry->report.port = (uint16_t)port;
    return true;
}

#define TAKE(member, text) text_printable(member, sizeof(member), str_of(text))

/* LAST is what those had alone that were written before there were several. */
static bool read_comments(const json_t *list, const char *last, struct report_entry *entry)
{
    char safe[REPORT_COMMENT_SIZE];
    if (!list && *last) {
        TAKE(safe, last);
        put_comment(entry, entry->last_ms, safe);
    }
    if (list && (!json_is_array(list) || json_array_size(list) > REPORT_COMMENTS_MAX))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *time = json_object_get(item, "time_ms");
        const char *text = json_string_value(json_object_get(item, "text"));
        json_int_t time_ms = json_integer_value(time);
        if (!json_is_integer(time) || !text || !*text || time_ms < 0 || time_ms > latest_ms)
            return false;
        TAKE(safe, text);
        put_comment(entry, time_ms, safe);
    }
    return true;
}

static bool read_entry(const json_t *json, struct report_entry *entry)
{
    struct report *report = &entry->report;
    int number, times, port, https;
    json_int_t time_ms, last_ms, done_ms;
    const char *client, *host, *reference, *category, *family, *indicator, *sources, *comment, *allowed;
    *entry = (struct report_entry){0};
    if (json_unpack((json_t *)(uintptr_t)json,
                    "{s:i, s:I, s:I, s:i, s:s, s:s, s:b, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "id", &number,
                    "time_ms", &time_ms, "last_ms", &last_ms, "times", &times, "client", &client, "host", &host,
                    "https", &https, "port", &port, "reference", &reference, "category", &category, "family", &family,
                    "indicator", &indicator, "sources", &sources, "comment", &comment, "done_ms", &done_ms, "allowed",
                    &allowed) ||
        number < 1 || number == INT32_MAX || times < 1 || !take_numbers(entry, time_ms, last_ms, done_ms, port) ||
        addr_parse_ip(str_of(client), &report->client) != ST_OK ||
        category_parse(str_of(category), &report->category) != ST_OK ||
        !read_comments(json_object_get(json, "comments"), comment, entry))
        return false;
    entry->number = (unsigned)number;
    entry->times = (unsigned)times;
    report->https = https;
    TAKE(report->host, host);
    TAKE(report->reference, reference);
    TAKE(report->family, family);
    TAKE(report->indicator, indicator);
    TAKE(report->sources, sources);
    TAKE(entry->allowed, allowed);
    return true;
}

/* --- The file --- */

enum status report_list_parse(struct report_list *list, struct str text, const char *name, struct fault *fault)
{
    unsigned number = 0;
    while (text.length) {
        struct str line = text;
        if (!str_cut(text, '\n', &line, &text))
            text = (struct str){0};
        number++;
        if (!line.length)
            continue;
        json_t *json = json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES, NULL);
        struct report_entry *entry = &list->entries[list->count];
        bool good = json && list->count < REPORTS_MAX && read_entry(json, entry) && entry->number >= list->next_number;
        json_decref(json);
        if (!good)
            return fault_set(fault, ST_INVALID,
                             "%s:%u: this is no report as ccward writes them; take the line out, or the file away",
                             name, number);
        list->next_number = entry->number + 1;
        list->count++;
    }
    return ST_OK;
}

static enum status take_lock(const char *state_dir, bool patient, int *lock, struct fault *fault)
{
    char path[sizeof((struct report_list *)0)->path];
    snprintf(path, sizeof path, "%s/reports.lock", state_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return fault_errno(fault, file_status(errno), "%s", path);
    for (unsigned tries = 0; flock(fd, LOCK_EX | LOCK_NB); tries++) {
        if (!patient || tries == LOCK_TRIES) {
            close(fd);
            return fault_set(fault, ST_BUSY, "%s is held by another process", path);
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
    }
    *lock = fd;
    return ST_OK;
}

static enum status read_list(struct report_list *list, struct fault *fault)
{
    struct buf text = {0};
    struct fault missing = {0};
    enum status status = file_read(list->path, MAX_BYTES, &text, &missing);
    if (status == ST_OK)
        status = report_list_parse(list, (struct str){text.data, text.length}, list->path, fault);
    else if (status == ST_NOT_FOUND)
        status = ST_OK;
    else
        fault_set(fault, status, "%s", missing.text);
    buf_free(&text);
    return status;
}

static enum status make(const char *state_dir, bool locked, bool patient, struct report_list **out, struct fault *fault)
{
    struct report_list *list = calloc(1, sizeof *list);
    if (!list)
        return fault_set(fault, ST_NOMEM, "out of memory");
    list->lock = -1;
    list->next_number = 1;
    int n = snprintf(list->path, sizeof list->path, "%s/" REPORTS_FILE, state_dir);
    enum status status = n > 0 && (size_t)n < sizeof list->path
                             ? ST_OK
                             : fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    if (status == ST_OK && locked)
        status = take_lock(state_dir, patient, &list->lock, fault);
    if (status == ST_OK)
        status = read_list(list, fault);
    if (status == ST_OK)
        *out = list;
    else
        report_list_free(list);
    return status;
}

enum status report_list_open(const char *state_dir, bool patient, struct report_list **list, struct fault *fault)
{
    return make(state_dir, true, patient, list, fault);
}

enum status report_list_read(const char *state_dir, struct report_list **list, struct fault *fault)
{
    return make(state_dir, false, false, list, fault);
}

void report_list_free(struct report_list *list)
{
    if (!list)
        return;
    if (list->lock >= 0)
        close(list->lock);
    free(list);
}

enum status report_list_save(struct report_list *list, struct fault *fault)
{
    struct buf text = {0};
    for (size_t i = 0; i < list->count; i++) {
        json_t *json = report_entry_json(&list->entries[i]);
        char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        if (!line)
            text.failed = true;
        else
            buf_printf(&text, "%s\n", line);
        free(line);
    }
    enum status status = text.failed ? fault_set(fault, ST_NOMEM, "out of memory")
                                     : file_replace(list->path, (struct str){text.data, text.length}, fault);
    buf_free(&text);
    return status;
}

/* --- Entries --- */

static bool is_same(const struct report *a, const struct report *b)
{
    return addr_same_ip(&a->client, &b->client) && str_eq_nocase(str_of(a->host), str_of(b->host)) &&
           !strcmp(a->reference, b->reference);
}

static void remove_at(struct report_list *list, size_t at)
{
    list->count--;
    memmove(&list->entries[at], &list->entries[at + 1], (list->count - at) * sizeof list->entries[0]);
}

static void make_room(struct report_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].done_ms) {
            remove_at(list, i);
            return;
        }
}

static void take_comment(struct report_entry *entry, const struct report *report)
{
    if (report->comment[0])
        put_comment(entry, report->time_ms, report->comment);
}

bool report_list_add(struct report_list *list, const struct report *report)
{
    for (size_t i = 0; i < list->count; i++) {
        struct report_entry *entry = &list->entries[i];
        if (entry->done_ms || !is_same(&entry->report, report))
            continue;
        if (entry->times < INT32_MAX)
            entry->times++;
        if (report->time_ms > entry->last_ms) /* of several workers they come in any order */
            entry->last_ms = report->time_ms;
        take_comment(entry, report);
        return true;
    }
    if (list->count == REPORTS_MAX)
        make_room(list);
    if (list->count == REPORTS_MAX || list->next_number >= INT32_MAX)
        return false;
    struct report_entry *entry = &list->entries[list->count++];
    *entry =
        (struct report_entry){.number = list->next_number++, .report = *report, .times = 1, .last_ms = report->time_ms};
    entry->report.comment[0] = '\0';
    take_comment(entry, report);
    return true;
}

const char *report_entry_comment(const struct report_entry *entry)
{
    return entry->comment_count ? entry->comments[entry->comment_count - 1].text : "";
}

struct report_entry *report_list_find(struct report_list *list, unsigned number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].number == number)
            return &list->entries[i];
    return NULL;
}

size_t report_list_open_count(const struct report_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += !list->entries[i].done_ms;
    return count;
}
