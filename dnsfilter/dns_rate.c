#include "dnsfilter/dns_rate.h"

#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

enum { PER_ANSWER = 1000, V4_PREFIX = 96 + 24, V6_PREFIX = 56, FULL_AFTER_MS = 1000 };

enum status dns_rate_init(struct dns_rate *rate, uint32_t per_s)
{
    *rate = (struct dns_rate){.per_s = per_s};
    return getrandom(&rate->seed, sizeof rate->seed, 0) == (ssize_t)sizeof rate->seed ? ST_OK : ST_IO;
}

static struct dns_rate_slot *slot_of(struct dns_rate *rate, const struct addr *client)
{
    uint8_t ip[sizeof client->ip];
    memcpy(ip, client->ip, sizeof ip);
    network_mask(ip, addr_is_v4(client) ? V4_PREFIX : V6_PREFIX);
    return &rate->slots[XXH3_64bits_withSeed(ip, sizeof ip, rate->seed) % DNS_RATE_SLOTS];
}

enum dns_rate_verdict dns_rate_take(struct dns_rate *rate, const struct addr *client, int64_t now_ms)
{
    if (!rate->per_s)
        return DNS_RATE_ANSWER;
    struct dns_rate_slot *slot = slot_of(rate, client);
    uint32_t passed_ms = (uint32_t)now_ms - slot->seen_ms, full = rate->per_s * PER_ANSWER;
    slot->seen_ms = (uint32_t)now_ms;
    uint64_t left = slot->left + (uint64_t)(passed_ms < FULL_AFTER_MS ? passed_ms : FULL_AFTER_MS) * rate->per_s;
    slot->left = left < full ? (uint32_t)left : full;
    if (slot->left >= PER_ANSWER) {
        slot->left -= PER_ANSWER;
        return DNS_RATE_ANSWER;
    }
    return slot->over++ % 2 ? DNS_RATE_DROP : DNS_RATE_SLIP;
}
