#include "reputation/filter.h"

#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"

enum { BLOCK_BYTES = 64, HEADER_BYTES = 48, BITS_PER_FACT = 14 };

struct header {
    char magic[8];
    uint32_t blocks;
    uint8_t unused[HEADER_BYTES - 12];
};

static const char magic[8] = "ccbloom1";

uint64_t filter_hash(const void *key, size_t n)
{
    return XXH3_64bits(key, n);
}

size_t filter_size(uint64_t facts)
{
    uint64_t blocks = facts * BITS_PER_FACT / (BLOCK_BYTES * 8) + 1;
    uint64_t least = (uint64_t)sysconf(_SC_PAGESIZE) / BLOCK_BYTES;
    if (blocks < least) /* a value of half a page or less has no place, and no alignment, of its own */
        blocks = least;
    CHECK(blocks <= UINT32_MAX);
    return HEADER_BYTES + blocks * BLOCK_BYTES;
}

void filter_init(void *memory, size_t size)
{
    struct header header = {.blocks = (uint32_t)((size - HEADER_BYTES) / BLOCK_BYTES)};
    memcpy(header.magic, magic, sizeof magic);
    memset(memory, 0, size);
    memcpy(memory, &header, sizeof header);
}

void filter_add(void *memory, uint64_t hash, enum filter_fact fact)
{
    struct header header;
    memcpy(&header, memory, sizeof header);
    uint64_t *words = (uint64_t *)((char *)memory + HEADER_BYTES);
    struct filter filter = {words, header.blocks};
    uint64_t *block = words + (filter_block(&filter, hash) - filter.words);
    uint64_t bits = filter_bits(hash, fact);
    for (unsigned i = 0; i < FILTER_BITS; i++, bits <<= 9)
        block[bits >> 61] |= UINT64_C(1) << (bits >> 55 & 63);
}

enum status filter_over(struct str bytes, struct filter *filter)
{
    struct header header;
    if (bytes.length < sizeof header)
        return ST_CORRUPT;
    memcpy(&header, bytes.data, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) || !header.blocks ||
        bytes.length != HEADER_BYTES + (uint64_t)header.blocks * BLOCK_BYTES ||
        (uintptr_t)bytes.data % sizeof(uint64_t))
        return ST_CORRUPT;
    *filter = (struct filter){(const uint64_t *)(const void *)(bytes.data + HEADER_BYTES), header.blocks};
    return ST_OK;
}
