/* Questions in flight: one upstream query for all who ask the same at the same time, whichever worker they ask, each
 * with a deadline of its own, all together bounded. What comes back is normalised, cached, and handed to each. */
#pragma once

#include <sys/queue.h>

#include "dnsfilter/dns_answer.h"
#include "dnsfilter/dns_cache.h"
#include "net/loop.h"
#include "net/upstream.h"

struct dns_forwards;
struct dns_forward;

struct dns_reply {
    enum status status;  /* ST_OK with a response as dns_cache_get() gives it; else only the note is set */
    bool failed;         /* nothing was found out: whoever has an older answer does well to take that */
    const uint8_t *data; /* valid in the call only */
    size_t length;
    struct dns_note note;
};

/* Embedded in whoever waits; on_reply, arg, has_stale and account are set by him. */
struct dns_waiter {
    void (*on_reply)(void *arg, const struct dns_reply *reply); /* once, never from within dns_forward_wait() */
    void *arg;
    bool has_stale; /* an older answer: he waits for stale_after_ms only, while the question goes on */
    struct upstream_account *account; /* what came of asking is noted there; NULL: nowhere */
    int64_t deadline_ms, stale_ms;
    struct dns_forward *forward;
    TAILQ_ENTRY(dns_waiter) by_age, of_forward, by_stale;
};

struct dns_forwards_settings {
    int64_t timeout_ms, stale_after_ms;
    size_t max_waiting;
};

struct dns_forwards *dns_forwards_new(struct loop *loop, struct upstream *upstream, struct dns_cache *cache,
                                      const struct dns_forwards_settings *settings); /* NULL when out of memory */
/* From now on, and for those who wait. */
void dns_forwards_set(struct dns_forwards *forwards, const struct dns_forwards_settings *settings);
/* Those who still wait get ST_CLOSED. NULL is allowed. */
void dns_forwards_free(struct dns_forwards *forwards);

/* Waits for the response to KEY's question. Over max_waiting the one who waited longest is given up (ST_BUSY): the
 * newest has the best chance that its client still listens. ST_NOMEM, ST_BUSY, ST_CLOSED: nothing waits. */
enum status dns_forward_wait(struct dns_forwards *forwards, const struct dns_cache_key *key,
                             struct dns_waiter *waiter) MUST_CHECK;
/* Waits no more; on_reply is not called. */
void dns_forward_leave(struct dns_forwards *forwards, struct dns_waiter *waiter);
/* Asks without anybody who waits, so that the cache has a new answer; does nothing where it is asked already, and where
 * so much is under way that clients might suffer. */
void dns_forward_refresh(struct dns_forwards *forwards, const struct dns_cache_key *key);

/* Whether a query for NAME with this OPT record is one of our own that has come back: an upstream leads here. It must
 * not be forwarded. */
bool dns_forward_is_own(struct dns_forwards *forwards, const struct dname *name, const struct dns_edns *edns);
/* The same of a name that upstreams are asked for to find that out (upstream_loops_may_be()). */
bool dns_forward_is_probe(struct dns_forwards *forwards, const struct dname *name);

/* What to tell a client whose question failed for STATUS. */
struct dns_note dns_forward_note(enum status status);

size_t dns_forwards_waiting(const struct dns_forwards *forwards);
