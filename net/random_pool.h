/* Random bytes from getrandom(2), fetched many at a time. One thread each. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random_pool {
    uint8_t bytes[256];
    size_t left; /* unused ones, at the end; `{0}` is an empty pool */
};

void random_pool_take(struct random_pool *pool, void *out, size_t n); /* n <= sizeof bytes */
