/* Queries by UDP: c-ares channels that carry one query at a time each, so that each has an id and a source port of its
 * own (c-ares shares a socket among the queries of a channel). They are made on demand, used again, and freed after a
 * while in which they were not needed. For upstream_try.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "net/loop.h"
#include "net/query_mask.h"

struct upstream_channels;
struct upstream_channel;

enum { CHANNEL_DATAGRAM_MAX = 4096 };

/* One query, embedded in what asks. */
struct channel_query {
    const struct query_mask *mask;
    struct addr from; /* the address of ours that its cookie is for; all zeros: any will do */
    /* N bytes came from the server and stand where upstream_channels_new() was told; 0: too many. True: they end the
     * query, and on_done() follows. Soon it has to be true: they are taken as fast as they come. May start timers, and
     * nothing else here. */
    bool (*on_datagram)(void *arg, size_t n);
    /* ST_OK after on_datagram(), else why it has failed, as socket_status() says. Never called from within a call of a
     * function here; the last thing that its caller does. */
    void (*on_done)(void *arg, enum status status);
    void *arg;
    bool moved; /* told with a failure: nothing was sent, for it would not have come from `from` */

    struct upstream_channel *channel; /* NULL: not under way */
};

/* At most MAX queries at once. A datagram is written to REPLY (CHANNEL_DATAGRAM_MAX bytes) before it is told. NULL when
 * out of memory. */
struct upstream_channels *upstream_channels_new(struct loop *loop, size_t max, uint8_t *reply);
/* After all queries are cancelled or done. */
void upstream_channels_free(struct upstream_channels *channels);

/* Sends QUERY to SERVER from a port that the kernel draws. ST_NOMEM, also when MAX are under way: it will not be told.
 */
enum status upstream_channels_send(struct upstream_channels *channels, const struct addr *server,
                                   struct channel_query *query) MUST_CHECK;
/* It will not be told. Nothing for one that is not under way. */
void upstream_channels_cancel(struct channel_query *query);
size_t upstream_channels_made(const struct upstream_channels *channels);
