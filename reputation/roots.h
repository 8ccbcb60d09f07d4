/* Which sources of a store may have something at or below a root ("evil.example": the two labels nearest the top of a
 * name). A name is told by one cache line to be in no source, or is looked for in one or two rather than in all.
 *
 * A blocked Bloom filter of nine bits for each root of each source. Of the 64 groups of sources (mostly one source
 * each) every one has its own bit in each of four words that the hash chooses, so that all are asked at once. Bits are
 * only ever added, by one thread at a time, which may be while others look: a store shares the roots of the one before
 * it, whose sources are still there or leave nothing behind but a few bits too many. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { ROOTS_GROUPS = 64, ROOTS_WORDS = 4 };

struct roots;

/* What a source keeps of a root. They are sorted, so that adding them goes through memory in order. */
static inline uint32_t roots_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* With room for COUNT hashes. ST_NOMEM, ST_TOO_LARGE. */
enum status roots_new(uint64_t count, struct roots **roots) MUST_CHECK;
struct roots *roots_ref(struct roots *roots);
void roots_unref(struct roots *roots); /* NULL is allowed */

/* HASHES are numbers of roots_hash(), in the machine's form, one after the other. */
void roots_add(struct roots *roots, unsigned group, struct str hashes);
/* Whether it is of use for COUNT hashes: neither so full that it tells little, nor far too large. */
bool roots_fit(const struct roots *roots, uint64_t count);

void roots_prefetch(const struct roots *roots, uint64_t hash);
/* The groups that may have the root, bit by bit. HASH: filter_hash() of the root's key. */
uint64_t roots_find(const struct roots *roots, uint64_t hash);
