/* The control thread's end: collects from the recorders, counts repeats together, writes lines, and folds what there
 * are no lines for (docs/callback-log.md). */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "callbacks/contacts.h"
#include "callbacks/drain.h"
#include "callbacks/log_file.h"
#include "callbacks/log_line.h"

enum {
    OPEN_MS = 10000,      /* hits of one contact within this time are one callback */
    LINE_EVERY_MS = 1000, /* further lines of one callback */
    DEFAULT_LINES_PER_S = 500,
    RECORDERS_MAX = 256,
};

struct collector {
    uint64_t seed;
    struct incidents *incidents;
    struct process_finder *finder;
    struct contacts *contacts;
    struct log_file file;
    struct buf line;
    struct recorder *recorders[RECORDERS_MAX];
    size_t recorder_count;
    struct contact *due[CONTACTS_MAX];
    int64_t lines_per_s, lines_left, refilled_ms; /* lines_left in thousandths */
    uint32_t sequence;
    struct collector_counters counters;
};

static void free_all(struct collector *collector)
{
    for (size_t i = 0; i < collector->recorder_count; i++)
        recorder_free(collector->recorders[i]);
    process_finder_free(collector->finder);
    contacts_free(collector->contacts);
    buf_free(&collector->line);
    free(collector);
}

enum status collector_open(const struct collector_settings *settings, struct collector **out, struct fault *fault)
{
    struct collector *collector = calloc(1, sizeof *collector);
    if (!collector)
        return ST_NOMEM;
    collector->file.fd = -1;
    enum status status = fold_seed(&collector->seed);
    if (status != ST_OK)
        goto out;
    collector->incidents = settings->incidents;
    collector->lines_per_s = settings->max_lines_per_s ? settings->max_lines_per_s : DEFAULT_LINES_PER_S;
    collector->lines_left = collector->lines_per_s * 1000;
    collector->refilled_ms = clock_mono_ms();
    collector->sequence = (uint32_t)(collector->seed >> 40);
    collector->line.max_bytes = LOG_FILE_LINE_BYTES - 1;
    collector->finder = process_finder_new();
    collector->contacts = contacts_new(collector->seed);
    status = collector->finder && collector->contacts ? log_file_open(settings->state_dir, settings->rotate_bytes,
                                                                      settings->rotate_keep, &collector->file, fault)
                                                      : ST_NOMEM;
out:
    if (status == ST_OK) {
        *out = collector;
    } else {
        log_file_close(&collector->file);
        free_all(collector);
    }
    return status;
}

enum status collector_add_recorder(struct collector *collector, struct recorder **recorder)
{
    if (collector->recorder_count == RECORDERS_MAX)
        return ST_TOO_LARGE;
    *recorder = recorder_new(collector->seed);
    if (!*recorder)
        return ST_NOMEM;
    collector->recorders[collector->recorder_count++] = *recorder;
    return ST_OK;
}

/* Orders by time as text, and is like no other, also after a restart. */
static void make_id(struct collector *collector, const struct contact *contact, char out[CONTACT_ID_SIZE])
{
    snprintf(out, CONTACT_ID_SIZE, "%011llX-%06X", (unsigned long long)contact->callback.time_ms & 0xfffffffffffU,
             ++collector->sequence & 0xffffffU);
}

static void on_opened(struct collector *collector, struct contact *contact)
{
    struct incident_view incident;
    make_id(collector, contact, contact->id);
    collector->counters.callbacks++;
    if (contact->level > FOLD_SUBJECTS)
        return;
    incidents_count(collector->incidents, &contact->callback, &incident);
    text_copy(contact->incident, sizeof contact->incident, str_of(incident.id));
    (void)process_find(collector->finder, &contact->callback, &contact->process); /* not found: fields stay empty */
}

static void count_hits(struct collector *collector, enum fold level, const struct callback *callback, int64_t last_ms)
{
    bool opened;
    struct contact *contact = contacts_take(collector->contacts, level, callback, &opened);
    if (opened)
        on_opened(collector, contact);
    contact_add(contact, callback->count, last_ms);
    if (contact->level != FOLD_NONE)
        contact_add_subject(contact, fold_subject_hash(collector->seed, callback));
}

static void on_taken(void *context, enum fold level, const struct callback *callback, int64_t last_ms)
{
    struct collector *collector = context;
    collector->counters.hits += callback->count;
    count_hits(collector, level, callback, last_ms);
}

static void refill_lines(struct collector *collector, int64_t now_ms)
{
    int64_t most = collector->lines_per_s * 1000;
    collector->lines_left += (now_ms - collector->refilled_ms) * collector->lines_per_s;
    if (collector->lines_left > most)
        collector->lines_left = most;
    collector->refilled_ms = now_ms;
}

/* Each level leaves some lines to those below it; the last, a line a second for each action, always has one. */
static bool may_write(const struct collector *collector, enum fold level)
{
    int64_t most = collector->lines_per_s * 1000;
    const int64_t kept[FOLD_LEVELS] = {most / 4, most / 8, most / 16, 0};
    return log_file_has_room(&collector->file) &&
           (level == FOLD_CLIENTS || collector->lines_left >= kept[level] + 1000);
}

static void write_line(struct collector *collector, struct contact *contact, int64_t now_ms)
{
    buf_clear(&collector->line);
    if (log_line_build(contact, &collector->line) != ST_OK)
        return; /* no memory: the count stays, the next step tries again */
    log_file_add(&collector->file, collector->line.data, collector->line.length);
    collector->lines_left -= 1000;
    collector->counters.lines++;
    contact->has_line = true;
    contact->line_ms = now_ms;
    contact->callback.count = 0;
}

static void fold_down(struct collector *collector, struct contact *contact)
{
    contact->muted = true;
    count_hits(collector, contact->level + 1, &contact->callback, contact->last_ms);
    contact->callback.count = 0;
}

static bool is_closing(const struct contact *contact, int64_t now_ms)
{
    return now_ms - contact->opened_ms >= OPEN_MS;
}

static bool is_due(const struct contact *contact, int64_t now_ms)
{
    return contact->callback.count &&
           (!contact->has_line || is_closing(contact, now_ms) || now_ms - contact->line_ms >= LINE_EVERY_MS);
}

static void settle(struct collector *collector, struct contact *contact, int64_t now_ms)
{
    bool must = !contact->has_line || is_closing(contact, now_ms);
    if (may_write(collector, contact->level))
        write_line(collector, contact, now_ms);
    else if (must && contact->level != FOLD_CLIENTS)
        fold_down(collector, contact);
}

static int by_time(const void *a, const void *b)
{
    const struct contact *const *left = a, *const *right = b;
    return ((*left)->callback.time_ms > (*right)->callback.time_ms) -
           ((*left)->callback.time_ms < (*right)->callback.time_ms);
}

/* Level by level, since what finds no line makes the next level grow. */
static void write_due(struct collector *collector, int64_t now_ms)
{
    for (enum fold level = FOLD_NONE; level < FOLD_LEVELS; level++) {
        size_t count = 0;
        for (size_t i = 0; i < contacts_count(collector->contacts); i++) {
            struct contact *contact = contacts_at(collector->contacts, i);
            if (contact->level == level && is_due(contact, now_ms))
                collector->due[count++] = contact;
        }
        qsort(collector->due, count, sizeof *collector->due, by_time);
        for (size_t i = 0; i < count; i++)
            settle(collector, collector->due[i], now_ms);
    }
}

static void close_old(struct collector *collector, int64_t now_ms)
{
    for (size_t at = contacts_count(collector->contacts); at-- > 0;) {
        const struct contact *contact = contacts_at(collector->contacts, at);
        if (is_closing(contact, now_ms) && !contact->callback.count)
            contacts_close(collector->contacts, at);
    }
}

static void drain(struct collector *collector)
{
    for (size_t i = 0; i < collector->recorder_count; i++)
        recorder_drain(collector->recorders[i], on_taken, collector);
}

void collector_step(struct collector *collector)
{
    int64_t now_ms = clock_mono_ms();
    refill_lines(collector, now_ms);
    write_due(collector, now_ms); /* what closes now, before later hits come to it */
    close_old(collector, now_ms);
    drain(collector);
    write_due(collector, now_ms);
    log_file_flush(&collector->file);
    collector->counters.write_errors = collector->file.write_errors;
}

void collector_close(struct collector *collector)
{
    if (!collector)
        return;
    int64_t end_ms = clock_mono_ms() + OPEN_MS; /* all are closing */
    drain(collector);
    refill_lines(collector, end_ms);
    write_due(collector, end_ms);
    uint64_t left = 0;
    for (size_t i = 0; i < contacts_count(collector->contacts); i++)
        left += contacts_at(collector->contacts, i)->callback.count;
    if (left)
        log_error("%s: %llu hits could not be written", LOG_FILE_NAME, (unsigned long long)left);
    log_file_close(&collector->file);
    free_all(collector);
}

void collector_reopen(struct collector *collector)
{
    log_file_reopen(&collector->file);
}

bool collector_is_failing(const struct collector *collector)
{
    return collector->file.failing;
}

const struct collector_counters *collector_counters(const struct collector *collector)
{
    return &collector->counters;
}
