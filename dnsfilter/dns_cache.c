#include "dnsfilter/dns_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <xxhash.h>

#include "dnsfilter/dns_keep.h"

enum {
    SHARDS = 64,
    BYTES_PER_BUCKET = 256,     /* about the size of an entry */
    FAILURE_TTL_S = 5,          /* RFC 9520 section 3.2: at least 1 s, and longer each time */
    FAILURE_MEMORY_MS = 600000, /* what has not failed for so long has not failed before */
    HOLD_MS = 30000,            /* RFC 8767 section 5: no sooner is it tried again to renew an answer */
    PREFETCH_FRACTION = 10,     /* the last tenth */
    NAME_AT = DNS_HEADER_BYTES, /* the question's, in each response */
};
enum entry_flag { DNSSEC_OK = 1, CHECKING_DISABLED = 2, EVERY_TYPE = 4 };

struct entry {
    struct entry *next; /* in the bucket */
    TAILQ_ENTRY(entry) age;
    int64_t stored_ms;
    uint32_t hash;
    uint32_t lifetime_s;
    uint32_t held_until_ms; /* after stored_ms; 0: asking for it anew has not failed */
    uint16_t type, class, length, ttl_count;
    uint8_t flags;          /* enum entry_flag */
    uint8_t failures;       /* in a row, of which this is the last; 0: it is an answer */
    uint8_t outage;         /* of a failure: what dns_cache.outage was */
    uint16_t ttl_offsets[]; /* then the response, its question in lower case */
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    TAILQ_HEAD(, entry) by_age; /* least recently used first */
    struct dns_cache_counters counters;
};

struct dns_cache {
    struct dns_cache_settings settings;
    struct dns_keep_settings keeping;
    struct dns_flights *flights;
    atomic_uchar outage; /* failures of earlier ones do not count */
    uint64_t seed;       /* random: names that all fall into one bucket can't be made up */
    uint32_t bucket_mask;
    size_t shard_bytes;
    struct shard shards[SHARDS];
};

/* A name has one shard, so that all that is known of it stands under one lock. */
struct key {
    struct shard *shard;
    uint32_t name_hash;
    uint16_t type, class;
    uint8_t flags;
    struct dname name; /* in lower case */
};

static uint8_t *entry_response(struct entry *entry)
{
    return (uint8_t *)(entry->ttl_offsets + entry->ttl_count);
}

/* As the allocator rounds it, so that max_bytes is what the process really uses. */
static size_t entry_bytes(const struct entry *entry)
{
    enum { UNIT = 16, HEAD = 8 };
    size_t bytes = sizeof *entry + entry->ttl_count * sizeof entry->ttl_offsets[0] + entry->length;
    return (bytes + HEAD + UNIT - 1) / UNIT * UNIT;
}

static bool shards_init(struct dns_cache *cache)
{
    size_t buckets = 16, share = cache->settings.max_bytes / SHARDS;
    while (buckets < share / BYTES_PER_BUCKET)
        buckets *= 2;
    size_t table_bytes = buckets * sizeof(struct entry *);
    cache->bucket_mask = (uint32_t)(buckets - 1);
    cache->shard_bytes = share > table_bytes ? share - table_bytes : 0;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        TAILQ_INIT(&shard->by_age);
        shard->buckets = calloc(buckets, sizeof shard->buckets[0]);
        if (!shard->buckets)
            return false;
    }
    return true;
}

struct dns_cache *dns_cache_new(const struct dns_cache_settings *settings)
{
    struct dns_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->settings = *settings;
    cache->keeping = (struct dns_keep_settings){settings->max_ttl_s, settings->max_negative_ttl_s, settings->min_ttl_s};
    if (!shards_init(cache) || getrandom(&cache->seed, sizeof cache->seed, 0) != sizeof cache->seed ||
        (cache->shard_bytes && !(cache->flights = dns_flights_new(cache->seed)))) {
        dns_cache_free(cache);
        return NULL;
    }
    return cache;
}

static struct entry **bucket_of(struct dns_cache *cache, struct shard *shard, uint32_t hash)
{
    return &shard->buckets[hash & cache->bucket_mask];
}

/* Takes the entry at PLACE out and frees it. */
static void drop_at(struct shard *shard, struct entry **place)
{
    struct entry *entry = *place;
    *place = entry->next;
    TAILQ_REMOVE(&shard->by_age, entry, age);
    shard->counters.entries--;
    shard->counters.bytes -= entry_bytes(entry);
    free(entry);
}

static void drop(struct dns_cache *cache, struct shard *shard, struct entry *entry)
{
    struct entry **place = bucket_of(cache, shard, entry->hash);
    while (*place != entry)
        place = &(*place)->next;
    drop_at(shard, place);
}

void dns_cache_free(struct dns_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < SHARDS && cache->shards[i].buckets; i++) {
        struct shard *shard = &cache->shards[i];
        while (!TAILQ_EMPTY(&shard->by_age))
            drop(cache, shard, TAILQ_FIRST(&shard->by_age));
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    dns_flights_free(cache->flights);
    free(cache);
}

uint32_t dns_cache_max_ttl_s(const struct dns_cache *cache)
{
    return cache->settings.max_ttl_s;
}

size_t dns_cache_max_bytes(const struct dns_cache *cache)
{
    return cache->settings.max_bytes;
}

struct dns_flights *dns_cache_flights(struct dns_cache *cache)
{
    return cache->flights;
}

static void make_name_key(struct dns_cache *cache, const struct dname *name, struct key *key)
{
    memcpy(&key->name, name, offsetof(struct dname, wire) + name->length);
    dname_lower(&key->name);
    uint64_t hash = XXH3_64bits_withSeed(key->name.wire, name->length, cache->seed);
    key->shard = &cache->shards[hash % SHARDS];
    key->name_hash = (uint32_t)(hash >> 32);
}

static void make_key(struct dns_cache *cache, const struct dns_cache_key *from, struct key *key)
{
    make_name_key(cache, from->name, key);
    key->type = from->type;
    key->class = from->class;
    key->flags = (uint8_t)((from->dnssec_ok ? DNSSEC_OK : 0) | (from->checking_disabled ? CHECKING_DISABLED : 0));
}

static void make_every_type(struct key *key)
{
    key->type = 0;
    key->flags |= EVERY_TYPE;
}

/* The types of one name spread over all buckets, however many a client asks for. */
static uint32_t hash_of(const struct key *key)
{
    return key->name_hash + key->type * 0x9e3779b1u + key->flags * 0x85ebca6bu;
}

static bool entry_is_of(struct entry *entry, const struct dname *name)
{
    return entry->length >= NAME_AT + name->length &&
           !memcmp(entry_response(entry) + NAME_AT, name->wire, name->length);
}

static struct entry **find(struct dns_cache *cache, const struct key *key)
{
    uint32_t hash = hash_of(key);
    struct entry **place = bucket_of(cache, key->shard, hash);
    for (; *place; place = &(*place)->next)
        if ((*place)->hash == hash && (*place)->type == key->type && (*place)->class == key->class &&
            (*place)->flags == key->flags && entry_is_of(*place, &key->name))
            break;
    return place;
}

static enum dns_cache_age age_of(struct dns_cache *cache, const struct entry *entry, int64_t now_ms)
{
    int64_t lifetime_ms = (int64_t)entry->lifetime_s * 1000, left_ms = entry->stored_ms + lifetime_ms - now_ms;
    if (entry->failures)
        return left_ms > 0 && entry->outage == atomic_load_explicit(&cache->outage, memory_order_relaxed)
                   ? DNS_CACHE_FRESH
                   : DNS_CACHE_NONE;
    if (left_ms > 0 && (!cache->settings.prefetch || left_ms * PREFETCH_FRACTION > lifetime_ms))
        return DNS_CACHE_FRESH;
    bool held = entry->held_until_ms && now_ms < entry->stored_ms + entry->held_until_ms;
    if (left_ms > 0)
        return held ? DNS_CACHE_FRESH : DNS_CACHE_DUE;
    if (left_ms + (int64_t)cache->settings.stale_s * 1000 <= 0)
        return DNS_CACHE_NONE;
    return held ? DNS_CACHE_HELD : DNS_CACHE_EXPIRED;
}

/* NULL: there is none of any use. What is too old is dropped; of a failure stays how often it has failed. */
static struct entry *find_useful(struct dns_cache *cache, const struct key *key, int64_t now_ms,
                                 enum dns_cache_age *age)
{
    struct entry **place = find(cache, key);
    *age = DNS_CACHE_NONE;
    if (!*place)
        return NULL;
    *age = age_of(cache, *place, now_ms);
    if (*age != DNS_CACHE_NONE)
        return *place;
    if (!(*place)->failures)
        drop_at(key->shard, place);
    return NULL;
}

static bool is_fresh(enum dns_cache_age age)
{
    return age == DNS_CACHE_FRESH || age == DNS_CACHE_DUE;
}

/* What is known of KEY, which this changes: of its type, or that the name does not exist; the newer where both are
 * stale. */
static struct entry *pick(struct dns_cache *cache, struct key *key, int64_t now_ms, enum dns_cache_age *age)
{
    enum dns_cache_age other_age;
    struct entry *entry = find_useful(cache, key, now_ms, age);
    if (is_fresh(*age))
        return entry;
    make_every_type(key);
    struct entry *other = find_useful(cache, key, now_ms, &other_age);
    if (!other || (entry && !is_fresh(other_age) && other->stored_ms < entry->stored_ms))
        return entry;
    *age = other_age;
    return other;
}

static void put_ttl(uint8_t *response, uint16_t offset, uint32_t ttl_s)
{
    struct wire wire = wire_into(response + offset, 4);
    wire_u32(&wire, ttl_s);
}

static void count_ttls_down(const struct entry *entry, uint8_t *response, int64_t now_ms)
{
    /* A worker whose round began before another worker's put() sees an age below zero. */
    uint32_t age_s = now_ms > entry->stored_ms ? (uint32_t)((now_ms - entry->stored_ms) / 1000) : 0;
    if (!age_s)
        return;
    for (size_t i = 0; i < entry->ttl_count; i++) {
        struct cursor cursor = cursor_over(response + entry->ttl_offsets[i], 4);
        uint32_t ttl = cursor_u32(&cursor);
        put_ttl(response, entry->ttl_offsets[i], ttl > age_s ? ttl - age_s : 0);
    }
}

/* RFC 8767 section 4. What the upstream said of its being secure is no longer so. */
static void make_stale(const struct dns_cache *cache, const struct entry *entry, uint8_t *response)
{
    for (size_t i = 0; i < entry->ttl_count; i++)
        put_ttl(response, entry->ttl_offsets[i], cache->settings.stale_ttl_s);
    response[3] &= (uint8_t)~DNS_FLAG_AD;
}

/* Under the shard's lock. Returns the length; 0: there is no room. */
static size_t copy_out(const struct dns_cache *cache, struct shard *shard, struct entry *entry, bool stale,
                       int64_t now_ms, uint8_t *out, size_t size)
{
    if (entry->length > size)
        return 0;
    memcpy(out, entry_response(entry), entry->length);
    if (stale)
        make_stale(cache, entry, out);
    else
        count_ttls_down(entry, out, now_ms);
    TAILQ_REMOVE(&shard->by_age, entry, age);
    TAILQ_INSERT_TAIL(&shard->by_age, entry, age);
    shard->counters.hits++;
    shard->counters.stale += stale;
    return entry->length;
}

size_t dns_cache_get(struct dns_cache *cache, const struct dns_cache_key *from, int64_t now_ms, uint8_t *out,
                     size_t size, enum dns_cache_age *age)
{
    struct key key;
    size_t n = 0;
    make_key(cache, from, &key);
    pthread_mutex_lock(&key.shard->lock);
    struct entry *entry = pick(cache, &key, now_ms, age);
    if (*age != DNS_CACHE_NONE && *age != DNS_CACHE_EXPIRED)
        n = copy_out(cache, key.shard, entry, *age == DNS_CACHE_HELD, now_ms, out, size);
    if (!n) {
        key.shard->counters.misses++;
        *age = *age == DNS_CACHE_EXPIRED ? DNS_CACHE_EXPIRED : DNS_CACHE_NONE;
    }
    pthread_mutex_unlock(&key.shard->lock);
    return n;
}

size_t dns_cache_get_stale(struct dns_cache *cache, const struct dns_cache_key *from, int64_t now_ms, uint8_t *out,
                           size_t size)
{
    struct key key;
    enum dns_cache_age age;
    size_t n = 0;
    make_key(cache, from, &key);
    pthread_mutex_lock(&key.shard->lock);
    struct entry *entry = pick(cache, &key, now_ms, &age);
    if (entry && !entry->failures)
        n = copy_out(cache, key.shard, entry, !is_fresh(age), now_ms, out, size);
    pthread_mutex_unlock(&key.shard->lock);
    return n;
}

static struct entry *entry_new(const struct key *key, const struct dns_keep *keep, int64_t now_ms,
                               const uint8_t *response, size_t n)
{
    size_t ttl_bytes = keep->ttl_count * sizeof keep->ttl_offsets[0];
    struct entry *entry = malloc(sizeof *entry + ttl_bytes + n);
    if (!entry)
        return NULL;
    *entry = (struct entry){.stored_ms = now_ms,
                            .hash = hash_of(key),
                            .lifetime_s = keep->lifetime_s,
                            .type = key->type,
                            .class = key->class,
                            .flags = key->flags,
                            .ttl_count = keep->ttl_count,
                            .length = (uint16_t)n};
    memcpy(entry->ttl_offsets, keep->ttl_offsets, ttl_bytes);
    memcpy(entry_response(entry), response, n);
    memcpy(entry_response(entry) + NAME_AT, key->name.wire, key->name.length);
    return entry;
}

static void insert_own(struct dns_cache *cache, struct shard *shard, struct entry *entry)
{
    while (shard->counters.bytes + entry_bytes(entry) > cache->shard_bytes)
        drop(cache, shard, TAILQ_FIRST(&shard->by_age));
    struct entry **bucket = bucket_of(cache, shard, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    if (entry->failures)
        TAILQ_INSERT_HEAD(&shard->by_age, entry, age); /* many names that fail are not to push out what does not */
    else
        TAILQ_INSERT_TAIL(&shard->by_age, entry, age);
    shard->counters.entries++;
    shard->counters.bytes += entry_bytes(entry);
}

/* An answer takes the place of what was known of its type, and of the name where that is said not to exist. */
static void put_answer_own(struct dns_cache *cache, const struct key *key, const struct key *every_type,
                           struct entry *entry)
{
    struct entry **place = find(cache, key);
    if (*place)
        drop_at(key->shard, place);
    place = find(cache, every_type);
    if (*place)
        drop_at(key->shard, place);
    insert_own(cache, key->shard, entry);
}

/* RFC 9520 section 3.2, but RFC 8767 section 5 where there is an answer still. */
static void put_failure_own(struct dns_cache *cache, const struct key *key, struct entry *failure, bool firm)
{
    enum dns_cache_age age;
    struct key any = *key;
    struct entry *answer = pick(cache, &any, failure->stored_ms, &age);
    if (answer && !answer->failures && !firm) {
        answer->held_until_ms = (uint32_t)(failure->stored_ms - answer->stored_ms) + HOLD_MS;
        free(failure);
        return;
    }
    failure->failures = 1;
    failure->outage = atomic_load_explicit(&cache->outage, memory_order_relaxed);
    struct entry **place = find(cache, key);
    if (*place && (*place)->failures && (*place)->outage == failure->outage &&
        failure->stored_ms - (*place)->stored_ms < FAILURE_MEMORY_MS)
        failure->failures = (uint8_t)((*place)->failures + ((*place)->failures < 8));
    if (*place)
        drop_at(key->shard, place);
    failure->lifetime_s = (uint32_t)FAILURE_TTL_S << (failure->failures - 1);
    if (failure->lifetime_s > cache->settings.max_failure_ttl_s)
        failure->lifetime_s = cache->settings.max_failure_ttl_s;
    insert_own(cache, key->shard, failure);
}

void dns_cache_put(struct dns_cache *cache, const struct dns_cache_key *from, int64_t now_ms, uint8_t *response,
                   size_t n, bool firm)
{
    struct dns_message message;
    struct dns_keep keep;
    if (n > DNS_MESSAGE_MAX || dns_response_parse(response, n, &message) != ST_OK || message.edns.present ||
        !dname_equal(&message.question.name, from->name))
        return;
    bool wanted = dns_keep_plan(&cache->keeping, response, n, &message, &keep);
    dns_keep_clamp(&cache->keeping, &keep, response);
    if (!wanted)
        return;
    struct key key, every_type;
    make_key(cache, from, &key);
    every_type = key;
    make_every_type(&every_type);
    struct entry *entry = entry_new(keep.every_type ? &every_type : &key, &keep, now_ms, response, n);
    if (!entry)
        return;
    if (entry_bytes(entry) > cache->shard_bytes) {
        free(entry);
        return;
    }
    pthread_mutex_lock(&key.shard->lock);
    if (keep.failure)
        put_failure_own(cache, &key, entry, firm);
    else
        put_answer_own(cache, &key, &every_type, entry);
    pthread_mutex_unlock(&key.shard->lock);
}

static bool entry_is_within(struct entry *entry, const struct dname *parent)
{
    struct dname name;
    struct cursor cursor = cursor_over(entry_response(entry), entry->length);
    cursor_bytes(&cursor, NAME_AT);
    return dns_name_parse(&cursor, &name) == ST_OK && dname_is_within(&name, parent);
}

static size_t flush_shard(struct dns_cache *cache, struct shard *shard, const struct dname *name, bool below)
{
    size_t answers = 0;
    pthread_mutex_lock(&shard->lock);
    for (struct entry *entry = TAILQ_FIRST(&shard->by_age), *next; entry; entry = next) {
        next = TAILQ_NEXT(entry, age);
        if (name && !(below ? entry_is_within(entry, name) : entry_is_of(entry, name)))
            continue;
        answers += !entry->failures;
        drop(cache, shard, entry);
    }
    pthread_mutex_unlock(&shard->lock);
    return answers;
}

size_t dns_cache_flush(struct dns_cache *cache, const struct dname *name, bool below)
{
    size_t answers = 0;
    struct key key;
    if (name)
        make_name_key(cache, name, &key);
    for (size_t i = 0; i < SHARDS; i++)
        if (!name || below || &cache->shards[i] == key.shard)
            answers += flush_shard(cache, &cache->shards[i], name ? &key.name : NULL, below);
    return answers;
}

void dns_cache_forget_failures(struct dns_cache *cache)
{
    atomic_fetch_add_explicit(&cache->outage, 1, memory_order_relaxed);
}

struct dns_cache_counters dns_cache_counters(struct dns_cache *cache)
{
    struct dns_cache_counters sum = {0};
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_lock(&shard->lock);
        sum.hits += shard->counters.hits;
        sum.misses += shard->counters.misses;
        sum.stale += shard->counters.stale;
        sum.entries += shard->counters.entries;
        sum.bytes += shard->counters.bytes;
        pthread_mutex_unlock(&shard->lock);
    }
    return sum;
}
