/* A worker: one thread with its own loop, sockets, upstream channels and store readers. DNS, proxy and block page read
 * as if there were no other thread. */
#pragma once

#include <stdatomic.h>

#include "daemon/serving.h"

struct worker;
struct dns_trace;
struct access_log;
struct report_box;

struct worker_settings {
    const struct config *config;    /* borrowed while the worker lives */
    struct upstream_set *upstreams; /* a reference is taken */
    struct dns_cache *cache;        /* shared */
    struct client_counts *clients;  /* likewise */
    struct recorder *recorder;      /* this worker's own; NULL: callbacks are not recorded */
    const struct incidents *incidents;
    struct report_box *reports; /* likewise */
    struct access_log *access;  /* likewise; NULL: none is kept */
    struct dns_notify *notify;  /* as in struct dns_settings */
    struct dns_names *names;    /* likewise */
    const struct serving *serving;
    int signer;                           /* the socket to the signer; taken over, also on failure */
    const atomic_uint *signer_generation; /* as for leaf_source_new_own() */
};

/* Makes the loop and opens all listeners, in the caller's thread. POLICY: the first one. */
enum status worker_new(const struct worker_settings *settings, struct policy *policy, struct worker **worker,
                       struct fault *fault) MUST_CHECK;
enum status worker_start(struct worker *worker, struct fault *fault) MUST_CHECK;

/* From the control thread: the worker judges by POLICY from its next round on. */
enum status worker_set_policy(struct worker *worker, struct policy *policy) MUST_CHECK;
/* From the control thread: from its next round on the worker takes NOTIFY by this table. */
enum status worker_set_notify(struct worker *worker, struct dns_notify *notify);
/* Likewise it answers NAMES itself. */
enum status worker_set_names(struct worker *worker, struct dns_names *names) MUST_CHECK;
/* From the control thread: SET's servers are asked from the next round on. */
enum status worker_set_upstreams(struct worker *worker, struct upstream_set *set) MUST_CHECK;
/* From the control thread: connections that come from its next round on are served with TLS. */
enum status worker_set_tls(struct worker *worker, struct tls_server *tls) MUST_CHECK;
/* From the control thread: from its next round on it answers as CONFIG says (dns_server_set_rules()). */
enum status worker_set_rules(struct worker *worker, const struct config *config) MUST_CHECK;
/* From the control thread: from its next round on these may use the proxy, which has asked for a login from the start.
 */
enum status worker_set_users(struct worker *worker, struct proxy_users *users) MUST_CHECK;
/* From the control thread: dns_server_trace() in the worker's thread. Where the worker ends before, trace->done stays
 * unset. */
enum status worker_trace(struct worker *worker, struct dns_trace *trace) MUST_CHECK;
/* From the control thread: in one of the workers all upstreams are down, and in none of them one has answered since. */
bool workers_hear_nobody(struct worker *const *workers, size_t count);
/* From the control thread: upstream_look(). */
enum status worker_look_at_upstreams(struct worker *worker, bool all);
/* From the control thread: whether one of the servers that it looks at is down. */
bool worker_has_upstream_down(const struct worker *worker);
/* From the control thread: listeners close, what is under way finishes, the thread ends at the latest after TIMEOUT_MS.
 */
void worker_stop(struct worker *worker, int64_t timeout_ms);

/* Joins the thread (if it was started) and frees everything. NULL is allowed. */
void worker_free(struct worker *worker);
