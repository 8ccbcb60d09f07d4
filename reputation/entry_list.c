#include "reputation/entry_list.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    BLOCK_BYTES = 1 << 20,
    CHUNK_BYTES = 7,
    CHUNK_TOP_SHIFT = 56,
    SMALL_GROUP = 24,
    MAX_RECORDS_PER_KEY = 1024, /* look-ups read them all */
};

struct entry_block {
    struct entry_block *next;
    size_t used;
    alignas(struct entry) uint8_t bytes[BLOCK_BYTES];
};

/* The LEVELth seven bytes of the key, padded with zeros, and in the lowest byte how many they are: chunks order as the
 * keys do. The record's bytes follow the key's as chunks of their own. */
static uint64_t chunk_of(const struct entry *entry, size_t level)
{
    const uint8_t *bytes = entry->bytes;
    size_t length = entry->key_length, key_chunks = length / CHUNK_BYTES + 1;
    if (level >= key_chunks) {
        bytes += length;
        length = entry->record_length;
        level -= key_chunks;
    }
    size_t at = level * CHUNK_BYTES, n = length - at < CHUNK_BYTES ? length - at : CHUNK_BYTES;
    uint64_t chunk = 0;
    for (size_t i = 0; i < CHUNK_BYTES; i++)
        chunk = chunk << 8 | (i < n ? bytes[at + i] : 0);
    return chunk << 8 | n;
}

static size_t level_count(const struct entry *entry)
{
    return entry->key_length / CHUNK_BYTES + 1u + entry->record_length / CHUNK_BYTES + 1u;
}

static bool grow(struct entry_list *list)
{
    size_t capacity = list->capacity ? list->capacity * 2 : 256;
    struct entry_ref *refs = reallocarray(list->refs, capacity, sizeof *refs);
    if (!refs)
        return false;
    list->refs = refs;
    list->capacity = capacity;
    return true;
}

static void *take_bytes(struct entry_list *list, size_t n)
{
    n = (n + alignof(struct entry) - 1) & ~(alignof(struct entry) - 1);
    struct entry_block *block = list->blocks;
    if (!block || BLOCK_BYTES - block->used < n) {
        block = malloc(sizeof *block);
        if (!block)
            return NULL;
        block->next = list->blocks;
        block->used = 0;
        list->blocks = block;
    }
    void *memory = block->bytes + block->used;
    block->used += n;
    return memory;
}

enum status entry_list_add(struct entry_list *list, const void *key, size_t key_length, const void *record,
                           size_t record_length)
{
    CHECK(key_length && key_length <= UINT16_MAX && record_length <= UINT16_MAX);
    if (list->count == list->capacity && !grow(list))
        return ST_NOMEM;
    struct entry *entry = take_bytes(list, sizeof *entry + key_length + record_length);
    if (!entry)
        return ST_NOMEM;
    entry->key_length = (uint16_t)key_length;
    entry->record_length = (uint16_t)record_length;
    memcpy(entry->bytes, key, key_length);
    memcpy(entry->bytes + key_length, record, record_length);
    list->refs[list->count++] = (struct entry_ref){chunk_of(entry, 0), entry};
    return ST_OK;
}

static bool is_after(const struct entry_ref *a, const struct entry_ref *b, size_t level)
{
    if (a->chunk != b->chunk)
        return a->chunk > b->chunk;
    for (size_t levels = level_count(a->entry); ++level < levels;) {
        uint64_t ca = chunk_of(a->entry, level), cb = chunk_of(b->entry, level);
        if (ca != cb)
            return ca > cb;
    }
    return false;
}

static void insertion_sort(struct entry_ref *refs, size_t n, size_t level)
{
    for (size_t i = 1; i < n; i++) {
        struct entry_ref ref = refs[i];
        size_t at = i;
        for (; at && is_after(&refs[at - 1], &ref, level); at--)
            refs[at] = refs[at - 1];
        refs[at] = ref;
    }
}

static unsigned digit(const struct entry_ref *ref, unsigned shift)
{
    return ref->chunk >> shift & 255;
}

/* Groups REFS by one byte of their chunk, in place; group D is from START[D] to START[D + 1]. */
static void distribute(struct entry_ref *refs, size_t n, unsigned shift, size_t start[257])
{
    size_t next[256];
    memset(start, 0, 257 * sizeof *start);
    for (size_t i = 0; i < n; i++)
        start[digit(&refs[i], shift) + 1]++;
    for (unsigned d = 0; d < 256; d++) {
        start[d + 1] += start[d];
        next[d] = start[d];
    }
    for (unsigned d = 0; d < 256; d++) {
        while (next[d] < start[d + 1]) {
            struct entry_ref ref = refs[next[d]];
            for (unsigned to; (to = digit(&ref, shift)) != d;) {
                struct entry_ref other = refs[next[to]];
                refs[next[to]++] = ref;
                ref = other;
            }
            refs[next[d]++] = ref;
        }
    }
}

/* On to the next byte, loading the next chunks where this one is done. False: the entries are equal. */
static bool next_byte(struct entry_ref *refs, size_t n, size_t *level, unsigned *shift)
{
    if (*shift) {
        *shift -= 8;
        return true;
    }
    if (++*level == level_count(refs->entry))
        return false;
    for (size_t i = 0; i < n; i++)
        refs[i].chunk = chunk_of(refs[i].entry, *level);
    *shift = CHUNK_TOP_SHIFT;
    return true;
}

/* Radix sort from the first byte on: its cost is bounded by the bytes, whatever a hostile feed holds. Recurses into all
 * groups but the largest, which keeps the depth at the logarithm of N. */
static void radix_sort(struct entry_ref *refs, size_t n, size_t level, unsigned shift)
{
    size_t start[257];
    while (n > SMALL_GROUP) {
        distribute(refs, n, shift, start);
        unsigned largest = 0;
        for (unsigned d = 1; d < 256; d++)
            if (start[d + 1] - start[d] > start[largest + 1] - start[largest])
                largest = d;
        for (unsigned d = 0; d < 256; d++) {
            size_t size = start[d + 1] - start[d], group_level = level;
            unsigned group_shift = shift;
            if (d != largest && size > 1 && next_byte(refs + start[d], size, &group_level, &group_shift))
                radix_sort(refs + start[d], size, group_level, group_shift);
        }
        n = start[largest + 1] - start[largest];
        refs += start[largest];
        if (!next_byte(refs, n, &level, &shift))
            return;
    }
    insertion_sort(refs, n, level);
}

static bool same_key(const struct entry *a, const struct entry *b)
{
    return a->key_length == b->key_length && !memcmp(a->bytes, b->bytes, a->key_length);
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
    return same_key(a, b) && a->record_length == b->record_length &&
           !memcmp(a->bytes + a->key_length, b->bytes + b->key_length, a->record_length);
}

void entry_list_sort(struct entry_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->refs[i].chunk = chunk_of(list->refs[i].entry, 0);
    radix_sort(list->refs, list->count, 0, CHUNK_TOP_SHIFT);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!kept || !same_entry(list->refs[kept - 1].entry, list->refs[i].entry))
            list->refs[kept++] = list->refs[i];
    list->count = kept;
}

void entry_list_free(struct entry_list *list)
{
    for (struct entry_block *block = list->blocks; block;) {
        struct entry_block *next = block->next;
        free(block);
        block = next;
    }
    free(list->refs);
    *list = (struct entry_list){0};
}

bool entry_list_next(const struct entry_list *list, size_t *at, struct str *key, struct buf *value)
{
    buf_clear(value);
    if (*at == list->count)
        return false;
    const struct entry *first = list->refs[*at].entry;
    *key = (struct str){(const char *)first->bytes, first->key_length};
    for (unsigned records = 0; *at < list->count; ++*at) {
        const struct entry *entry = list->refs[*at].entry;
        if (!same_key(first, entry))
            break;
        if (records++ < MAX_RECORDS_PER_KEY)
            buf_add(value, entry->bytes + entry->key_length, entry->record_length);
    }
    return !value->failed;
}
