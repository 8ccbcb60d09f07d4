/* The way of one query, written down for a person who asks for it (`ccward query`). Queries without a trace pay for a
 * pointer that is NULL. */
#pragma once

#include <stdatomic.h>

#include "callbacks/callback.h"
#include "dnsfilter/dns_cache.h"
#include "message/dns_message.h"
#include "net/upstream_account.h"

enum { TRACE_MAX_STEPS = 24, TRACE_TEXT_SIZE = 256 };

struct dns_trace_step {
    const char *word; /* static: "decide", "cache", ... */
    int64_t at_us;    /* since the query came in */
    char text[TRACE_TEXT_SIZE];
};

struct dns_trace {
    /* Set by who asks. */
    struct addr client;
    char group[GROUP_NAME_SIZE]; /* of the client; for whoever reads the trace */
    struct dns_question question;
    bool dnssec_ok;

    /* Written by the worker; to be read when `done` is set. */
    int64_t started_us, took_us;
    size_t step_count;
    struct dns_trace_step steps[TRACE_MAX_STEPS];
    bool judged;            /* the policy was asked; else there is no verdict */
    bool blocked, recorded; /* recorded: a callback would be; for a trace none is */
    enum match match;       /* with verdict.matched */
    struct verdict verdict; /* the strongest; with `judged` action and matched are set */
    const char *cache;      /* "miss", "hit", "stale", ...; NULL: it was not asked */
    bool waits;             /* for an upstream, or has */
    struct upstream_account account;
    size_t answer_length; /* 0: nothing is answered */
    uint8_t answer[DNS_MESSAGE_MAX];
    atomic_bool done;
};

struct dns_trace *dns_trace_new(void); /* NULL when out of memory; free() frees it */
void dns_trace_start(struct dns_trace *trace);
/* What follows is said of this step. */
void dns_trace_step(struct dns_trace *trace, const char *word);
void dns_trace_say(struct dns_trace *trace, const char *format, ...) PRINTF_LIKE(2, 3);
void dns_trace_verdict(struct dns_trace *trace, enum match match, const struct verdict *verdict);
void dns_trace_cache(struct dns_trace *trace, enum dns_cache_age age, size_t found);
/* The worker's last word; from here on the trace belongs to who asked. */
void dns_trace_end(struct dns_trace *trace, const uint8_t *answer, size_t n);
