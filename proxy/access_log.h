/* The access log's way from requests to its file: a worker notes each request as it ends, the control thread writes. No
 * request waits for it: what finds no room is left out, and how many those were is told. */
#pragma once

#include "proxy/access_line.h"

struct access_log;  /* one worker's end */
struct access_file; /* the control thread's end */

struct access_settings {
    const char *path;
    enum access_format format;
    enum access_privacy privacy;
};

enum status access_file_open(const struct access_settings *settings, struct access_file **file,
                             struct fault *fault) MUST_CHECK;
/* Whether the file at PATH could be opened, without making it. */
enum status access_file_check(const char *path, struct fault *fault) MUST_CHECK;
/* Writes what is left. After the workers have stopped; NULL is allowed. */
void access_file_close(struct access_file *file);
/* A worker's end, freed by access_file_close(). NULL when out of memory. */
struct access_log *access_file_add_log(struct access_file *file);
/* Control thread, every 100 ms: writes what has come. */
void access_file_step(struct access_file *file, int64_t now_ms);
/* Another program moved the file away: goes on in a new one at once. */
void access_file_reopen(struct access_file *file);

/* Worker: takes a copy. Never waits. */
void access_log_put(struct access_log *log, const struct access_entry *entry);
