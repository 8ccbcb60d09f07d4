/* The cache of answers, shared by all workers and bounded in bytes. Sharded; a shard's lock is held for a copy.
 *
 * An answer whose time is up stays for a while as one that is given when no upstream has another (RFC 8767), and so
 * does the memory of what failed (RFC 9520). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dnsfilter/dns_flights.h"
#include "message/dns_message.h"

struct dns_cache;

struct dns_cache_settings {
    size_t max_bytes;
    uint32_t max_ttl_s, max_negative_ttl_s;
    uint32_t min_ttl_s;         /* answers are kept and served for at least so long */
    uint32_t max_failure_ttl_s; /* what fails again and again is not asked for so long; 0: failures are not kept */
    uint32_t stale_s;           /* how long an answer is still good for something when its time is up */
    uint32_t stale_ttl_s;       /* the TTL that it then has */
    bool prefetch;              /* tell who asks in the last tenth of an answer's time */
};

struct dns_cache *dns_cache_new(const struct dns_cache_settings *settings); /* NULL when out of memory */
void dns_cache_free(struct dns_cache *cache);
uint32_t dns_cache_max_ttl_s(const struct dns_cache *cache);
/* The questions that workers who share this cache have under way; NULL where it can keep no answer. */
struct dns_flights *dns_cache_flights(struct dns_cache *cache);

struct dns_cache_key {
    const struct dname *name;
    uint16_t type, class;
    bool dnssec_ok, checking_disabled;
};

enum dns_cache_age {
    DNS_CACHE_NONE,
    DNS_CACHE_FRESH,
    DNS_CACHE_DUE,     /* fresh, but not for long: it should be asked for anew */
    DNS_CACHE_EXPIRED, /* its time is up: an upstream is to be asked; dns_cache_get_stale() gives it if need be */
    DNS_CACHE_HELD,    /* likewise, but asking has failed a moment ago: what is given is stale */
};

/* Copies the cached response into OUT with TTLs counted down to NOW_MS (monotonic), without OPT. Its question has the
 * key's name, but not its letter case, and, where the name does not exist, maybe another type: the caller writes its
 * own question over it. Returns the length, 0 for none, and then AGE is DNS_CACHE_NONE or DNS_CACHE_EXPIRED. Any
 * thread, as all functions here. */
size_t dns_cache_get(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, uint8_t *out,
                     size_t size, enum dns_cache_age *age);
/* The same for who has been let down by the upstreams: any answer, stale or not, but no failure. A stale one has
 * stale_ttl_s in all records and no AD. */
size_t dns_cache_get_stale(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, uint8_t *out,
                           size_t size);
/* Keeps a response that dns_response_parse() took and that has no OPT, for as long as its TTLs (RFC 2308 for negative
 * ones) say. A failure, any rcode but NOERROR and NXDOMAIN, is kept for 5 s, and twice as long each time that it comes
 * again; but where there is still an answer, that stays and is not asked for anew for 30 s, unless the failure is FIRM.
 * RESPONSE itself gets the TTLs that the kept one has, also where it must not be kept: who asked first is told no more
 * than those who ask later. */
void dns_cache_put(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, uint8_t *response,
                   size_t n, bool firm);

/* Forgets NAME, and with BELOW all below it; NULL: everything. Returns how many answers that were. */
size_t dns_cache_flush(struct dns_cache *cache, const struct dname *name, bool below);
/* What has failed may be asked for again at once: the upstreams are others, or back. */
void dns_cache_forget_failures(struct dns_cache *cache);

struct dns_cache_counters {
    uint64_t hits, misses, stale; /* stale: hits that were given though their time was up */
    uint64_t entries, bytes;
};
struct dns_cache_counters dns_cache_counters(struct dns_cache *cache);
size_t dns_cache_max_bytes(const struct dns_cache *cache);
