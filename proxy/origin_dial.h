/* Connecting to a server that has several addresses: one after the other, in their order, until one answers. */
#pragma once

#include "base/addr.h"
#include "net/stream.h"

/* ST_OK: the caller owns STREAM, which has DIAL's ops and no more callbacks until stream_set_owner(). Else STREAM is
 * NULL and STATUS that of the last address. Never called from within origin_dial_start(). */
typedef void origin_dialled_fn(void *arg, enum status status, struct stream *stream, const struct addr *addr);

struct origin_dial {
    struct loop *loop;
    const struct addr *addrs;
    size_t left;
    int64_t try_ms; /* of each address */
    origin_dialled_fn *done;
    void *arg;
    struct stream *stream;
};

/* TIMEOUT_MS is shared out among the addresses, a second for each at least. ADDRS (one or more) must stay until DONE is
 * called or origin_dial_stop(). ST_NOMEM. */
enum status origin_dial_start(struct origin_dial *dial, struct loop *loop, const struct addr *addrs, size_t count,
                              int64_t timeout_ms, origin_dialled_fn *done, void *arg) MUST_CHECK;
/* DONE is not called any more. Any time, also for one that never started (zeros). */
void origin_dial_stop(struct origin_dial *dial);
