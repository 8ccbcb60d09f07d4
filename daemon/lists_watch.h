/* Sees to it that what stands in lists.json is in force: a command that changes it publishes it itself, but may be
 * killed before; and people edit files. Control thread. */
#pragma once

#include <time.h>

#include "reputation/user_lists_file.h"

struct lists_watch {
    struct timespec seen; /* mtime of the file that was published last, or tried */
    int64_t due_ms;       /* monotonic; when it is published; 0: no need */
    struct fault fault;   /* why that failed last; what was in force stays. Empty: it did not */
};

/* At the start, before the store is opened. */
void lists_watch_start(struct lists_watch *watch, const char *state_dir);
/* Every tenth of a second. */
void lists_watch_step(struct lists_watch *watch, const char *state_dir);
