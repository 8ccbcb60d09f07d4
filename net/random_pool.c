#include "net/random_pool.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

void random_pool_take(struct random_pool *pool, void *out, size_t n)
{
    CHECK(n <= sizeof pool->bytes);
    if (pool->left < n) {
        ssize_t got;
        do
            got = getrandom(pool->bytes, sizeof pool->bytes, 0);
        while (got < 0 && errno == EINTR);
        CHECK(got == sizeof pool->bytes); /* up to 256 bytes come whole (getrandom(2)) */
        pool->left = sizeof pool->bytes;
    }
    uint8_t *from = pool->bytes + sizeof pool->bytes - pool->left;
    memcpy(out, from, n);
    memset(from, 0, n); /* what was used can't be read out of memory later */
    pool->left -= n;
}
