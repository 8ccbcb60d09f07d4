#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 4096 };

struct chunk {
    struct chunk *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *chunks; /* newest first; the last one is kept on reset */
    size_t limit, used;
};

struct arena *arena_new(size_t limit_bytes)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->limit = limit_bytes;
    return arena;
}

static void free_chunks(struct chunk *chunk, const struct chunk *until)
{
    while (chunk != until) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    free_chunks(arena->chunks, NULL);
    free(arena);
}

static struct chunk *add_chunk(struct arena *arena, size_t need)
{
    size_t size = need > CHUNK_BYTES - sizeof(struct chunk) ? need : CHUNK_BYTES - sizeof(struct chunk);
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    chunk->size = size;
    chunk->used = 0;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    if (size_bytes > arena->limit - arena->used)
        return NULL;
    size_t aligned = (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < aligned)
        chunk = add_chunk(arena, aligned);
    if (!chunk)
        return NULL;
    void *memory = chunk->bytes + chunk->used;
    chunk->used += aligned;
    arena->used += size_bytes;
    return memset(memory, 0, size_bytes);
}

char *arena_copy(struct arena *arena, const void *data, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_alloc(arena, n + 1) : NULL;
    if (copy && n)
        memcpy(copy, data, n);
    return copy;
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
    struct chunk *keep = arena->chunks;
    if (!keep)
        return;
    while (keep->next)
        keep = keep->next;
    free_chunks(arena->chunks, keep);
    arena->chunks = keep;
    keep->used = 0;
    if (keep->size > CHUNK_BYTES) { /* a first chunk for one large request is not worth keeping */
        free(keep);
        arena->chunks = NULL;
    }
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used;
}
