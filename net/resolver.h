/* Addresses of a host name, for those who dial: the proxy. The DNS side registers itself here, so that both sides see
 * the same answer for the same name, from the same upstreams and cache. One per worker. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/dname.h"
#include "base/status.h"

enum { RESOLVER_MAX_ADDRS = 16 };

/* ST_OK with 1..16 addresses (port 0), AAAA and A interleaved as RFC 8305 section 4 orders them; ST_NOT_FOUND (no such
 * name or no address), ST_TIMEOUT, ST_UNAVAILABLE. ADDRS is valid in the call only. */
typedef void resolver_done_fn(void *arg, enum status status, const struct addr *addrs, size_t count);

struct resolver {
    void *self;
    /* Looks NAME up. DONE is called exactly once, possibly from within this call (a cached answer). A literal address
     * never comes here. No verdict is asked: the caller has judged the name. */
    void (*lookup)(void *self, const struct dname *name, resolver_done_fn *done, void *arg);
    /* DONE with this ARG is not called any more. */
    void (*cancel)(void *self, void *arg);
};
