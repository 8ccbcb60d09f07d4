#include "proxy/client_counts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/check.h"

enum { BUCKETS = 1024 };

struct count {
    struct addr addr;
    size_t connections;
    LIST_ENTRY(count) entry;
};

struct bucket {
    pthread_mutex_t lock;
    LIST_HEAD(, count) counts;
};

struct client_counts {
    size_t most, most_per_address;
    atomic_size_t total;
    struct bucket buckets[BUCKETS];
};

struct client_counts *client_counts_new(size_t most, size_t most_per_address)
{
    struct client_counts *counts = calloc(1, sizeof *counts);
    if (!counts)
        return NULL;
    counts->most = most;
    counts->most_per_address = most_per_address;
    for (size_t i = 0; i < BUCKETS; i++)
        pthread_mutex_init(&counts->buckets[i].lock, NULL);
    return counts;
}

void client_counts_free(struct client_counts *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        CHECK(LIST_EMPTY(&counts->buckets[i].counts));
        pthread_mutex_destroy(&counts->buckets[i].lock);
    }
    free(counts);
}

static struct bucket *bucket_of(struct client_counts *counts, const struct addr *addr)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof addr->ip; i++)
        hash = (hash ^ addr->ip[i]) * 16777619u;
    return &counts->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static struct count *find(struct bucket *bucket, const struct addr *addr)
{
    struct count *count;
    LIST_FOREACH(count, &bucket->counts, entry)
    if (addr_same_ip(&count->addr, addr))
        return count;
    return NULL;
}

static enum status add_to(struct bucket *bucket, const struct addr *addr, size_t most)
{
    struct count *count = find(bucket, addr);
    if (count && count->connections >= most)
        return ST_DENIED;
    if (!count) {
        count = calloc(1, sizeof *count);
        if (!count)
            return ST_NOMEM;
        count->addr = *addr;
        LIST_INSERT_HEAD(&bucket->counts, count, entry);
    }
    count->connections++;
    return ST_OK;
}

enum status client_counts_add(struct client_counts *counts, const struct addr *addr)
{
    struct bucket *bucket = bucket_of(counts, addr);
    enum status status = ST_DENIED;
    if (atomic_fetch_add(&counts->total, 1) < counts->most) {
        pthread_mutex_lock(&bucket->lock);
        status = add_to(bucket, addr, counts->most_per_address);
        pthread_mutex_unlock(&bucket->lock);
    }
    if (status != ST_OK)
        atomic_fetch_sub(&counts->total, 1);
    return status;
}

void client_counts_remove(struct client_counts *counts, const struct addr *addr)
{
    struct bucket *bucket = bucket_of(counts, addr);
    atomic_fetch_sub(&counts->total, 1);
    pthread_mutex_lock(&bucket->lock);
    struct count *count = find(bucket, addr);
    CHECK(count);
    if (!--count->connections) {
        LIST_REMOVE(count, entry);
        free(count);
    }
    pthread_mutex_unlock(&bucket->lock);
}
