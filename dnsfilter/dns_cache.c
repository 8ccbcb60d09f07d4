#include "dnsfilter/dns_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <xxhash.h>

enum {
    SHARDS = 64,
    SERVFAIL_TTL_S = 5,         /* RFC 9520 section 3.2: at least 1 s, at most 5 minutes */
    BYTES_PER_BUCKET = 256,     /* about the size of a small entry */
    MALLOC_OVERHEAD_BYTES = 16, /* counted so that max_bytes is what the process really uses */
    KEY_MAX = 5 + DNAME_MAX_BYTES
};
enum key_flag { KEY_DNSSEC_OK = 1, KEY_CHECKING_DISABLED = 2, KEY_EVERY_TYPE = 4 };

struct entry {
    struct entry *next; /* in the bucket */
    TAILQ_ENTRY(entry) age;
    uint64_t hash;
    int64_t stored_ms, expires_ms;
    uint16_t ttl_count, key_length, length;
    uint16_t ttl_offsets[]; /* then the key, then the response */
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    TAILQ_HEAD(, entry) by_age; /* least recently used first */
    struct dns_cache_counters counters;
};

struct dns_cache {
    struct dns_cache_settings settings;
    uint64_t seed; /* random: names that all fall into one bucket can't be made up */
    size_t bucket_count, shard_bytes;
    struct shard shards[SHARDS];
};

struct key {
    uint64_t hash;
    size_t length;
    uint8_t bytes[KEY_MAX];
};

/* What put() found out about a response. */
struct plan {
    uint32_t lifetime_s;
    bool negative, every_type;
    size_t soa_ttl_offset;
    uint16_t ttl_count;
    uint16_t ttl_offsets[DNS_MAX_RECORDS];
};

static uint8_t *entry_key(struct entry *entry)
{
    return (uint8_t *)(entry->ttl_offsets + entry->ttl_count);
}

static uint8_t *entry_response(struct entry *entry)
{
    return entry_key(entry) + entry->key_length;
}

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof *entry + entry->ttl_count * sizeof entry->ttl_offsets[0] + entry->key_length + entry->length +
           MALLOC_OVERHEAD_BYTES;
}

struct dns_cache *dns_cache_new(const struct dns_cache_settings *settings)
{
    struct dns_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->settings = *settings;
    if (getrandom(&cache->seed, sizeof cache->seed, 0) != sizeof cache->seed)
        goto failed;
    cache->bucket_count = 16;
    while (cache->bucket_count < settings->max_bytes / SHARDS / BYTES_PER_BUCKET)
        cache->bucket_count *= 2;
    size_t table_bytes = cache->bucket_count * sizeof(struct entry *);
    size_t share = settings->max_bytes / SHARDS;
    cache->shard_bytes = share > table_bytes ? share - table_bytes : 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        TAILQ_INIT(&shard->by_age);
        shard->buckets = calloc(cache->bucket_count, sizeof shard->buckets[0]);
        if (!shard->buckets)
            goto failed;
    }
    return cache;
failed:
    dns_cache_free(cache);
    return NULL;
}

static struct entry **entry_place(struct dns_cache *cache, struct shard *shard, const struct key *key)
{
    struct entry **place = &shard->buckets[key->hash / SHARDS % cache->bucket_count];
    for (; *place; place = &(*place)->next)
        if ((*place)->hash == key->hash && (*place)->key_length == key->length &&
            !memcmp(entry_key(*place), key->bytes, key->length))
            break;
    return place;
}

/* Takes the entry at PLACE out and frees it. */
static void drop_entry(struct shard *shard, struct entry **place)
{
    struct entry *entry = *place;
    *place = entry->next;
    TAILQ_REMOVE(&shard->by_age, entry, age);
    shard->counters.entries--;
    shard->counters.bytes -= entry_bytes(entry);
    free(entry);
}

static void drop_oldest(struct dns_cache *cache, struct shard *shard)
{
    struct entry *oldest = TAILQ_FIRST(&shard->by_age);
    struct entry **place = &shard->buckets[oldest->hash / SHARDS % cache->bucket_count];
    while (*place != oldest)
        place = &(*place)->next;
    drop_entry(shard, place);
}

void dns_cache_free(struct dns_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SHARDS && cache->shards[i].buckets; i++) {
        struct shard *shard = &cache->shards[i];
        while (!TAILQ_EMPTY(&shard->by_age))
            drop_oldest(cache, shard);
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    free(cache);
}

uint32_t dns_cache_max_ttl_s(const struct dns_cache *cache)
{
    return cache->settings.max_ttl_s;
}

static void make_key(const struct dns_cache *cache, const struct dns_cache_key *from, bool every_type, struct key *key)
{
    uint16_t type = every_type ? 0 : from->type;
    key->bytes[0] =
        (uint8_t)((from->dnssec_ok ? KEY_DNSSEC_OK : 0) | (from->checking_disabled ? KEY_CHECKING_DISABLED : 0) |
                  (every_type ? KEY_EVERY_TYPE : 0));
    key->bytes[1] = (uint8_t)(type >> 8);
    key->bytes[2] = (uint8_t)type;
    key->bytes[3] = (uint8_t)(from->class >> 8);
    key->bytes[4] = (uint8_t)from->class;
    for (size_t i = 0; i < from->name->length; i++) { /* length bytes are below 'A' */
        uint8_t byte = from->name->wire[i];
        key->bytes[5 + i] = (uint8_t)(byte + ((uint8_t)(byte - 'A') < 26) * 32);
    }
    key->length = 5u + from->name->length;
    key->hash = XXH3_64bits_withSeed(key->bytes, key->length, cache->seed);
}

static void count_ttls_down(const struct entry *entry, uint8_t *response, uint32_t age_s)
{
    for (size_t i = 0; i < entry->ttl_count; i++) {
        struct cursor cursor = cursor_over(response + entry->ttl_offsets[i], 4);
        uint32_t ttl = cursor_u32(&cursor);
        struct wire wire = wire_into(response + entry->ttl_offsets[i], 4);
        wire_u32(&wire, ttl > age_s ? ttl - age_s : 0);
    }
}

static size_t get_one(struct dns_cache *cache, const struct key *key, int64_t now_ms, uint8_t *out, size_t size)
{
    struct shard *shard = &cache->shards[key->hash % SHARDS];
    size_t n = 0;
    pthread_mutex_lock(&shard->lock);
    struct entry **place = entry_place(cache, shard, key);
    struct entry *entry = *place;
    if (entry && entry->expires_ms <= now_ms) {
        drop_entry(shard, place);
        entry = NULL;
    }
    if (entry && entry->length <= size) {
        n = entry->length;
        memcpy(out, entry_response(entry), n);
        /* A worker whose round began before another worker's put() sees an age below zero. */
        int64_t age_ms = now_ms > entry->stored_ms ? now_ms - entry->stored_ms : 0;
        count_ttls_down(entry, out, (uint32_t)(age_ms / 1000));
        TAILQ_REMOVE(&shard->by_age, entry, age);
        TAILQ_INSERT_TAIL(&shard->by_age, entry, age);
        shard->counters.hits++;
    }
    pthread_mutex_unlock(&shard->lock);
    return n;
}

size_t dns_cache_get(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, uint8_t *out,
                     size_t size)
{
    struct key bytes;
    make_key(cache, key, false, &bytes);
    struct shard *shard = &cache->shards[bytes.hash % SHARDS];
    size_t n = get_one(cache, &bytes, now_ms, out, size);
    if (n)
        return n;
    make_key(cache, key, true, &bytes);
    n = get_one(cache, &bytes, now_ms, out, size);
    if (n)
        return n;
    pthread_mutex_lock(&shard->lock);
    shard->counters.misses++;
    pthread_mutex_unlock(&shard->lock);
    return 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t soa_minimum(const uint8_t *response, const struct dns_record *record)
{
    struct cursor cursor = cursor_over(response + record->rdata_offset + record->rdata_length - 4, 4);
    return cursor_u32(&cursor);
}

/* How long RESPONSE may be kept; false: not at all. */
static bool make_plan(const struct dns_cache *cache, const uint8_t *response, size_t n,
                      const struct dns_message *message, struct plan *plan)
{
    unsigned rcode = dns_header_rcode(&message->header);
    bool answered = false, aliased = false, has_soa = false;
    plan->ttl_count = 0;
    plan->lifetime_s = cache->settings.max_ttl_s;
    struct dns_walk walk = dns_walk_start(response, n, message);
    for (struct dns_record record; dns_walk_next(&walk, &record);) {
        if (plan->ttl_count == DNS_MAX_RECORDS)
            return false;
        plan->ttl_offsets[plan->ttl_count++] = (uint16_t)record.ttl_offset;
        /* RFC 8767 section 4: a TTL with the high bit is a large one, and is cut like any other. */
        plan->lifetime_s = min_u32(plan->lifetime_s, record.ttl);
        if (record.section == DNS_ANSWER) {
            answered |= record.type == message->question.type;
            aliased = true;
        }
        if (record.section == DNS_AUTHORITY && record.type == DNS_TYPE_SOA && !has_soa) { /* RFC 2308 section 5 */
            has_soa = true;
            plan->soa_ttl_offset = record.ttl_offset;
            plan->lifetime_s = answered ? plan->lifetime_s
                                        : min_u32(plan->lifetime_s, min_u32(soa_minimum(response, &record),
                                                                            cache->settings.max_negative_ttl_s));
        }
    }
    plan->negative = rcode == DNS_RCODE_NXDOMAIN || (rcode == DNS_RCODE_NOERROR && !answered);
    /* RFC 2308 section 5: no such name holds for every type, but behind an alias it is said of another name. */
    plan->every_type = rcode == DNS_RCODE_NXDOMAIN && !aliased;
    if (rcode == DNS_RCODE_SERVFAIL)
        plan->lifetime_s = min_u32(plan->lifetime_s, SERVFAIL_TTL_S);
    else if (rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN)
        return false;
    return plan->lifetime_s && (!plan->negative || has_soa) && !(message->header.flags & DNS_FLAG_TC);
}

/* Puts the clamps into the stored TTLs, so that what is served never outlives what we would keep ourselves. */
static void clamp_ttls(const struct dns_cache *cache, const struct plan *plan, uint8_t *response)
{
    for (size_t i = 0; i < plan->ttl_count; i++) {
        uint16_t offset = plan->ttl_offsets[i];
        uint32_t bound = cache->settings.max_ttl_s;
        if (plan->negative && offset == plan->soa_ttl_offset)
            bound = plan->lifetime_s;
        struct cursor cursor = cursor_over(response + offset, 4);
        uint32_t ttl = cursor_u32(&cursor);
        struct wire wire = wire_into(response + offset, 4);
        wire_u32(&wire, min_u32(ttl, bound));
    }
}

static struct entry *entry_new(const struct dns_cache *cache, const struct key *key, const struct plan *plan,
                               int64_t now_ms, const uint8_t *response, size_t n)
{
    size_t ttl_bytes = plan->ttl_count * sizeof plan->ttl_offsets[0];
    struct entry *entry = malloc(sizeof *entry + ttl_bytes + key->length + n);
    if (!entry)
        return NULL;
    entry->hash = key->hash;
    entry->stored_ms = now_ms;
    entry->expires_ms = now_ms + (int64_t)plan->lifetime_s * 1000;
    entry->ttl_count = plan->ttl_count;
    entry->key_length = (uint16_t)key->length;
    entry->length = (uint16_t)n;
    memcpy(entry->ttl_offsets, plan->ttl_offsets, ttl_bytes);
    memcpy(entry_key(entry), key->bytes, key->length);
    memcpy(entry_response(entry), response, n);
    clamp_ttls(cache, plan, entry_response(entry));
    return entry;
}

void dns_cache_put(struct dns_cache *cache, const struct dns_cache_key *key, int64_t now_ms, const uint8_t *response,
                   size_t n)
{
    struct dns_message message;
    struct plan plan;
    if (n > DNS_MESSAGE_MAX || dns_response_parse(response, n, &message) != ST_OK || message.edns.present ||
        !make_plan(cache, response, n, &message, &plan))
        return;
    struct key bytes;
    make_key(cache, key, plan.every_type, &bytes);
    struct entry *entry = entry_new(cache, &bytes, &plan, now_ms, response, n);
    if (!entry)
        return;
    if (entry_bytes(entry) > cache->shard_bytes) {
        free(entry);
        return;
    }
    struct shard *shard = &cache->shards[bytes.hash % SHARDS];
    pthread_mutex_lock(&shard->lock);
    struct entry **place = entry_place(cache, shard, &bytes);
    if (*place)
        drop_entry(shard, place);
    while (shard->counters.bytes + entry_bytes(entry) > cache->shard_bytes)
        drop_oldest(cache, shard);
    struct entry **bucket = &shard->buckets[bytes.hash / SHARDS % cache->bucket_count];
    entry->next = *bucket;
    *bucket = entry;
    TAILQ_INSERT_TAIL(&shard->by_age, entry, age);
    shard->counters.entries++;
    shard->counters.bytes += entry_bytes(entry);
    pthread_mutex_unlock(&shard->lock);
}

static bool entry_is_within(struct entry *entry, const struct dname *parent)
{
    struct dname name;
    return dname_from_wire(entry_key(entry) + 5, entry->key_length - 5u, &name) == ST_OK &&
           dname_is_within(&name, parent);
}

void dns_cache_flush(struct dns_cache *cache, const struct dname *name)
{
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_lock(&shard->lock);
        for (size_t b = 0; b < cache->bucket_count; b++)
            for (struct entry **place = &shard->buckets[b]; *place;) {
                if (!name || entry_is_within(*place, name))
                    drop_entry(shard, place);
                else
                    place = &(*place)->next;
            }
        pthread_mutex_unlock(&shard->lock);
    }
}

struct dns_cache_counters dns_cache_counters(struct dns_cache *cache)
{
    struct dns_cache_counters sum = {0};
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_lock(&shard->lock);
        sum.hits += shard->counters.hits;
        sum.misses += shard->counters.misses;
        sum.entries += shard->counters.entries;
        sum.bytes += shard->counters.bytes;
        pthread_mutex_unlock(&shard->lock);
    }
    return sum;
}
