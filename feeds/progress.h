/* A bar on standard error, where that is a terminal: bytes, rate, entries. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *name; /* NULL: shows nothing */
    uint64_t total_bytes;
    int64_t started_ms, shown_ms;
    bool shown;
};

/* WANTED and standard error is a terminal, else it shows nothing. TOTAL_BYTES 0: unknown. NAME is kept. */
void progress_init(struct progress *progress, bool wanted, const char *name, uint64_t total_bytes);
/* Draws it anew, at most ten times a second. */
void progress_show(struct progress *progress, uint64_t bytes, uint64_t entries);
/* Takes it off the screen. */
void progress_fini(struct progress *progress);
