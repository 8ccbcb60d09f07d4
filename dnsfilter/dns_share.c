#include "dnsfilter/dns_share.h"

#include <sys/random.h>
#include <xxhash.h>

#include "base/check.h"

enum { PART_OF_ONE_ADDRESS = 10, LEAST = 100 };

void dns_share_limit(struct dns_share *share, size_t max_waiting)
{
    size_t part = max_waiting / PART_OF_ONE_ADDRESS;
    share->max = part > LEAST ? part : LEAST;
}

enum status dns_share_init(struct dns_share *share, size_t max_waiting)
{
    *share = (struct dns_share){0};
    dns_share_limit(share, max_waiting);
    return getrandom(&share->seed, sizeof share->seed, 0) == (ssize_t)sizeof share->seed ? ST_OK : ST_IO;
}

static uint32_t *slot_of(struct dns_share *share, const struct addr *client)
{
    return &share->waiting[XXH3_64bits_withSeed(client->ip, sizeof client->ip, share->seed) % DNS_SHARE_SLOTS];
}

enum status dns_share_take(struct dns_share *share, const struct addr *client)
{
    if (addr_is_loopback(client))
        return ST_OK;
    uint32_t *waiting = slot_of(share, client);
    if (*waiting >= share->max)
        return ST_BUSY;
    ++*waiting;
    return ST_OK;
}

void dns_share_give_back(struct dns_share *share, const struct addr *client)
{
    if (addr_is_loopback(client))
        return;
    uint32_t *waiting = slot_of(share, client);
    CHECK(*waiting);
    --*waiting;
}
