/* DNS queries to the upstream servers, by c-ares, one worker's own.
 *
 * c-ares 1.18 shares one socket among the queries pending on a channel, keeps the query's id and hands malformed
 * replies up, so: one pending query per channel from a bounded pool, a random id and random letter case (0x20) set
 * here, and a receive hook under c-ares that drops every datagram which is not a well-formed answer to this question,
 * so that the right answer is still awaited after a wrong one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "net/loop.h"

struct upstream;

struct upstream_settings {
    const struct addr *servers; /* tried in this order; copied */
    size_t server_count;        /* 0: a machine that is not online yet; every query is ST_UNAVAILABLE */
    int64_t try_timeout_ms;     /* of one try at one server */
    unsigned tries;             /* over all servers */
    unsigned max_pending;       /* channels; a query over it is ST_BUSY at once */
};

struct upstream_counters {
    uint64_t queries, replies, failures, unwanted; /* unwanted: datagrams dropped by the receive hook */
};

/* ST_OK with the whole reply (TCP was used where UDP was truncated), its id and the case of its question put back to
 * those of the query; else ST_TIMEOUT, ST_UNAVAILABLE (refused, unreachable), ST_CLOSED (cancelled by upstream_free()).
 * REPLY is valid in the call only. */
typedef void upstream_done_fn(void *arg, enum status status, const uint8_t *reply, size_t n);

enum status upstream_new(struct loop *loop, const struct upstream_settings *settings, struct upstream **upstream,
                         struct fault *fault) MUST_CHECK;
void upstream_free(struct upstream *upstream);

/* Sends a query message of one question. DONE is called exactly once, never from within this call; it may call anything
 * here, upstream_free() too. When it will not be called: ST_BUSY over max_pending, ST_INVALID for what is no such
 * message, ST_TOO_LARGE over 512 bytes, ST_NOMEM, ST_CLOSED from within upstream_free(). A server that fails twice in a
 * row is asked only when no other is left, but for a query each 1 s (doubling to 60 s) that finds out. */
enum status upstream_query(struct upstream *upstream, const uint8_t *query, size_t n, upstream_done_fn *done,
                           void *arg) MUST_CHECK;
/* Forgets the query's caller: DONE with this ARG is not called any more. */
void upstream_cancel(struct upstream *upstream, void *arg);

const struct upstream_counters *upstream_counters(const struct upstream *upstream);
