#include "proxy/client_counts.h"

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
LIST_HEAD(count_list, count);

struct client_counts {
    struct count_list buckets[BUCKETS];
};

struct client_counts *client_counts_new(void)
{
    return calloc(1, sizeof(struct client_counts));
}

void client_counts_free(struct client_counts *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        CHECK(LIST_EMPTY(&counts->buckets[i]));
    free(counts);
}

static struct count_list *bucket_of(struct client_counts *counts, const struct addr *addr)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < sizeof addr->ip; i++)
        hash = (hash ^ addr->ip[i]) * 16777619u;
    return &counts->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static struct count *find(struct client_counts *counts, const struct addr *addr)
{
    struct count *count;
    LIST_FOREACH(count, bucket_of(counts, addr), entry)
    if (addr_same_ip(&count->addr, addr))
        return count;
    return NULL;
}

enum status client_counts_add(struct client_counts *counts, const struct addr *addr, size_t limit)
{
    struct count *count = find(counts, addr);
    if (count && count->connections >= limit)
        return ST_DENIED;
    if (!count) {
        count = calloc(1, sizeof *count);
        if (!count)
            return ST_NOMEM;
        count->addr = *addr;
        LIST_INSERT_HEAD(bucket_of(counts, addr), count, entry);
    }
    count->connections++;
    return ST_OK;
}

void client_counts_remove(struct client_counts *counts, const struct addr *addr)
{
    struct count *count = find(counts, addr);
    CHECK(count);
    if (--count->connections)
        return;
    LIST_REMOVE(count, entry);
    free(count);
}
