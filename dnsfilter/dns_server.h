/* The DNS side of one worker: queries in by UDP and TCP, answers out. dns_query.c has the way of one query. */
#pragma once

#include "base/siphash.h"
#include "callbacks/judge.h"
#include "dnsfilter/dns_cache.h"
#include "dnsfilter/dns_notify.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_server.h"
#include "net/upstream.h"

struct dns_names; /* dns_names.h */

/* How a blocked name is answered. */
enum block_answer {
    BLOCK_PAGE, /* A and AAAA with the block page's addresses, NODATA for all else */
    BLOCK_NXDOMAIN,
    BLOCK_NODATA,
    BLOCK_NULL, /* 0.0.0.0 and :: */
    BLOCK_REFUSED,
    BLOCK_DROP,
};
const char *block_answer_text(enum block_answer answer);
enum status block_answer_parse(struct str text, enum block_answer *answer) MUST_CHECK;

struct dns_settings {
    const struct addr *listen;
    size_t listen_count;
    const struct addr *tls_listen, *https_listen; /* by TLS (RFC 7858), by HTTPS (RFC 8484); need `tls` */
    size_t tls_listen_count, https_listen_count;
    struct tls_server *tls;      /* may be NULL; a reference of its own is taken */
    const struct network *allow; /* the clients' networks; this machine itself is always let in */
    size_t allow_count;
    uint32_t rate_per_s; /* of UDP answers to one network but this machine; 0: no limit, nor one of their size */
    uint8_t cookie_secret[SIPHASH_KEY_BYTES];  /* of DNS cookies; the same for all workers */
    enum block_answer answers[CATEGORY_COUNT]; /* verdict.group_answer, one more than it, stands before */
    const struct addr *page; /* addresses for BLOCK_PAGE; of a family without one the answer is NODATA */
    size_t page_count;
    uint32_t block_ttl_s;
    const char *contact;      /* whom to ask about a block; NULL: nobody. Borrowed */
    int64_t query_timeout_ms; /* a client's query is answered SERVFAIL after this */
    int64_t stale_after_ms;   /* where there is an answer whose time is up, that is given after this; 0: at once */
    int64_t tcp_idle_ms;
    size_t max_tcp_clients;    /* with those by TLS and HTTPS */
    size_t max_waiting;        /* queries waiting for an upstream at once */
    struct dns_notify *notify; /* zones that we may be notified of; NULL: none. A reference of its own is taken */
    struct dns_names *names;   /* names answered here; NULL: those that are always special. Likewise */
};

struct dns_server;

/* Copies SETTINGS; borrows the rest. A listen port may be 0 (tests): see dns_server_addr(). */
enum status dns_server_open(struct loop *loop, const struct dns_settings *settings, struct judge *judge,
                            struct upstream *upstream, struct dns_cache *cache, struct dns_server **server,
                            struct fault *fault) MUST_CHECK;
/* Replaces settings.notify, in the server's thread. */
void dns_server_set_notify(struct dns_server *server, struct dns_notify *notify);
/* Likewise settings.names. */
void dns_server_set_names(struct dns_server *server, struct dns_names *names);
/* Replaces settings.tls, in the server's thread; for connections that come from now on. */
void dns_server_set_tls(struct dns_server *server, struct tls_server *tls);
/* Takes over, in the server's thread, what SETTINGS has of `allow`, `rate_per_s`, `answers`, `block_ttl_s`, of times
 * and of limits; the rest stays. ST_NOMEM: all stays. */
enum status dns_server_set_rules(struct dns_server *server, const struct dns_settings *settings) MUST_CHECK;
struct dns_trace;
/* Asks, in the server's thread, what TRACE has set, as that client by TCP would, and writes down what happens;
 * trace->done tells when. No callback is recorded. */
void dns_server_trace(struct dns_server *server, struct dns_trace *trace);
/* Stops listening; queries under way are still answered until dns_server_close(). */
void dns_server_drain(struct dns_server *server);
bool dns_server_idle(const struct dns_server *server); /* nothing waits any more */
void dns_server_close(struct dns_server *server);      /* NULL is allowed */
/* Where the INDEXth of settings.listen is, UDP and TCP alike; of the others. */
struct addr dns_server_addr(const struct dns_server *server, size_t index);
struct addr dns_server_tls_addr(const struct dns_server *server, size_t index);
struct addr dns_server_https_addr(const struct dns_server *server, size_t index);

/* Name resolution for the proxy, through this server's cache and upstream; lives as long as the server. */
struct resolver *dns_server_resolver(struct dns_server *server);

struct dns_counters {
    uint64_t queries, blocked, cached, forwarded, failed, malformed, stale;
    uint64_t rebinding; /* answers that private addresses were taken out of */
    uint64_t limited;   /* over the rate, and answered by no more than a hint */
};
const struct dns_counters *dns_server_counters(const struct dns_server *server);
