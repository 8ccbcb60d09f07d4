#include "reputation/roots.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    BLOCK_WORDS = 8,
    BLOCK_BITS = BLOCK_WORDS * 64,
    BITS_PER_ROOT = 9, /* a third of all bits is set then: one root in fifty is taken for another */
    FULL_PERCENT = 45, /* one in twenty */
};

struct roots {
    atomic_uint references;
    uint32_t blocks;
    uint64_t set_bits;
    _Atomic uint64_t *words;
};

static uint64_t blocks_for(uint64_t count)
{
    return count / BLOCK_BITS * BITS_PER_ROOT + count % BLOCK_BITS * BITS_PER_ROOT / BLOCK_BITS + 1;
}

static size_t size_of(const struct roots *roots)
{
    return (size_t)roots->blocks * BLOCK_WORDS * sizeof *roots->words;
}

/* Mapped, so that the memory is given back at once when it is of no more use. */
enum status roots_new(uint64_t count, struct roots **out)
{
    uint64_t blocks = blocks_for(count);
    if (blocks > UINT32_MAX)
        return ST_TOO_LARGE;
    struct roots *roots = calloc(1, sizeof *roots);
    if (!roots)
        return ST_NOMEM;
    atomic_init(&roots->references, 1);
    roots->blocks = (uint32_t)blocks;
    void *memory =
        mmap(NULL, size_of(roots), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        free(roots);
        return ST_NOMEM;
    }
    roots->words = memory;
    *out = roots;
    return ST_OK;
}

struct roots *roots_ref(struct roots *roots)
{
    atomic_fetch_add_explicit(&roots->references, 1, memory_order_relaxed);
    return roots;
}

void roots_unref(struct roots *roots)
{
    if (!roots || atomic_fetch_sub_explicit(&roots->references, 1, memory_order_acq_rel) > 1)
        return;
    (void)munmap(roots->words, size_of(roots));
    free(roots);
}

static inline _Atomic uint64_t *block_of(const struct roots *roots, uint32_t hash)
{
    return roots->words + ((uint64_t)hash * roots->blocks >> 32) * BLOCK_WORDS;
}

/* Four numbers of nine bits, at the top: which word, and how far it is turned. */
static uint64_t choices_of(uint32_t hash)
{
    return (hash + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
}

static unsigned word_of(uint64_t choices)
{
    return choices >> 61;
}

static unsigned turn_of(uint64_t choices)
{
    return choices >> 55 & 63;
}

void roots_add(struct roots *roots, unsigned group, struct str hashes)
{
    uint32_t hash;
    for (size_t at = 0; hashes.length - at >= sizeof hash; at += sizeof hash) {
        memcpy(&hash, hashes.data + at, sizeof hash); /* a small value lies anywhere in its page */
        _Atomic uint64_t *block = block_of(roots, hash);
        uint64_t choices = choices_of(hash);
        for (unsigned i = 0; i < ROOTS_WORDS; i++, choices <<= 9) {
            uint64_t bit = UINT64_C(1) << ((turn_of(choices) + group) & 63);
            uint64_t word = atomic_load_explicit(&block[word_of(choices)], memory_order_relaxed);
            atomic_store_explicit(&block[word_of(choices)], word | bit, memory_order_relaxed);
            roots->set_bits += !(word & bit);
        }
    }
}

bool roots_fit(const struct roots *roots, uint64_t count)
{
    return roots->set_bits < (uint64_t)roots->blocks * BLOCK_BITS / 100 * FULL_PERCENT &&
           roots->blocks / 2 <= blocks_for(count);
}

void roots_prefetch(const struct roots *roots, uint64_t hash)
{
    __builtin_prefetch(block_of(roots, roots_hash(hash)));
}

uint64_t roots_find(const struct roots *roots, uint64_t hash)
{
    const _Atomic uint64_t *block = block_of(roots, roots_hash(hash));
    uint64_t choices = choices_of(roots_hash(hash)), groups = UINT64_MAX;
    for (unsigned i = 0; i < ROOTS_WORDS; i++, choices <<= 9) {
        uint64_t word = atomic_load_explicit(&block[word_of(choices)], memory_order_relaxed);
        unsigned turn = turn_of(choices);
        groups &= word >> turn | word << (-turn & 63);
    }
    return groups;
}
