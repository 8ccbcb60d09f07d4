/* Connecting to a server that has several addresses (RFC 8305 section 5): a connection attempt every 250 ms, at once
 * when one fails, until one succeeds. The others are closed then. */
#pragma once

#include "base/addr.h"
#include "net/resolver.h"
#include "net/stream.h"

/* ST_OK: the caller owns STREAM, which has DIAL's ops and no more callbacks until stream_set_owner(). Else STREAM is
 * NULL and STATUS that of the attempt that failed last. Never called from within origin_dial_start(). */
typedef void origin_dialled_fn(void *arg, enum status status, struct stream *stream, const struct addr *addr);

struct origin_attempt {
    struct origin_dial *dial;
    struct stream *stream; /* NULL: has failed, or was not begun */
};

struct origin_dial {
    struct loop *loop;
    const struct addr *addrs;
    size_t count, begun, failed;
    int64_t until_ms;
    origin_dialled_fn *done;
    void *arg;
    struct timer *timer; /* of the next attempt; NULL: there is one address */
    struct origin_attempt attempts[RESOLVER_MAX_ADDRS];
};

/* Tries ADDRS (1 to RESOLVER_MAX_ADDRS, which must stay until DONE is called or origin_dial_stop()) in their order, for
 * at most TIMEOUT_MS in all. ST_NOMEM. */
enum status origin_dial_start(struct origin_dial *dial, struct loop *loop, const struct addr *addrs, size_t count,
                              int64_t timeout_ms, origin_dialled_fn *done, void *arg) MUST_CHECK;
/* DONE is not called any more. Any time, also for one that never started (zeros). */
void origin_dial_stop(struct origin_dial *dial);
