/* A log of lines, such as callbacks.jsonl: whole ones appended, rotated by size. Control thread.
 *
 * What can't be written stays in memory up to a bound and is tried again; log_file_has_room() says when to stop adding.
 * A line is never left half in the file: what a full disk cut off is taken back to the last whole line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define LOG_FILE_NAME "callbacks.jsonl" /* rotated: callbacks.jsonl.1 is the newest of the old */

enum { LOG_FILE_BACKLOG_BYTES = 1 << 20, LOG_FILE_LINE_BYTES = 16384 };

struct log_file {
    char *path;
    const char *what; /* "callbacks": what its lines are, for people */
    int fd;           /* -1: can't be opened just now */
    uint64_t rotate_bytes;
    unsigned rotate_keep;
    struct buf backlog; /* whole lines */
    uint64_t write_errors;
    bool failing; /* the last try to open or write failed; told once */
};

/* Makes DIR (mode 0750) if it is missing. */
enum status log_file_open(const char *dir, uint64_t rotate_bytes, unsigned rotate_keep, struct log_file *file,
                          struct fault *fault) MUST_CHECK;
/* The same at PATH, whose folder is there, without rotation by size. WHAT stays. */
enum status log_file_open_at(const char *path, const char *what, struct log_file *file, struct fault *fault) MUST_CHECK;
/* Whether PATH could be opened so, without making it: for who only looks whether all is right. */
enum status log_file_check(const char *path, struct fault *fault) MUST_CHECK;
/* Tries once more to write what is left. */
void log_file_close(struct log_file *file);

bool log_file_has_room(const struct log_file *file);                       /* for one more line */
void log_file_add(struct log_file *file, const char *line, size_t length); /* LINE without its end */
/* Writes what waits. A file that was removed or moved away is noticed, also when nothing waits, and a new one started.
 */
void log_file_flush(struct log_file *file);
/* Another program moved the file away: goes on in a new one at once. */
void log_file_reopen(struct log_file *file);
