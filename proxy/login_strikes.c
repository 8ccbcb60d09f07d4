#include "proxy/login_strikes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

enum { BUCKETS = 1024, PREFIX_V6 = 64 };

/* Failures from one address, or from several that share the place by chance. */
struct bucket {
    pthread_mutex_t lock;
    int64_t since_ms;
    size_t unknown, wrong;       /* guesses that are still being checked, and those that were not right */
    uint64_t marks[STRIKES_MAX]; /* of the latter */
};

struct login_strikes {
    uint8_t mark_key[DIGEST_BYTES], address_key[SIPHASH_KEY_BYTES];
    struct bucket buckets[BUCKETS];
};

enum status login_strikes_new(struct login_strikes **out)
{
    struct login_strikes *strikes = calloc(1, sizeof *strikes);
    if (!strikes)
        return ST_NOMEM;
    if (getrandom(strikes->mark_key, sizeof strikes->mark_key, 0) != (ssize_t)sizeof strikes->mark_key ||
        getrandom(strikes->address_key, sizeof strikes->address_key, 0) != (ssize_t)sizeof strikes->address_key) {
        free(strikes);
        return ST_IO;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        pthread_mutex_init(&strikes->buckets[i].lock, NULL);
    *out = strikes;
    return ST_OK;
}

void login_strikes_free(struct login_strikes *strikes)
{
    if (!strikes)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        pthread_mutex_destroy(&strikes->buckets[i].lock);
    explicit_bzero(strikes, sizeof *strikes);
    free(strikes);
}

const uint8_t *login_strikes_key(const struct login_strikes *strikes)
{
    return strikes->mark_key;
}

/* Whoever has one IPv6 address has its whole network. */
static size_t bucket_of(const struct login_strikes *strikes, const struct addr *client)
{
    uint8_t ip[16];
    memcpy(ip, client->ip, sizeof ip);
    if (!addr_is_v4(client))
        network_mask(ip, PREFIX_V6);
    return siphash(strikes->address_key, ip, sizeof ip) % BUCKETS;
}

enum status login_strikes_begin(struct login_strikes *strikes, const struct addr *client, int64_t now_ms,
                                struct login_strike *strike)
{
    enum status status = ST_OK;
    strike->bucket = bucket_of(strikes, client);
    struct bucket *bucket = &strikes->buckets[strike->bucket];
    pthread_mutex_lock(&bucket->lock);
    if (!(bucket->wrong + bucket->unknown) || now_ms - bucket->since_ms >= STRIKES_WINDOW_MS) {
        bucket->wrong = bucket->unknown = 0;
        bucket->since_ms = now_ms;
    }
    strike->since_ms = bucket->since_ms;
    if (bucket->wrong + bucket->unknown >= STRIKES_MAX)
        status = bucket->unknown ? ST_BUSY : ST_DENIED;
    else
        bucket->unknown++;
    pthread_mutex_unlock(&bucket->lock);
    return status;
}

static void add_mark(struct bucket *bucket, const uint8_t mark[DIGEST_BYTES])
{
    uint64_t part;
    memcpy(&part, mark, sizeof part);
    for (size_t i = 0; i < bucket->wrong; i++)
        if (bucket->marks[i] == part)
            return;
    bucket->marks[bucket->wrong++] = part; /* there is room: it was begun */
}

void login_strikes_end(struct login_strikes *strikes, const struct login_strike *strike,
                       const uint8_t mark[DIGEST_BYTES], bool right)
{
    struct bucket *bucket = &strikes->buckets[strike->bucket];
    pthread_mutex_lock(&bucket->lock);
    if (bucket->unknown && bucket->since_ms == strike->since_ms) {
        bucket->unknown--;
        if (!right)
            add_mark(bucket, mark);
    }
    pthread_mutex_unlock(&bucket->lock);
}
