/* Keys with their records, millions of them, packed in memory and sorted. Inside this folder only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

struct entry {
    uint16_t key_length, record_length;
    uint8_t bytes[]; /* the key, then the record */
};

/* The chunk is the seven bytes that are compared now, so that most comparisons do not touch the entry. */
struct entry_ref {
    uint64_t chunk;
    const struct entry *entry;
};

/* `{0}` is an empty list. */
struct entry_list {
    struct entry_block *blocks;
    struct entry_ref *refs;
    size_t count, capacity;
};

/* KEY must not be empty. ST_NOMEM. */
enum status entry_list_add(struct entry_list *list, const void *key, size_t key_length, const void *record,
                           size_t record_length) MUST_CHECK;
/* By key, then by record, as memcmp() has it; of equal entries one is kept. */
void entry_list_sort(struct entry_list *list);
void entry_list_free(struct entry_list *list);

/* The next key of a sorted list with its records one after the other; *AT starts at 0. False: at the end, or VALUE has
 * failed. */
bool entry_list_next(const struct entry_list *list, size_t *at, struct str *key, struct buf *value);
