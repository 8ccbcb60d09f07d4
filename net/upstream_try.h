/* One try of one query at one server, with all that belongs to it: another protocol, with and without EDNS, for as long
 * as that is the same server. For upstream.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/query_mask.h"
#include "net/upstream.h"
#include "net/upstream_channel.h"
#include "net/upstream_server.h"

struct upstream_try;

/* What the tries of one upstream share. */
struct upstream_shared {
    struct loop *loop;
    int64_t try_timeout_ms;
    const struct tls_trust *trust; /* of the set in force */
    struct upstream_channels *channels;
    struct upstream_https *https; /* made when it is first needed */
    struct random_pool random;
    struct upstream_counters counters;
    uint8_t reply[DNS_MESSAGE_MAX]; /* of the try that is being told */
};

struct upstream_result {
    /* ST_OK; ST_TIMEOUT: its time is over, but it goes on listening and may still be told as another result; else it
     * has failed: ST_UNAVAILABLE, ST_CLOSED, ST_INVALID, ST_NOMEM, ... */
    enum status status;
    size_t reply_length; /* with ST_OK: of shared->reply, its id and question still masked */
    unsigned rcode;
    bool invalid; /* with ST_TIMEOUT: replies came, but none was good */
};

/* Never called from within a call of a function here; the last thing that its caller does, so the try may be freed. The
 * server's health was noted before. */
typedef void upstream_try_fn(void *arg, struct upstream_try *try, const struct upstream_result *result);

/* Starts. SERVER is held (users) until the try is freed. NULL when out of memory. */
struct upstream_try *upstream_try_new(struct upstream_shared *shared, struct upstream_server *server,
                                      const struct query_original *original, upstream_try_fn *on_result, void *arg);
void upstream_try_free(struct upstream_try *try);
/* It is told to another from now on. */
void upstream_try_set_owner(struct upstream_try *try, upstream_try_fn *on_result, void *arg);
struct upstream_server *upstream_try_server(const struct upstream_try *try);
/* The query waits for a connection. */
bool upstream_try_is_connecting(const struct upstream_try *try);
bool upstream_try_is_late(const struct upstream_try *try); /* ST_TIMEOUT was told */

/* Gives the server back, and frees it when nobody holds it. */
void upstream_server_release(struct upstream_server *server);
