/* A negative filter: tells that a source has nothing for a key, mostly with one touched cache line. A blocked Bloom
 * filter: the hash chooses a block of 64 bytes, and each kind of fact about the key has six bits in it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum filter_fact {
    FILTER_ENTRY,    /* the name has an entry */
    FILTER_PARENT,   /* there is an entry below the name */
    FILTER_URL_HOST, /* the host has URL entries */
    FILTER_NETWORK,  /* the network has an entry */
};

/* A view of a filter's bytes; the builder's are writable. */
struct filter {
    const uint64_t *words; /* eight a block */
    uint32_t blocks;
};

uint64_t filter_hash(const void *key, size_t n);

/* Memory for so many facts, header included. */
size_t filter_size(uint64_t facts);
/* Clears MEMORY and writes the header. LMDB puts large values 16 bytes into a page; the header fills the 48 that are
 * missing to a whole cache line. */
void filter_init(void *memory, size_t size);
void filter_add(void *memory, uint64_t hash, enum filter_fact fact);
/* ST_CORRUPT: no filter of this form. */
enum status filter_over(struct str bytes, struct filter *filter) MUST_CHECK;

static inline const uint64_t *filter_block(const struct filter *filter, uint64_t hash)
{
    return filter->words + ((hash >> 32) * filter->blocks >> 32) * 8;
}

/* The bits of a fact: six numbers of nine bits, at the top. */
static inline uint64_t filter_bits(uint64_t hash, enum filter_fact fact)
{
    static const uint64_t factors[] = {
        [FILTER_ENTRY] = 0x9e3779b97f4a7c15,
        [FILTER_PARENT] = 0xd6e8feb86659fd93,
        [FILTER_URL_HOST] = 0xa0761d6478bd642f,
        [FILTER_NETWORK] = 0xe7037ed1a0b428db,
    };
    return hash * factors[fact];
}

enum { FILTER_BITS = 6 };

static inline bool filter_has(const struct filter *filter, uint64_t hash, enum filter_fact fact)
{
    const uint64_t *block = filter_block(filter, hash);
    uint64_t bits = filter_bits(hash, fact);
    for (unsigned i = 0; i < FILTER_BITS; i++, bits <<= 9)
        if (!(block[bits >> 61] >> (bits >> 55 & 63) & 1))
            return false;
    return true;
}

static inline void filter_prefetch(const struct filter *filter, uint64_t hash)
{
    __builtin_prefetch(filter_block(filter, hash));
}
