#include "reputation/name_index.h"

#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum {
    HEADER_BYTES = 48,
    NAMES_PER_BUCKET = 5, /* on average; two names in a hundred have no place then */
};

struct header {
    char magic[8];
    uint32_t count;
    uint8_t unused[HEADER_BYTES - 12];
};

static const char magic[8] = "ccindex1";

/* A place, from the top: twelve bits of the hash, eight of the key's length, nine of the value's, and where the key is
 * from the anchor on. The value lies behind the key. Without a key: an entry that can't be described so. */
enum { HASH_SHIFT = 52, KEY_SHIFT = 44, VALUE_SHIFT = 35, HASH_MASK = 0xfff, KEY_MASK = 0xff, VALUE_MASK = 0x1ff };

static uint64_t place_of(uint64_t hash, struct str key, struct str value, const char *anchor)
{
    const int64_t most = INT64_C(1) << (VALUE_SHIFT - 1);
    int64_t offset = (intptr_t)key.data - (intptr_t)anchor;
    uint64_t place = (hash & HASH_MASK) << HASH_SHIFT;
    if (value.data != key.data + key.length || key.length > KEY_MASK || value.length > VALUE_MASK || offset < -most ||
        offset >= most)
        return place | (uint64_t)VALUE_MASK << VALUE_SHIFT;
    return place | (uint64_t)key.length << KEY_SHIFT | (uint64_t)value.length << VALUE_SHIFT |
           ((uint64_t)offset & ((UINT64_C(1) << VALUE_SHIFT) - 1));
}

static struct str key_of(uint64_t place, const char *anchor)
{
    int64_t offset = (int64_t)(place << (64 - VALUE_SHIFT)) >> (64 - VALUE_SHIFT);
    return (struct str){anchor + offset, place >> KEY_SHIFT & KEY_MASK};
}

static size_t value_length_of(uint64_t place)
{
    return place >> VALUE_SHIFT & VALUE_MASK;
}

static bool has_hash(uint64_t place, uint64_t hash)
{
    return place >> HASH_SHIFT == (hash & HASH_MASK);
}

size_t name_index_size(uint64_t names)
{
    uint64_t count = names / NAMES_PER_BUCKET + 1;
    uint64_t least = (uint64_t)sysconf(_SC_PAGESIZE) / sizeof(struct name_bucket);
    if (count < least) /* a value of half a page or less has no place, and no alignment, of its own */
        count = least;
    CHECK(count <= UINT32_MAX);
    return HEADER_BYTES + count * sizeof(struct name_bucket);
}

void name_index_init(void *memory, size_t size)
{
    struct header header = {.count = (uint32_t)((size - HEADER_BYTES) / sizeof(struct name_bucket))};
    memcpy(header.magic, magic, sizeof magic);
    memset(memory, 0, size);
    memcpy(memory, &header, sizeof header);
}

static struct name_bucket *bucket_in(void *memory, uint64_t hash)
{
    struct header header;
    memcpy(&header, memory, sizeof header);
    struct name_bucket *buckets = (struct name_bucket *)((char *)memory + HEADER_BYTES);
    struct name_index index = {.buckets = buckets, .count = header.count};
    return buckets + (name_index_bucket(&index, hash) - index.buckets);
}

void name_index_add(void *memory, uint64_t hash, struct str key, struct str value, const char *anchor)
{
    struct name_bucket *bucket = bucket_in(memory, hash);
    for (unsigned i = 0; i < NAME_BUCKET_PLACES; i++) {
        if (bucket->places[i])
            continue;
        bucket->places[i] = place_of(hash, key, value, anchor);
        return;
    }
}

enum status name_index_over(struct str bytes, const char *anchor, struct name_index *index)
{
    struct header header;
    if (bytes.length < sizeof header)
        return ST_CORRUPT;
    memcpy(&header, bytes.data, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) || !header.count ||
        bytes.length != HEADER_BYTES + (uint64_t)header.count * sizeof(struct name_bucket) ||
        (uintptr_t)bytes.data % sizeof(uint64_t))
        return ST_CORRUPT;
    const void *buckets = bytes.data + HEADER_BYTES;
    *index = (struct name_index){buckets, header.count, anchor};
    return ST_OK;
}

void name_index_prefetch_entry(const struct name_index *index, uint64_t hash)
{
    const struct name_bucket *bucket = name_index_bucket(index, hash);
    for (unsigned i = 0; i < NAME_BUCKET_PLACES; i++)
        if (has_hash(bucket->places[i], hash))
            __builtin_prefetch(key_of(bucket->places[i], index->anchor).data);
}

enum status name_index_find(const struct name_index *index, uint64_t hash, struct str key, struct str *value)
{
    const struct name_bucket *bucket = name_index_bucket(index, hash);
    for (unsigned i = 0; i < NAME_BUCKET_PLACES; i++) {
        uint64_t place = bucket->places[i];
        if (!place)
            return ST_NOT_FOUND;
        if (!has_hash(place, hash))
            continue;
        struct str known = key_of(place, index->anchor);
        if (!known.length)
            return ST_UNAVAILABLE;
        if (!str_eq(known, key))
            continue;
        *value = (struct str){known.data + known.length, value_length_of(place)};
        return ST_OK;
    }
    return ST_UNAVAILABLE;
}
