/* What stands in an answer's OPT record because the client's query had the like: cookie, padding, keepalive. Added when
 * the answer is ready, so that no step of a query has to know of it. */
#pragma once

#include "dnsfilter/dns_cookie.h"
#include "message/dns_message.h"

struct dns_extras {
    bool any; /* else nothing below is set */
    bool padding, keepalive;
    struct dns_cookie cookie;
};

/* By what a query came. */
struct dns_extras_from {
    const uint8_t *secret; /* of cookies */
    const struct addr *client;
    bool stream, encrypted;
};

/* Reads OPTIONS of a query. ST_INVALID: a FORMERR. */
enum status dns_extras_read(struct dns_extras *extras, struct str options,
                            const struct dns_extras_from *from) MUST_CHECK;

/* Adds them to the answer of N bytes in OUT, which then has at most LIMIT bytes; what there is no room for is cut off.
 * Returns its new length. IDLE_MS: how long a connection may stay open. */
size_t dns_extras_add(const struct dns_extras *extras, uint8_t *out, size_t n, size_t limit, int64_t idle_ms);

/* An answer of N bytes to who may not be the one that asked: an error no longer than the query of QUERY_BYTES, anything
 * else at most three times as long, the rest by TCP (RFC 5358). Returns its new length. */
size_t dns_extras_bound(const struct dns_message *query, uint8_t *out, size_t n, size_t query_bytes);
