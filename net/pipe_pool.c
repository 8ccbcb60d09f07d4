#include "net/pipe_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"

enum { LEAST_BYTES = 64 << 10 }; /* with less, as a user over pipe-user-pages-soft gets it, copying is cheaper */

static void pipe_close(const struct pipe *pipe)
{
    close(pipe->out);
    close(pipe->in);
}

static bool pipe_open(struct pipe *pipe)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return false;
    *pipe = (struct pipe){.out = ends[0], .in = ends[1]};
    int size = fcntl(pipe->in, F_SETPIPE_SZ, PIPE_BYTES);
    if (size < 0)
        size = fcntl(pipe->in, F_GETPIPE_SZ);
    if (size >= LEAST_BYTES)
        return true;
    pipe_close(pipe);
    return false;
}

bool pipe_pool_take(struct pipe_pool *pool, struct pipe *pipe)
{
    if (pool->lent_count == PIPE_POOL_MOST)
        return false;
    if (pool->spare_count)
        *pipe = pool->spare[--pool->spare_count];
    else if (!pipe_open(pipe))
        return false;
    pool->lent_count++;
    return true;
}

void pipe_pool_put_own(struct pipe_pool *pool, struct pipe *pipe, bool is_empty)
{
    CHECK(pool->lent_count);
    pool->lent_count--;
    if (is_empty && pool->spare_count < PIPE_POOL_SPARE)
        pool->spare[pool->spare_count++] = *pipe;
    else
        pipe_close(pipe);
}

void pipe_pool_fini(struct pipe_pool *pool)
{
    while (pool->spare_count)
        pipe_close(&pool->spare[--pool->spare_count]);
}
