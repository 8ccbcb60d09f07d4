#include "reputation/roots.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64, BITS_PER_ROOT = 6 };

enum status roots_init(struct roots *roots, uint64_t count)
{
    uint64_t blocks = count * BITS_PER_ROOT / (BLOCK_BYTES * 8) + 1;
    *roots = (struct roots){0};
    if (blocks > UINT32_MAX)
        return ST_TOO_LARGE;
    roots->words = aligned_alloc(BLOCK_BYTES, blocks * BLOCK_BYTES);
    if (!roots->words)
        return ST_NOMEM;
    memset(roots->words, 0, blocks * BLOCK_BYTES);
    roots->blocks = (uint32_t)blocks;
    return ST_OK;
}

void roots_fini(struct roots *roots)
{
    free(roots->words);
    *roots = (struct roots){0};
}

void roots_add(struct roots *roots, struct str hashes)
{
    uint32_t hash;
    for (size_t at = 0; hashes.length - at >= sizeof hash; at += sizeof hash) {
        memcpy(&hash, hashes.data + at, sizeof hash); /* a small value lies anywhere in its page */
        uint64_t *block = roots_block(roots, hash), bits = roots_bits(hash);
        for (unsigned i = 0; i < ROOTS_BITS; i++, bits <<= 9)
            block[bits >> 61] |= UINT64_C(1) << (bits >> 55 & 63);
    }
}
