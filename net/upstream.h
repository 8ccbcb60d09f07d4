/* DNS queries to the upstream servers, one worker's own.
 *
 * Each query goes out under an id, a source port, letter case (0x20) and a cookie of its own, and every datagram that
 * is no well-formed answer to it is dropped, so that the right answer is still awaited after a wrong one. A server that
 * is late is not given up but joined by another; the first good answer counts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "net/loop.h"
#include "net/upstream_account.h"
#include "net/upstream_set.h"

struct upstream;

struct upstream_settings {
    int64_t try_timeout_ms; /* of one try at one server */
    unsigned tries;         /* over all servers */
    unsigned max_pending;   /* queries at once; one over it is ST_BUSY */
};

struct upstream_counters {
    uint64_t queries, replies, failures, unwanted; /* unwanted: what came and answered nothing */
};

/* ST_OK with the whole reply (TCP was used where UDP was truncated), its id and the case of its question put back to
 * those of the query; else ST_INVALID (replies came, but none was good), ST_TIMEOUT, ST_UNAVAILABLE (refused,
 * unreachable), ST_LOOP (as of upstream_query()), ST_CLOSED (cancelled by upstream_free()). REPLY is valid in the call
 * only. */
typedef void upstream_done_fn(void *arg, enum status status, const uint8_t *reply, size_t n);

/* How the servers that everything without a domain of its own is asked of have done, in loop_now_ms(). */
struct upstream_outlook {
    int64_t answered_ms; /* when one answered last; 0: never */
    int64_t down_ms;     /* since when all of them are down; 0: one is up */
    bool some_down;      /* one or more of them */
};

/* Asks the servers of SET, which it takes a reference of. */
enum status upstream_new(struct loop *loop, const struct upstream_settings *settings, struct upstream_set *set,
                         struct upstream **upstream, struct fault *fault) MUST_CHECK;
void upstream_free(struct upstream *upstream);

/* Asks the servers of SET from now on. What is under way at others is still awaited; what was learned about servers
 * that stay is kept. */
enum status upstream_use(struct upstream *upstream, struct upstream_set *set) MUST_CHECK;

/* Sends a query message of one question; of an OPT record in it UDP size and DO go on. DONE is called exactly once,
 * never from within this call; it may call anything here, upstream_free() too. When it will not be called: ST_BUSY over
 * max_pending, ST_INVALID for what is no such message, ST_UNAVAILABLE when there is no server for the name, ST_LOOP
 * when all of them lead back to us, ST_NOMEM, ST_CLOSED from within upstream_free().
 *
 * A server that fails twice in a row is asked only when no other is left, but for a query each 1 s (doubling to 60 s)
 * that finds out. SERVFAIL, REFUSED and the like count only when no other server has a better answer. */
enum status upstream_query(struct upstream *upstream, const uint8_t *query, size_t n, upstream_done_fn *done,
                           void *arg) MUST_CHECK;
/* Forgets the query's caller: DONE with this ARG is not called any more. */
void upstream_cancel(struct upstream *upstream, void *arg);

/* From any thread. */
struct upstream_outlook upstream_outlook(const struct upstream *upstream);

/* Notes in ACCOUNT what becomes of the query with this ARG, unless that is watched already, until it is over or
 * upstream_unwatch(); only from then on may the account go. */
void upstream_watch(struct upstream *upstream, const void *arg, struct upstream_account *account);
void upstream_unwatch(struct upstream *upstream, const struct upstream_account *account);

/* Looks, without a query of anybody's, how the servers do, and whether they lead back to us: at ALL of them; or, to be
 * called each second, at those that are down and have no domain of their own, those that lead back, and those that have
 * never answered, where it is time to. */
void upstream_look(struct upstream *upstream, bool all);

/* Whether a query that came in at a listener went out from here, in any of the workers: it has come back to us. By its
 * NAME, for which upstream_loops_may_be() holds; by the client's part COOKIE (8 bytes) of its DNS cookie. The server
 * that it was asked of is known to lead back from then on, until one has looked again. */
bool upstream_is_own_probe(struct upstream *upstream, const struct dname *name);
bool upstream_is_own_cookie(struct upstream *upstream, const struct dname *name, const uint8_t *cookie);

const struct upstream_counters *upstream_counters(const struct upstream *upstream);
