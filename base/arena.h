/* Memory of one transaction: allocated by bumping a pointer, freed all at once.
 *
 * One thread at a time. Small allocations come from chunks that are kept for the next transaction by arena_reset(). */
#pragma once

#include <stddef.h>

#include "base/status.h"

struct arena;

/* LIMIT_BYTES bounds all that the arena may hold at once; chunks are allocated as needed. NULL when out of memory. */
struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena *arena);

/* Zeroed memory aligned for any type, or NULL over the limit or out of memory. Lives until arena_reset()/_free(). */
void *arena_alloc(struct arena *arena, size_t size_bytes) MUST_CHECK;

/* A copy of N bytes with a NUL after it, or NULL as above. */
char *arena_copy(struct arena *arena, const void *data, size_t n) MUST_CHECK;

/* Forgets everything allocated; keeps the first chunk. */
void arena_reset(struct arena *arena);

size_t arena_used_bytes(const struct arena *arena);
