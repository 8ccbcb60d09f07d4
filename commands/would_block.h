/* What a feed that monitors has recorded: what it would have blocked. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/status.h"

struct would_block {
    json_t *indicators; /* object: indicator -> contacts */
    json_int_t contacts;
    int64_t since_ms; /* wall, of the first line that was looked at; 0: none */
};

/* Goes through the callback log of STATE_DIR for contacts that were recorded, not blocked, with NAME among the sources.
 * Lines that can't be read count as none. No log is no contact. */
enum status would_block_count(const char *state_dir, const char *name, struct would_block *found,
                              struct fault *fault) MUST_CHECK;
void would_block_fini(struct would_block *found);
/* For people, the most frequent first, at most ten. */
void would_block_print(const struct would_block *found, const char *name, FILE *out);
