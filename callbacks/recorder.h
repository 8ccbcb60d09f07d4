/* From the request path to the log: a worker records, the control thread collects, merges and writes.
 *
 * Repeats of one contact (client, channel, action, indicator, subject) within 10 s are one callback with a count. In a
 * flood a client's further subjects under one indicator fold into one entry, then further indicators of one client,
 * then all the rest: counts stay exact, memory and disk bounded (docs/callback-log.md). */
#pragma once

#include "callbacks/callback.h"
#include "callbacks/incidents.h"

struct recorder;  /* one worker's end */
struct collector; /* the control thread's end */

struct collector_settings {
    const char *state_dir;       /* holds callbacks.jsonl */
    uint64_t rotate_bytes;       /* a log over this is renamed to callbacks.jsonl.1 ... and a new one started */
    unsigned rotate_keep;        /* old logs kept */
    unsigned max_lines_per_s;    /* beyond it entries fold */
    struct incidents *incidents; /* borrowed */
};

enum status collector_open(const struct collector_settings *settings, struct collector **collector,
                           struct fault *fault) MUST_CHECK;
/* Writes what is left. */
void collector_close(struct collector *collector);
/* A worker's end; freed by collector_close(), after the worker has stopped. */
enum status collector_add_recorder(struct collector *collector, struct recorder **recorder) MUST_CHECK;
/* Control thread, every 100 ms: collects, merges, writes. */
void collector_step(struct collector *collector);
/* Reopens callbacks.jsonl (log rotation by others). */
void collector_reopen(struct collector *collector);

struct collector_counters {
    uint64_t hits, callbacks, lines, write_errors;
};
const struct collector_counters *collector_counters(const struct collector *collector);
/* Control thread: callbacks.jsonl can't be written; from the first write that failed until one succeeds. Until then
 * callbacks wait in memory. incidents_is_failing() tells the same of incidents. */
bool collector_is_failing(const struct collector *collector);

/* Worker: takes a copy. Never waits, takes no lock, loses no count. RECORDER NULL: callbacks are not recorded. */
void recorder_record(struct recorder *recorder, const struct callback *callback);
