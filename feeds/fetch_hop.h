/* One request to one server; redirects are told, not followed. Inside fetch.c only. */
#pragma once

#include "base/addr.h"
#include "feeds/fetch.h"
#include "feeds/web_url.h"

struct hop {
    const struct web_url *url;
    const struct addr *addrs; /* of its host */
    size_t addr_count;
    const struct secret *key; /* NULL: none is sent. Of the ways of KEY_AS "query" is the caller's */
    const char *key_as;
    const struct fetch_validators *validators; /* NULL: the whole body is wanted */
    const struct fetch_limits *limits;
    int64_t until_ms;            /* monotonic: when all must be done */
    bool public_only;            /* a private address is refused */
    int fd;                      /* of the body */
    void *curl;                  /* a handle that stays with its connections; NULL: a new one */
    const char *accept, *header; /* as in struct fetch_request */
    struct progress *progress;

    /* What came of it. */
    long status;                 /* 0: no answer, or a file */
    bool met_private;            /* it connected to a private address */
    char location[WEB_URL_SIZE]; /* where it redirects to, absolute; empty: nowhere */
    char content_type[FETCH_TYPE_SIZE];
    char header_value[FETCH_HEADER_SIZE];
    struct fetch_validators got;
    int64_t retry_after_s;
};

/* ST_OK: a server answered, with whatever status, and what it sent is whole; the body of a 2xx is in FD. */
enum status hop_perform(struct hop *hop, struct fault *fault) MUST_CHECK;
