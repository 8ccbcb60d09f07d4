#include "dnsfilter/dns_forward.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "dnsfilter/dns_normal.h"

enum {
    QUERY_MAX_BYTES = DNS_HEADER_BYTES + DNAME_MAX_BYTES + 4 + 11,
    MIN_AGE_TO_SHED_MS = 200,
    OPTION_COOKIE = 10, /* RFC 7873 section 4 */
    CLIENT_COOKIE_BYTES = 8,
    MAX_UNATTENDED = 64, /* questions under way that nobody waits for; beyond, no answer is asked for anew in advance */
    OUTAGE_FAILURES = 3, /* upstreams that fail so often in a row, and for so long, were away */
    OUTAGE_MS = 10000,
};

TAILQ_HEAD(waiters, dns_waiter);
TAILQ_HEAD(forward_list, dns_forward);

struct dns_forward {
    struct dns_forwards *forwards;
    struct dns_forward *next; /* in the bucket */
    uint64_t hash;
    struct dns_flight flight;
    bool follows;    /* another worker asks: in `followers` */
    bool unattended; /* nobody waits: in `unattended` */
    TAILQ_ENTRY(dns_forward) of_followers, of_unattended;
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
    struct timer *stale_timer; /* the same for those with a stale answer */
    struct waiters by_stale;
    size_t waiting;
    struct dns_flights *flights; /* NULL: what the workers find out they cannot share */
    struct forward_list followers, unattended;
    size_t unattended_count;
    unsigned failures; /* of upstream, in a row */
    int64_t failing_since_ms;
    bool closing;
    uint64_t seed;
    size_t bucket_count;
    struct dns_forward **buckets;
    uint8_t response[DNS_MESSAGE_MAX]; /* the one being handed out */
};

static void on_timer(void *arg);
static void on_stale_timer(void *arg);

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
    TAILQ_INIT(&forwards->by_stale);
    TAILQ_INIT(&forwards->followers);
    TAILQ_INIT(&forwards->unattended);
    forwards->flights = dns_cache_flights(cache);
    forwards->bucket_count = 16;
    while (forwards->bucket_count < settings->max_waiting)
        forwards->bucket_count *= 2;
    forwards->buckets = calloc(forwards->bucket_count, sizeof forwards->buckets[0]);
    forwards->timer = timer_new(loop, on_timer, forwards);
    forwards->stale_timer = timer_new(loop, on_stale_timer, forwards);
    if (!forwards->buckets || !forwards->timer || !forwards->stale_timer ||
        getrandom(&forwards->seed, sizeof forwards->seed, 0) != sizeof forwards->seed) {
        dns_forwards_free(forwards);
        return NULL;
    }
    if (forwards->flights)
        forwards->seed = dns_flights_seed(forwards->flights);
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

/* The same for whoever has a stale answer. */
static void set_stale_timer(struct dns_forwards *forwards)
{
    struct dns_waiter *oldest = TAILQ_FIRST(&forwards->by_stale);
    int64_t now_ms = loop_now_ms(forwards->loop);
    if (!oldest)
        timer_stop(forwards->stale_timer);
    else
        timer_start(forwards->stale_timer, oldest->stale_ms > now_ms ? oldest->stale_ms - now_ms : 0);
}

/* Times move by the same for all, so that whoever waits longest is still due first. Those whose place was needed are
 * due already. */
void dns_forwards_set(struct dns_forwards *forwards, const struct dns_forwards_settings *settings)
{
    struct dns_waiter *waiter;
    int64_t later_ms = settings->timeout_ms - forwards->settings.timeout_ms,
            stale_later_ms = settings->stale_after_ms - forwards->settings.stale_after_ms;
    forwards->settings = *settings;
    TAILQ_FOREACH(waiter, &forwards->by_age, by_age)
    {
        waiter->deadline_ms += waiter->forward->shed ? 0 : later_ms;
        waiter->stale_ms += stale_later_ms;
    }
    set_timer(forwards);
    set_stale_timer(forwards);
}

static void detach(struct dns_forwards *forwards, struct dns_waiter *waiter)
{
    bool oldest = TAILQ_FIRST(&forwards->by_age) == waiter;
    TAILQ_REMOVE(&forwards->by_age, waiter, by_age);
    TAILQ_REMOVE(&waiter->forward->waiters, waiter, of_forward);
    if (waiter->has_stale)
        TAILQ_REMOVE(&forwards->by_stale, waiter, by_stale);
    if (waiter->account)
        upstream_unwatch(forwards->upstream, waiter->account);
    waiter->forward = NULL;
    forwards->waiting--;
    if (oldest && !forwards->waiting) {
        timer_stop(forwards->timer);
        timer_stop(forwards->stale_timer);
    }
}

static void set_unattended(struct dns_forward *forward, bool unattended)
{
    struct dns_forwards *forwards = forward->forwards;
    if (forward->unattended == unattended)
        return;
    forward->unattended = unattended;
    if (unattended)
        TAILQ_INSERT_TAIL(&forwards->unattended, forward, of_unattended);
    else
        TAILQ_REMOVE(&forwards->unattended, forward, of_unattended);
    forwards->unattended_count += unattended ? 1 : (size_t)-1;
}

/* Out of all but the hands of those who wait. */
static void withdraw(struct dns_forward *forward)
{
    struct dns_forwards *forwards = forward->forwards;
    take_out(forwards, forward);
    set_unattended(forward, false);
    if (forward->follows)
        TAILQ_REMOVE(&forwards->followers, forward, of_followers);
    forward->follows = false;
    if (forward->flight.joined)
        dns_flights_leave(forwards->flights, &forward->flight);
}

/* Asks no more, as nobody wants to know. */
static void cancel(struct dns_forward *forward)
{
    if (!forward->follows)
        upstream_cancel(forward->forwards->upstream, forward);
    withdraw(forward);
}

void dns_forward_leave(struct dns_forwards *forwards, struct dns_waiter *waiter)
{
    struct dns_forward *forward = waiter->forward;
    detach(forwards, waiter);
    if (!TAILQ_EMPTY(&forward->waiters) || forward->answered)
        return;
    if (!forward->shed)
        cancel(forward);
    free(forward);
}

static void give_up(struct dns_forwards *forwards, struct dns_waiter *waiter, enum status status, struct dns_note note)
{
    struct dns_reply reply = {.status = status, .failed = true, .note = note};
    dns_forward_leave(forwards, waiter);
    waiter->on_reply(waiter->arg, &reply);
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
    dns_cache_put(forward->forwards->cache, &key, loop_now_ms(forward->forwards->loop), response, n, false);
}

/* What failed because no upstream was there need not wait for its time once they are back. */
static void watch_outage(struct dns_forwards *forwards, bool heard)
{
    int64_t now_ms = loop_now_ms(forwards->loop);
    if (!heard && !forwards->failures++)
        forwards->failing_since_ms = now_ms;
    if (!heard)
        return;
    if (forwards->failures >= OUTAGE_FAILURES && now_ms - forwards->failing_since_ms >= OUTAGE_MS)
        dns_cache_forget_failures(forwards->cache);
    forwards->failures = 0;
}

static void on_timer(void *arg)
{
    struct dns_forwards *forwards = arg;
    int64_t now_ms = loop_now_ms(forwards->loop);
    struct dns_waiter *oldest;
    while ((oldest = TAILQ_FIRST(&forwards->by_age)) && oldest->deadline_ms <= now_ms) {
        bool shed = oldest->forward->shed;
        if (!shed && oldest == TAILQ_LAST(&oldest->forward->waiters, waiters)) {
            watch_outage(forwards, false); /* what the upstreams come to say is not waited for */
            cache_failure(oldest->forward);
        }
        give_up(forwards, oldest, shed ? ST_BUSY : ST_TIMEOUT, shed ? dns_note_busy : dns_note_timeout);
    }
    set_timer(forwards);
}

static void go_on_alone(struct dns_forward *forward)
{
    if (!forward->shed && !forward->follows) {
        set_unattended(forward, true);
        return;
    }
    if (!forward->shed)
        cancel(forward);
    free(forward);
}

/* RFC 8767 section 5: those who have an answer of some sort get that now; the question goes on without them. */
static void on_stale_timer(void *arg)
{
    struct dns_forwards *forwards = arg;
    struct dns_reply reply = {.status = ST_TIMEOUT, .failed = true, .note = dns_note_timeout};
    int64_t now_ms = loop_now_ms(forwards->loop);
    for (struct dns_waiter *oldest; (oldest = TAILQ_FIRST(&forwards->by_stale)) && oldest->stale_ms <= now_ms;) {
        struct dns_forward *forward = oldest->forward;
        detach(forwards, oldest);
        if (TAILQ_EMPTY(&forward->waiters))
            go_on_alone(forward);
        oldest->on_reply(oldest->arg, &reply);
    }
    set_timer(forwards);
    set_stale_timer(forwards);
}

/* Gives the place of the query that has been under way longest to a new one, so that names which nobody answers for do
 * not keep all others from being asked; one that has only just begun keeps its place. The waiters are told from the
 * loop, not from here: what they do next may lead here again. */
static bool shed_oldest(struct dns_forwards *forwards)
{
    struct dns_waiter *oldest = NULL, *waiter;
    struct dns_forward *unattended = TAILQ_FIRST(&forwards->unattended);
    if (unattended) {
        cancel(unattended);
        free(unattended);
        return true;
    }
    TAILQ_FOREACH(oldest, &forwards->by_age, by_age)
    {
        if (!oldest->forward->shed && !oldest->forward->answered && !oldest->forward->follows)
            break;
    }
    int64_t now_ms = loop_now_ms(forwards->loop);
    if (!oldest || now_ms - (oldest->deadline_ms - forwards->settings.timeout_ms) < MIN_AGE_TO_SHED_MS)
        return false;
    struct dns_forward *forward = oldest->forward;
    cancel(forward);
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
    for (struct dns_forward *forward; (forward = TAILQ_FIRST(&forwards->unattended));) {
        cancel(forward);
        free(forward);
    }
    timer_free(forwards->timer);
    timer_free(forwards->stale_timer);
    free(forwards->buckets);
    free(forwards);
}

/* Whether nothing was found out, so that an older answer is as good. An upstream that says why it will not tell (RFC
 * 8914 section 4: bogus by DNSSEC, or not to be known) is to be heard. */
static bool is_failure(const struct dns_reply *reply)
{
    unsigned rcode = reply->data[3] & 15;
    if (rcode == DNS_RCODE_NOERROR || rcode == DNS_RCODE_NXDOMAIN)
        return false;
    int why = reply->note.code;
    return !(why >= DNS_EDE_BOGUS && why <= DNS_EDE_NSEC_MISSING) &&
           !(why >= DNS_EDE_BLOCKED && why <= DNS_EDE_PROHIBITED);
}

struct dns_note dns_forward_note(enum status status)
{
    switch (status) {
    case ST_TIMEOUT:
        return dns_note_timeout;
    case ST_INVALID:
        return dns_note_malformed;
    case ST_BUSY:
    case ST_NOMEM:
        return dns_note_busy;
    case ST_LOOP:
        return dns_note_loop;
    default:
        return dns_note_unreachable;
    }
}

/* Judges what upstream says and keeps it. */
static struct dns_reply take_reply(struct dns_forward *forward, enum status status, const uint8_t *data, size_t n)
{
    struct dns_forwards *forwards = forward->forwards;
    struct dns_reply reply = {.status = status, .data = forwards->response};
    if (status != ST_CLOSED)
        watch_outage(forwards, status == ST_OK);
    if (status == ST_OK) {
        reply.length = dns_normalise(&forward->question, forward->dnssec_ok, dns_cache_max_ttl_s(forwards->cache), data,
                                     n, &reply.note, forwards->response);
        if (reply.length) {
            struct dns_cache_key key = key_of(forward);
            if (reply.note.code < 0 && (reply.data[3] & 15) == DNS_RCODE_SERVFAIL)
                reply.note = dns_note_failed;
            reply.failed = is_failure(&reply);
            dns_cache_put(forwards->cache, &key, loop_now_ms(forwards->loop), forwards->response, reply.length,
                          !reply.failed);
            return reply;
        }
        reply.status = ST_INVALID;
        reply.note = dns_note_malformed;
    } else {
        reply.note = dns_forward_note(status);
    }
    reply.failed = true;
    if (status != ST_CLOSED)
        cache_failure(forward);
    return reply;
}

/* Tells all who wait, and ends. */
static void deliver(struct dns_forward *forward, const struct dns_reply *reply)
{
    struct dns_forwards *forwards = forward->forwards;
    withdraw(forward);
    forward->answered = true;
    for (struct dns_waiter *waiter; (waiter = TAILQ_FIRST(&forward->waiters));) {
        detach(forwards, waiter);
        waiter->on_reply(waiter->arg, reply);
    }
    free(forward);
}

static void on_upstream(void *arg, enum status status, const uint8_t *data, size_t n)
{
    struct dns_forward *forward = arg;
    struct dns_reply reply = take_reply(forward, status, data, n);
    deliver(forward, &reply);
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

/* What the worker who has asked left in the cache. */
static void take_from_cache(struct dns_forward *forward)
{
    struct dns_forwards *forwards = forward->forwards;
    struct dns_cache_key key = key_of(forward);
    enum dns_cache_age age;
    struct dns_reply reply = {.data = forwards->response, .note = dns_note_none};
    reply.length = dns_cache_get(forwards->cache, &key, loop_now_ms(forwards->loop), forwards->response,
                                 sizeof forwards->response, &age);
    if (!reply.length && (reply.status = ask_upstream(forward)) == ST_OK)
        return; /* it was not to be kept, or given up: nothing is known */
    if (age == DNS_CACHE_HELD)
        reply.status = ST_UNAVAILABLE;
    if (reply.status != ST_OK)
        reply.note = dns_forward_note(reply.status);
    else if ((reply.data[3] & 15) == DNS_RCODE_SERVFAIL)
        reply.note = dns_note_cached_error;
    reply.failed = reply.status != ST_OK || is_failure(&reply);
    deliver(forward, &reply);
}

static void on_landed(void *arg)
{
    struct dns_forwards *forwards = arg;
    struct dns_forward *forward;
    do {
        TAILQ_FOREACH(forward, &forwards->followers, of_followers)
        {
            if (atomic_load(&forward->flight.landed))
                break;
        }
        if (forward) {
            TAILQ_REMOVE(&forwards->followers, forward, of_followers);
            forward->follows = false;
            take_from_cache(forward);
        }
    } while (forward);
}

/* Asks an upstream, unless another worker does. */
static enum status begin(struct dns_forward *forward, bool shedding)
{
    struct dns_forwards *forwards = forward->forwards;
    forward->flight = (struct dns_flight){.loop = forwards->loop, .on_landed = on_landed, .arg = forwards};
    if (forwards->flights && !dns_flights_join(forwards->flights, &forward->flight, forward->hash)) {
        forward->follows = true;
        TAILQ_INSERT_TAIL(&forwards->followers, forward, of_followers);
        return ST_OK;
    }
    enum status status = ask_upstream(forward);
    if (status == ST_BUSY && shedding && shed_oldest(forwards))
        status = ask_upstream(forward);
    if (status != ST_OK && forwards->flights)
        dns_flights_leave(forwards->flights, &forward->flight);
    return status;
}

/* The question of KEY, as it stands in the table. */
static void ask_for(struct dns_forwards *forwards, const struct dns_cache_key *key, struct dns_forward *wanted)
{
    wanted->forwards = forwards;
    wanted->question = (struct dns_question){*key->name, key->type, key->class};
    wanted->dnssec_ok = key->dnssec_ok;
    wanted->checking_disabled = key->checking_disabled;
    wanted->answered = wanted->shed = wanted->follows = wanted->unattended = false;
    dname_lower(&wanted->question.name);
    uint64_t more = (uint64_t)key->checking_disabled << 33 | (uint64_t)key->dnssec_ok << 32 |
                    (uint32_t)key->class << 16 | key->type;
    wanted->hash =
        XXH3_64bits_withSeed(wanted->question.name.wire, wanted->question.name.length, forwards->seed ^ more);
}

/* NULL: *STATUS says why. */
static struct dns_forward *start(const struct dns_forward *wanted, bool shedding, enum status *status)
{
    struct dns_forwards *forwards = wanted->forwards;
    struct dns_forward *forward = malloc(sizeof *forward);
    *status = ST_NOMEM;
    if (!forward)
        return NULL;
    *forward = *wanted;
    TAILQ_INIT(&forward->waiters);
    *status = begin(forward, shedding);
    if (*status != ST_OK) {
        free(forward);
        return NULL;
    }
    struct dns_forward **place = find_place(forwards, forward); /* not earlier: shedding may change the bucket */
    forward->next = NULL;
    *place = forward;
    return forward;
}

void dns_forward_refresh(struct dns_forwards *forwards, const struct dns_cache_key *key)
{
    struct dns_forward wanted;
    enum status status;
    if (forwards->closing || forwards->unattended_count >= MAX_UNATTENDED)
        return;
    ask_for(forwards, key, &wanted);
    if (*find_place(forwards, &wanted))
        return;
    struct dns_forward *forward = start(&wanted, false, &status);
    if (!forward)
        return;
    if (forward->follows) {
        withdraw(forward);
        free(forward);
        return;
    }
    set_unattended(forward, true);
}

enum status dns_forward_wait(struct dns_forwards *forwards, const struct dns_cache_key *key, struct dns_waiter *waiter)
{
    if (forwards->closing)
        return ST_CLOSED;
    if (forwards->waiting && forwards->waiting >= forwards->settings.max_waiting)
        give_up(forwards, TAILQ_FIRST(&forwards->by_age), ST_BUSY, dns_note_busy);
    enum status status;
    struct dns_forward wanted, *forward;
    ask_for(forwards, key, &wanted);
    forward = *find_place(forwards, &wanted);
    if (!forward && !(forward = start(&wanted, true, &status)))
        return status;
    set_unattended(forward, false);
    if (waiter->account)
        upstream_watch(forwards->upstream, forward, waiter->account);
    waiter->forward = forward;
    waiter->deadline_ms = loop_now_ms(forwards->loop) + forwards->settings.timeout_ms;
    waiter->stale_ms = loop_now_ms(forwards->loop) + forwards->settings.stale_after_ms;
    TAILQ_INSERT_TAIL(&forwards->by_age, waiter, by_age);
    TAILQ_INSERT_TAIL(&forward->waiters, waiter, of_forward);
    if (!forwards->waiting++)
        set_timer(forwards);
    if (waiter->has_stale) {
        TAILQ_INSERT_TAIL(&forwards->by_stale, waiter, by_stale);
        set_stale_timer(forwards);
    }
    return ST_OK;
}

/* By the DNS cookie, which every upstream query has and which nobody but its server sees (RFC 7873). */
bool dns_forward_is_own(struct dns_forwards *forwards, const struct dname *name, const struct dns_edns *edns)
{
    struct cursor options = cursor_over(edns->options.data, edns->options.length);
    bool own = false;
    while (!own && cursor_left(&options) && !options.failed) {
        uint16_t code = cursor_u16(&options), length = cursor_u16(&options);
        const uint8_t *bytes = cursor_bytes(&options, length);
        own = bytes && code == OPTION_COOKIE && length >= CLIENT_COOKIE_BYTES &&
              upstream_is_own_cookie(forwards->upstream, name, bytes);
    }
    return own;
}

bool dns_forward_is_probe(struct dns_forwards *forwards, const struct dname *name)
{
    return upstream_is_own_probe(forwards->upstream, name);
}

size_t dns_forwards_waiting(const struct dns_forwards *forwards)
{
    return forwards->waiting;
}
