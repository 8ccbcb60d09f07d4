/* The cache of answers, shared by all workers and bounded in bytes. Sharded; a shard's lock is held for a copy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "message/dns_message.h"

struct dns_cache;

struct dns_cache_settings {
    size_t max_bytes;
    uint32_t max_ttl_s, max_negative_ttl_s;
};

struct dns_cache *dns_cache_new(const struct dns_cache_settings *settings); /* NULL when out of memory */
void dns_cache_free(struct dns_cache *cache);
uint32_t dns_cache_max_ttl_s(const struct dns_cache *cache);

struct dns_cache_key {
    const struct dname *name;
    uint16_t type, class;
    bool dnssec_ok, checking_disabled;
};

/* Copies the cached response into OUT with TTLs counted down to NOW_MS (monotonic), without OPT. Its question has the
 * key's name, but not its letter case, and, where the name does not exist, maybe another type: the caller writes its
 * own question over it. Returns the length, 0 for none. Any thread, as all functions here. */
size_t dns_cache_get(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, uint8_t *out,
                     size_t size);
/* Keeps a response that dns_response_parse() took and that has no OPT, for as long as its TTLs (RFC 2308 for negative
 * ones) say. Does nothing for what must not be cached. */
void dns_cache_put(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, const uint8_t *response,
                   size_t n);
/* Forgets NAME and all below it; NULL: everything. */
void dns_cache_flush(struct dns_cache *cache, const struct dname *name);

struct dns_cache_counters {
    uint64_t hits, misses, entries, bytes;
};
struct dns_cache_counters dns_cache_counters(struct dns_cache *cache);
