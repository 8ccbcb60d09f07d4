/* Connections to servers that wait for the next request, one pool per worker. A connection is used again only for the
 * same host at the same address and port, so that the verdict on the address holds for it. */
#pragma once

#include "base/addr.h"
#include "net/stream.h"

struct origin_pool;

struct origin_pool *origin_pool_new(size_t max_connections, int64_t idle_ms); /* NULL when out of memory */
void origin_pool_free(struct origin_pool *pool);

/* Takes STREAM, which is silent and has nothing queued. The one unused for longest goes when the pool is full; one that
 * the server closes or says something on goes at once. */
void origin_pool_put_own(struct origin_pool *pool, struct stream *stream, const struct addr *addr, struct str host);
/* The one used last of those that are still silent, or NULL; the caller sets its owner. */
struct stream *origin_pool_take(struct origin_pool *pool, const struct addr *addr, struct str host) MUST_CHECK;

size_t origin_pool_count(const struct origin_pool *pool);
