/* The pipes of one loop for splice(2): lent while bytes are in them, and kept for the next who needs one. */
#pragma once

#include <stdbool.h>

enum {
    PIPE_BYTES = 512 << 10, /* each; with half of it a tunnel takes 1.5 times the CPU, with twice as much hardly less */
    PIPE_POOL_MOST = 64,    /* lent and spare: those of slow receivers are held for long, and filled */
    PIPE_POOL_SPARE = 8,
};

struct pipe {
    int out, in; /* to read from, to write to */
};

struct pipe_pool {
    struct pipe spare[PIPE_POOL_SPARE];
    unsigned spare_count, lent_count;
};

/* False: enough are lent, or there are no descriptors, or no memory for pipes that would be of use. */
bool pipe_pool_take(struct pipe_pool *pool, struct pipe *pipe);
void pipe_pool_put_own(struct pipe_pool *pool, struct pipe *pipe, bool is_empty);
void pipe_pool_fini(struct pipe_pool *pool); /* all are back */

struct loop;
struct pipe_pool *loop_pipes(struct loop *loop);
