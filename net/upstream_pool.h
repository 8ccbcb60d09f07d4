/* Connections to one server by TCP or TLS, kept open between queries, many queries on each at once and answered in any
 * order (RFC 7766, RFC 7858). One worker's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/loop.h"
#include "net/query_mask.h"
#include "net/tls_trust.h"
#include "net/upstream_address.h"
#include "net/upstream_host.h"

struct upstream_pool;
struct pool_connection;

struct upstream_pool_settings {
    struct loop *loop;
    const struct upstream_address *address; /* borrowed */
    struct upstream_host *host;             /* its addresses where it is known by name, else NULL; borrowed */
    struct random_pool *random;             /* borrowed */
    const struct tls_trust *const *trust;   /* for UPSTREAM_TLS: whom to believe by then; borrowed */
    int64_t connect_timeout_ms, idle_ms;
    uint64_t *unwanted; /* counts messages that answer no query */
    uint8_t *reply;     /* DNS_MESSAGE_MAX bytes, where messages are handed over */
};

/* A query on its way; embedded in who asks. */
struct pool_query {
    struct query_mask *mask; /* gets another id where its own is taken on the connection */
    /* A message with its id has come, of N bytes at the settings' REPLY. */
    void (*on_message)(void *arg, size_t n);
    /* ST_UNAVAILABLE (refused, unreachable, not long ago), ST_TIMEOUT (while connecting), ST_CLOSED, ST_INVALID (the
     * server breaks the framing), ST_NOMEM. */
    void (*on_failed)(void *arg, enum status status);
    void *arg;

    enum pool_place { POOL_NOWHERE, POOL_WAITING, POOL_SENT, POOL_FAILED } place;
    struct pool_connection *connection; /* POOL_SENT */
    int64_t sent_ms;                    /* when it went out last */
    enum status failure;                /* POOL_FAILED */
    bool sent_twice;
    TAILQ_ENTRY(pool_query) entry;
};

struct upstream_pool *upstream_pool_new(const struct upstream_pool_settings *settings); /* NULL when out of memory */
void upstream_pool_free(struct upstream_pool *pool); /* no query may be in it; NULL is allowed */

/* A host that is known by name must have addresses. One of the callbacks follows, never from within this call; it may
 * call anything here, upstream_pool_free() too. A query that was sent on a connection which had answered others before
 * and then closed is sent once more. */
void upstream_pool_send(struct upstream_pool *pool, struct pool_query *query);
/* Its callbacks are not called any more. */
void upstream_pool_cancel(struct upstream_pool *pool, struct pool_query *query);
/* Its answer is late: a connection where nothing comes any more gets no further queries. */
void upstream_pool_note_late(struct pool_query *query);
