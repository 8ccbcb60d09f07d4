/* The queue of reports on disk: STATE_DIR/reports.jsonl, one JSON object a line (docs/block-page.md). The control
 * thread adds to it, `ccward reports` reads it and marks what is done; each replaces the file as a whole, under a lock.
 */
#pragma once

#include "callbacks/report_office.h"

struct json_t;

#define REPORTS_FILE "reports.jsonl"

enum { REPORTS_MAX = 500, REPORT_COMMENTS_MAX = 5 };

struct report_comment {
    int64_t time_ms; /* wall */
    char text[REPORT_COMMENT_SIZE];
};

struct report_entry {
    unsigned number;      /* from 1, what people call it by */
    struct report report; /* the first; what people said with it and since stands in `comments` */
    struct report_comment comments[REPORT_COMMENTS_MAX]; /* the last ones, in the order of time, each text once */
    size_t comment_count;
    unsigned times; /* the same client, host and incident again before it is done */
    int64_t last_ms;
    int64_t done_ms;                      /* wall; 0: it is open */
    char allowed[VERDICT_INDICATOR_SIZE]; /* what was allowed when it was done; empty: nothing */
};

struct report_list {
    size_t count; /* in the order of their numbers */
    struct report_entry entries[REPORTS_MAX];
    unsigned next_number;
    int lock; /* -1: not held */
    char path[4096 + 32];
};

/* Takes the lock and reads; a missing file is an empty list. With PATIENT it waits some seconds for another process.
 * ST_BUSY, ST_INVALID with file and line, ST_DENIED, ST_IO, ST_NOMEM. */
enum status report_list_open(const char *state_dir, bool patient, struct report_list **list,
                             struct fault *fault) MUST_CHECK;
/* Reads without a lock. */
enum status report_list_read(const char *state_dir, struct report_list **list, struct fault *fault) MUST_CHECK;
/* NAME stands for the file in faults. For report_list_open() and fuzzing. */
enum status report_list_parse(struct report_list *list, struct str text, const char *name,
                              struct fault *fault) MUST_CHECK;
/* Also gives the lock back. NULL is allowed. */
void report_list_free(struct report_list *list);

/* Counts one that is open already, else adds it; where there is no room the oldest that is done makes some. False: all
 * are open. */
bool report_list_add(struct report_list *list, const struct report *report) MUST_CHECK;
struct report_entry *report_list_find(struct report_list *list, unsigned number); /* NULL: there is none */
const char *report_entry_comment(const struct report_entry *entry);               /* the last; empty: there is none */
size_t report_list_open_count(const struct report_list *list);
/* Of one that was opened; durably. */
enum status report_list_save(struct report_list *list, struct fault *fault) MUST_CHECK;

/* "https://evil.example:8443/" */
void report_url(const struct report *report, char *out, size_t size);
/* As in the file. NULL when out of memory. */
struct json_t *report_entry_json(const struct report_entry *entry);
