/* Which roots ("evil.example": the two labels nearest the top, or the one of a name that has no more) the names of all
 * sources of a store lie at or below. A name whose root no source has is told by one cache line rather than by one in
 * each source. A blocked Bloom filter of six bits a root. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

struct roots {
    uint64_t *words; /* eight a block; NULL: none were added, and nothing is known */
    uint32_t blocks;
};

/* What a source keeps of a root. They are sorted, so that adding them goes through memory in order. */
static inline uint32_t roots_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

enum status roots_init(struct roots *roots, uint64_t count) MUST_CHECK;
void roots_fini(struct roots *roots);
/* HASHES are numbers of roots_hash(), in the machine's form, one after the other. */
void roots_add(struct roots *roots, struct str hashes);

enum { ROOTS_BITS = 4 };

static inline uint64_t *roots_block(const struct roots *roots, uint32_t hash)
{
    return roots->words + ((uint64_t)hash * roots->blocks >> 32) * 8;
}

/* Four numbers of nine bits, at the top. */
static inline uint64_t roots_bits(uint32_t hash)
{
    return hash * UINT64_C(0x9e3779b97f4a7c15);
}

/* HASH: filter_hash() of the root's key. */
static inline bool roots_have(const struct roots *roots, uint64_t hash)
{
    const uint64_t *block = roots_block(roots, roots_hash(hash));
    uint64_t bits = roots_bits(roots_hash(hash)), all = 1;
    for (unsigned i = 0; i < ROOTS_BITS; i++, bits <<= 9)
        all &= block[bits >> 61] >> (bits >> 55 & 63);
    return all;
}
