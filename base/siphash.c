#include "base/siphash.h"

enum { COMPRESSION_ROUNDS = 2, FINAL_ROUNDS = 4, WORD_BYTES = 8 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* N bytes, the lowest first. */
static uint64_t read_word(const uint8_t *bytes, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

static void run_rounds(struct state *s, unsigned rounds)
{
    while (rounds--) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void compress(struct state *state, uint64_t word)
{
    state->v3 ^= word;
    run_rounds(state, COMPRESSION_ROUNDS);
    state->v0 ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t n)
{
    uint64_t k0 = read_word(key, WORD_BYTES), k1 = read_word(key + WORD_BYTES, WORD_BYTES);
    /* "somepseudorandomlygeneratedbytes" */
    struct state state = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                          k1 ^ 0x7465646279746573};
    const uint8_t *bytes = data;
    size_t whole = n / WORD_BYTES * WORD_BYTES;
    for (size_t i = 0; i < whole; i += WORD_BYTES)
        compress(&state, read_word(bytes + i, WORD_BYTES));
    compress(&state, read_word(bytes + whole, n - whole) | (uint64_t)n << 56);
    state.v2 ^= 0xff;
    run_rounds(&state, FINAL_ROUNDS);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
