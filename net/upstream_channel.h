/* One c-ares channel that carries one query at a time: one try at one server, over UDP and, where the answer was
 * truncated, over TCP. For upstream.c, which keeps a pool of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "net/loop.h"
#include "net/query_mask.h"

struct upstream_channel;

/* What the channels of one upstream share. */
struct upstream_shared {
    struct loop *loop;
    int64_t try_timeout_ms;
    uint64_t *unwanted;        /* counts datagrams that were dropped */
    uint8_t reply[UINT16_MAX]; /* of the try that is being told */
};

struct upstream_result {
    enum status status;   /* ST_OK, ST_TIMEOUT, ST_UNAVAILABLE, ST_NOMEM */
    size_t reply_length;  /* of shared->reply, still masked; with ST_OK */
    bool wrong_case_only; /* failed, and all that came was an answer with other letter case than was asked */
};

/* The try is over. Never called from within a call of a function here; the last thing that its caller does, so the
 * channel may be freed or used again. */
typedef void upstream_result_fn(void *arg, const struct upstream_result *result);

/* NULL when out of memory. */
struct upstream_channel *upstream_channel_new(struct upstream_shared *shared, upstream_result_fn *on_result, void *arg);
void upstream_channel_free(struct upstream_channel *channel);
/* MASK must stay until the result. */
void upstream_channel_send(struct upstream_channel *channel, const struct addr *server, const struct query_mask *mask);
/* No result will be told. */
void upstream_channel_cancel(struct upstream_channel *channel);
