/* Where the names' entries lie in a source's map: two places in memory, where the way down LMDB's tree costs some in
 * each of three or four pages, one after the other. LMDB's table stays what holds the entries; the index knows only
 * where the map has them. Inside this folder only.
 *
 * The hash of a name leads to a bucket of a cache line, with places that tell where keys lie. Where all are taken there
 * may have been more: there, and for the few entries that a place can't describe, LMDB is asked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { NAME_BUCKET_PLACES = 8 };

struct name_bucket {
    uint64_t places[NAME_BUCKET_PLACES]; /* from the first on; 0: free */
};

struct name_index {
    const struct name_bucket *buckets;
    uint32_t count;
    const char *anchor; /* the table's first key; places are relative to it, as the map lies anywhere */
};

/* Memory for so many names, header included. */
size_t name_index_size(uint64_t names);
/* Clears MEMORY and writes the header, which gives the buckets their alignment as filter.h's does. */
void name_index_init(void *memory, size_t size);
/* HASH: filter_hash() of KEY. All three point into one map. */
void name_index_add(void *memory, uint64_t hash, struct str key, struct str value, const char *anchor);
/* ST_CORRUPT: no index of this form. */
enum status name_index_over(struct str bytes, const char *anchor, struct name_index *index) MUST_CHECK;

static inline const struct name_bucket *name_index_bucket(const struct name_index *index, uint64_t hash)
{
    return index->buckets + ((hash >> 32) * index->count >> 32);
}

static inline void name_index_prefetch(const struct name_index *index, uint64_t hash)
{
    __builtin_prefetch(name_index_bucket(index, hash));
}

/* Lets the key and value come that name_index_find() would look at. */
void name_index_prefetch_entry(const struct name_index *index, uint64_t hash);
/* ST_OK with VALUE in the map; ST_NOT_FOUND; ST_UNAVAILABLE: ask LMDB. */
enum status name_index_find(const struct name_index *index, uint64_t hash, struct str key,
                            struct str *value) MUST_CHECK;
