/* Addresses of a host name, for those who dial: the proxy. The DNS side registers itself here, so that both sides see
 * the same answer for the same name, from the same upstreams and cache. One per worker. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/dname.h"
#include "base/status.h"

enum {
    RESOLVER_MAX_ADDRS = 16,
    RESOLVER_MAX_ALIASES = 32, /* 16 links for each family of addresses */
};

enum { RESOLVER_MAX_SERVERS = 16, RESOLVER_MAX_SERVER_ADDRS = 32 };

/* The name servers of the zones that an answer is from, as far as the upstream told them. */
struct resolver_servers {
    size_t name_count, addr_count;
    struct dname names[RESOLVER_MAX_SERVERS];
    struct addr addrs[RESOLVER_MAX_SERVER_ADDRS]; /* port 0 */
};

struct resolver_answer {
    /* ST_OK: there are addresses. ST_NOT_FOUND (no such name or no address), ST_TIMEOUT, ST_UNAVAILABLE: there are
     * none, but there may be aliases. */
    enum status status;
    const struct addr *addrs; /* port 0; AAAA and A interleaved as RFC 8305 section 4 orders them */
    size_t addr_count;
    /* The targets of the CNAME records that led from the name to the addresses, each once. All of them: an answer with
     * more than fit has no addresses. */
    const struct dname *aliases;
    size_t alias_count;
    const struct resolver_servers *servers; /* NULL: no rule asks for them */
};

/* ANSWER is valid in the call only. */
typedef void resolver_done_fn(void *arg, const struct resolver_answer *answer);

struct resolver {
    void *self;
    /* Looks NAME up. DONE is called exactly once, possibly from within this call (a cached answer). A literal address
     * never comes here. No verdict is asked: the caller judges the name before, and the answer. */
    void (*lookup)(void *self, const struct dname *name, resolver_done_fn *done, void *arg);
    /* DONE with this ARG is not called any more. */
    void (*cancel)(void *self, void *arg);
};
