#include "proxy/origin_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { BUCKETS = 256 };

struct idle {
    struct origin_pool *pool;
    struct stream *stream;
    LIST_ENTRY(idle) in_bucket;
    TAILQ_ENTRY(idle) in_order;
    struct addr addr;
    size_t host_length;
    char host[]; /* lower case */
};

struct origin_pool {
    size_t count, max;
    int64_t idle_ms;
    LIST_HEAD(, idle) buckets[BUCKETS];
    TAILQ_HEAD(idle_order, idle) order; /* put last first */
};

/* FNV-1a: attackers gain nothing by collisions, as the pool is small. */
static size_t bucket_of(const struct addr *addr, struct str host)
{
    uint32_t hash = 2166136261u ^ addr->port;
    for (size_t i = 12; i < sizeof addr->ip; i++)
        hash = (hash ^ addr->ip[i]) * 16777619u;
    for (size_t i = 0; i < host.length; i++)
        hash = (hash ^ (uint8_t)ascii_lower(host.data[i])) * 16777619u;
    return (hash ^ hash >> 16) % BUCKETS;
}

struct origin_pool *origin_pool_new(size_t max_connections, int64_t idle_ms)
{
    struct origin_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->max = max_connections;
    pool->idle_ms = idle_ms;
    TAILQ_INIT(&pool->order);
    return pool;
}

static struct stream *detach(struct idle *idle)
{
    struct stream *stream = idle->stream;
    LIST_REMOVE(idle, in_bucket);
    TAILQ_REMOVE(&idle->pool->order, idle, in_order);
    idle->pool->count--;
    free(idle);
    return stream;
}

void origin_pool_free(struct origin_pool *pool)
{
    if (!pool)
        return;
    while (!TAILQ_EMPTY(&pool->order))
        stream_free(detach(TAILQ_FIRST(&pool->order)));
    free(pool);
}

/* Whatever a server says without being asked belongs to no request. */
static void on_end(void *arg)
{
    stream_free(detach(arg));
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    on_end(arg);
}

void origin_pool_put_own(struct origin_pool *pool, struct stream *stream, const struct addr *addr, struct str host)
{
    static const struct stream_ops ops = {.on_data = on_end, .on_eof = on_end, .on_failed = on_failed};
    if (pool->count == pool->max && pool->count)
        stream_free(detach(TAILQ_LAST(&pool->order, idle_order)));
    struct idle *idle = pool->max ? malloc(sizeof *idle + host.length) : NULL;
    if (!idle) {
        stream_free(stream);
        return;
    }
    *idle = (struct idle){.pool = pool, .stream = stream, .addr = *addr, .host_length = host.length};
    for (size_t i = 0; i < host.length; i++)
        idle->host[i] = ascii_lower(host.data[i]);
    LIST_INSERT_HEAD(&pool->buckets[bucket_of(addr, host)], idle, in_bucket);
    TAILQ_INSERT_HEAD(&pool->order, idle, in_order);
    pool->count++;
    stream_set_owner(stream, &ops, idle);
    stream_set_idle_timeout(stream, pool->idle_ms);
}

static struct idle *find(struct origin_pool *pool, const struct addr *addr, struct str host)
{
    struct idle *idle;
    LIST_FOREACH(idle, &pool->buckets[bucket_of(addr, host)], in_bucket)
    if (idle->addr.port == addr->port && addr_same_ip(&idle->addr, addr) &&
        str_eq_nocase((struct str){idle->host, idle->host_length}, host))
        return idle;
    return NULL;
}

/* What a server said before it is asked must not become its answer (RFC 9112 section 6.3), though the loop has not told
 * of it yet. */
struct stream *origin_pool_take(struct origin_pool *pool, const struct addr *addr, struct str host)
{
    struct idle *idle;
    while ((idle = find(pool, addr, host))) {
        struct stream *stream = detach(idle);
        if (stream_is_quiet(stream))
            return stream;
        stream_free(stream);
    }
    return NULL;
}

size_t origin_pool_count(const struct origin_pool *pool)
{
    return pool->count;
}
