#include "dnsfilter/dns_forward.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/log.h"
#include "dnsfilter/dns_normal.h"

enum {
    QUERY_MAX_BYTES = DNS_HEADER_BYTES + DNAME_MAX_BYTES + 4 + 11,
    MIN_AGE_TO_SHED_MS = 200,
    OPTION_COOKIE = 10, /* RFC 7873 section 4 */
    CLIENT_COOKIE_BYTES = 8,
    TELL_LOOP_EACH_MS = 60000,
};

TAILQ_HEAD(waiters, dns_waiter);

struct dns_forward {
    struct dns_forwards *forwards;
    struct dns_forward *next; /* in the bucket */
    uint64_t hash;
    struct dns_question question; /* name in lower case */
    bool dnssec_ok, checking_disabled;
    bool answered; /* out of the table, waiters are being told */
    bool shed;     /* likewise, without an answer: its place was needed; the waiters are told by the timer */
    struct waiters waiters;
};

struct dns_forwards {
    struct loop *loop;
    struct upstream *upstream;
    struct dns_cache *cache;
    struct dns_forwards_settings settings;
    struct timer *timer; /* for the oldest waiter: all have the same time, so the oldest is due first */
    struct waiters by_age;
    size_t waiting;
    int64_t tell_loop_ms; /* when it may be said again that there is a loop */
    bool closing;
    uint64_t seed;
    size_t bucket_count;
    struct dns_forward **buckets;
    uint8_t response[DNS_MESSAGE_MAX]; /* the one being handed out */
};

static void on_timer(void *arg);

struct dns_forwards *dns_forwards_new(struct loop *loop, struct upstream *upstream, struct dns_cache *cache,
                                      const struct dns_forwards_settings *settings)
{
    struct dns_forwards *forwards = calloc(1, sizeof *forwards);
    if (!forwards)
        return NULL;
    forwards->loop = loop;
    forwards->upstream = upstream;
    forwards->cache = cache;
    forwards->settings = *settings;
    TAILQ_INIT(&forwards->by_age);
    forwards->bucket_count = 16;
    while (forwards->bucket_count < settings->max_waiting)
        forwards->bucket_count *= 2;
    forwards->buckets = calloc(forwards->bucket_count, sizeof forwards->buckets[0]);
    forwards->timer = timer_new(loop, on_timer, forwards);
    if (!forwards->buckets || !forwards->timer ||
        getrandom(&forwards->seed, sizeof forwards->seed, 0) != sizeof forwards->seed) {
        dns_forwards_free(forwards);
        return NULL;
    }
    return forwards;
}

static struct dns_forward **find_place(struct dns_forwards *forwards, const struct dns_forward *wanted)
{
    struct dns_forward **place = &forwards->buckets[wanted->hash % forwards->bucket_count];
    for (; *place; place = &(*place)->next)
        if ((*place)->hash == wanted->hash && (*place)->question.type == wanted->question.type &&
            (*place)->question.class == wanted->question.class && (*place)->dnssec_ok == wanted->dnssec_ok &&
            (*place)->checking_disabled == wanted->checking_disabled &&
            dname_equal(&(*place)->question.name, &wanted->question.name))
            break;
    return place;
}

static void take_out(struct dns_forwards *forwards, struct dns_forward *forward)
{
    *find_place(forwards, forward) = forward->next;
}

/* Starts over the clock for whoever waits longest now. */
static void set_timer(struct dns_forwards *forwards)
{
    struct dns_waiter *oldest = TAILQ_FIRST(&forwards->by_age);
    int64_t now_ms = loop_now_ms(forwards->loop);
    if (!oldest)
        timer_stop(forwards->timer);
    else
        timer_start(forwards->timer, oldest->deadline_ms > now_ms ? oldest->deadline_ms - now_ms : 0);
}

static void detach(struct dns_forwards *forwards, struct dns_waiter *waiter)
{
    bool oldest = TAILQ_FIRST(&forwards->by_age) == waiter;
    TAILQ_REMOVE(&forwards->by_age, waiter, by_age);
    TAILQ_REMOVE(&waiter->forward->waiters, waiter, of_forward);
    waiter->forward = NULL;
    forwards->waiting--;
    if (oldest && !forwards->waiting)
        timer_stop(forwards->timer);
}

void dns_forward_leave(struct dns_forwards *forwards, struct dns_waiter *waiter)
{
    struct dns_forward *forward = waiter->forward;
    detach(forwards, waiter);
    if (!TAILQ_EMPTY(&forward->waiters) || forward->answered)
        return;
    if (!forward->shed) {
        upstream_cancel(forwards->upstream, forward);
        take_out(forwards, forward);
    }
    free(forward);
}

static void give_up(struct dns_forwards *forwards, struct dns_waiter *waiter, enum status status, struct dns_note note)
{
    struct dns_reply reply = {.status = status, .note = note};
    dns_forward_leave(forwards, waiter);
    waiter->on_reply(waiter->arg, &reply);
}

static void on_timer(void *arg)
{
    struct dns_forwards *forwards = arg;
    int64_t now_ms = loop_now_ms(forwards->loop);
    struct dns_waiter *oldest;
    while ((oldest = TAILQ_FIRST(&forwards->by_age)) && oldest->deadline_ms <= now_ms) {
        bool shed = oldest->forward->shed;
        give_up(forwards, oldest, shed ? ST_BUSY : ST_TIMEOUT, shed ? dns_note_busy : dns_note_timeout);
    }
    set_timer(forwards);
}

/* Gives the place of the query that has been under way longest to a new one, so that names which nobody answers for do
 * not keep all others from being asked; one that has only just begun keeps its place. The waiters are told from the
 * loop, not from here: what they do next may lead here again. */
static bool shed_oldest(struct dns_forwards *forwards)
{
    struct dns_waiter *oldest = NULL, *waiter;
    TAILQ_FOREACH(oldest, &forwards->by_age, by_age)
    {
        if (!oldest->forward->shed && !oldest->forward->answered)
            break;
    }
    int64_t now_ms = loop_now_ms(forwards->loop);
    if (!oldest || now_ms - (oldest->deadline_ms - forwards->settings.timeout_ms) < MIN_AGE_TO_SHED_MS)
        return false;
    struct dns_forward *forward = oldest->forward;
    upstream_cancel(forwards->upstream, forward);
    take_out(forwards, forward);
    forward->shed = true;
    TAILQ_FOREACH(waiter, &forward->waiters, of_forward)
    {
        TAILQ_REMOVE(&forwards->by_age, waiter, by_age);
        TAILQ_INSERT_HEAD(&forwards->by_age, waiter, by_age);
        waiter->deadline_ms = now_ms;
    }
    timer_start(forwards->timer, 0);
    return true;
}

void dns_forwards_free(struct dns_forwards *forwards)
{
    if (!forwards)
        return;
    forwards->closing = true;
    while (!TAILQ_EMPTY(&forwards->by_age))
        give_up(forwards, TAILQ_FIRST(&forwards->by_age), ST_CLOSED, dns_note_unreachable);
    timer_free(forwards->timer);
    free(forwards->buckets);
    free(forwards);
}

static struct dns_cache_key key_of(const struct dns_forward *forward)
{
    return (struct dns_cache_key){
        .name = &forward->question.name,
        .type = forward->question.type,
        .class = forward->question.class,
        .dnssec_ok = forward->dnssec_ok,
        .checking_disabled = forward->checking_disabled,
    };
}

/* RFC 9520 section 3.2: a failure is kept for a moment, too. */
static void cache_failure(struct dns_forward *forward)
{
    struct dns_message query = {.question = forward->question, .question_end = DNS_HEADER_BYTES};
    uint8_t response[QUERY_MAX_BYTES];
    struct dns_build build = dns_build_response(response, sizeof response, &query, DNS_RCODE_SERVFAIL);
    size_t n = dns_build_finish(&build);
    struct dns_cache_key key = key_of(forward);
    dns_cache_put(forward->forwards->cache, &key, loop_now_ms(forward->forwards->loop), response, n);
}

/* Judges what upstream says and keeps it. */
static struct dns_reply take_reply(struct dns_forward *forward, enum status status, const uint8_t *data, size_t n)
{
    struct dns_forwards *forwards = forward->forwards;
    struct dns_reply reply = {.status = status, .data = forwards->response};
    if (status == ST_OK) {
        reply.length = dns_normalise(&forward->question, dns_cache_max_ttl_s(forwards->cache), data, n, &reply.note,
                                     forwards->response);
        if (reply.length) {
            struct dns_cache_key key = key_of(forward);
            dns_cache_put(forwards->cache, &key, loop_now_ms(forwards->loop), reply.data, reply.length);
            return reply;
        }
        reply.status = ST_INVALID;
        reply.note = dns_note_malformed;
    } else {
        reply.note = status == ST_TIMEOUT ? dns_note_timeout : dns_note_unreachable;
    }
    if (status != ST_CLOSED)
        cache_failure(forward);
    return reply;
}

static void on_upstream(void *arg, enum status status, const uint8_t *data, size_t n)
{
    struct dns_forward *forward = arg;
    struct dns_forwards *forwards = forward->forwards;
    take_out(forwards, forward);
    forward->answered = true;
    struct dns_reply reply = take_reply(forward, status, data, n);
    for (struct dns_waiter *waiter; (waiter = TAILQ_FIRST(&forward->waiters));) {
        detach(forwards, waiter);
        waiter->on_reply(waiter->arg, &reply);
    }
    free(forward);
}

/* A query of our own: nothing of the client's message but the question and three bits goes on (RFC 5625 section 4.1).
 * AD asks for the upstream's word on DNSSEC, so that one cached answer serves all clients (RFC 6840 section 5.7). */
static enum status ask_upstream(struct dns_forward *forward)
{
    uint8_t query[QUERY_MAX_BYTES];
    uint16_t flags = DNS_FLAG_AD;
    if (forward->checking_disabled)
        flags |= DNS_FLAG_CD;
    struct dns_build build = dns_build_query(query, sizeof query, 0, &forward->question, flags);
    dns_build_opt(&build, DNS_UDP_LIMIT, forward->dnssec_ok, 0, -1, (struct str){0});
    size_t n = dns_build_finish(&build);
    return upstream_query(forward->forwards->upstream, query, n, on_upstream, forward);
}

/* The forward for KEY: one under way, or a new one. NULL: *STATUS says why. */
static struct dns_forward *find_or_start(struct dns_forwards *forwards, const struct dns_cache_key *key,
                                         enum status *status)
{
    struct dns_forward wanted;
    wanted.forwards = forwards;
    wanted.question = (struct dns_question){*key->name, key->type, key->class};
    wanted.dnssec_ok = key->dnssec_ok;
    wanted.checking_disabled = key->checking_disabled;
    wanted.answered = wanted.shed = false;
    dname_lower(&wanted.question.name);
    wanted.hash =
        XXH3_64bits_withSeed(wanted.question.name.wire, wanted.question.name.length, forwards->seed ^ key->type);
    struct dns_forward **place = find_place(forwards, &wanted);
    if (*place)
        return *place;
    struct dns_forward *forward = malloc(sizeof *forward);
    *status = ST_NOMEM;
    if (!forward)
        return NULL;
    *forward = wanted;
    TAILQ_INIT(&forward->waiters);
    *status = ask_upstream(forward);
    if (*status == ST_BUSY && shed_oldest(forwards))
        *status = ask_upstream(forward);
    if (*status != ST_OK) {
        free(forward);
        return NULL;
    }
    place = find_place(forwards, forward); /* shedding may have changed the bucket */
    forward->next = NULL;
    *place = forward;
    return forward;
}

enum status dns_forward_wait(struct dns_forwards *forwards, const struct dns_cache_key *key, struct dns_waiter *waiter)
{
    if (forwards->closing)
        return ST_CLOSED;
    if (forwards->waiting && forwards->waiting >= forwards->settings.max_waiting)
        give_up(forwards, TAILQ_FIRST(&forwards->by_age), ST_BUSY, dns_note_busy);
    enum status status;
    struct dns_forward *forward = find_or_start(forwards, key, &status);
    if (!forward)
        return status;
    waiter->forward = forward;
    waiter->deadline_ms = loop_now_ms(forwards->loop) + forwards->settings.timeout_ms;
    TAILQ_INSERT_TAIL(&forwards->by_age, waiter, by_age);
    TAILQ_INSERT_TAIL(&forward->waiters, waiter, of_forward);
    if (!forwards->waiting++)
        set_timer(forwards);
    return ST_OK;
}

/* By the DNS cookie, which every upstream query by UDP has and which nobody but its server sees (RFC 7873). */
bool dns_forward_is_own(struct dns_forwards *forwards, const struct dns_edns *edns)
{
    struct cursor options = cursor_over(edns->options.data, edns->options.length);
    bool own = false;
    while (!own && cursor_left(&options) && !options.failed) {
        uint16_t code = cursor_u16(&options), length = cursor_u16(&options);
        const uint8_t *bytes = cursor_bytes(&options, length);
        own = bytes && code == OPTION_COOKIE && length >= CLIENT_COOKIE_BYTES &&
              upstream_is_own_cookie(forwards->upstream, bytes);
    }
    int64_t now_ms = loop_now_ms(forwards->loop);
    if (own && now_ms >= forwards->tell_loop_ms) {
        forwards->tell_loop_ms = now_ms + TELL_LOOP_EACH_MS;
        log_warning(
            "an upstream DNS server leads back to ccward: a query of its own came in. Look at dns.upstreams, and at "
            "where those servers, or rules that redirect port 53, lead");
    }
    return own;
}

size_t dns_forwards_waiting(const struct dns_forwards *forwards)
{
    return forwards->waiting;
}
