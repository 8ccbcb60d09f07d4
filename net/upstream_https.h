/* Queries over HTTPS (RFC 8484) by libcurl: POST over HTTP/2, connections kept and shared. One worker's own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/curl_loop.h"
#include "net/query_mask.h"
#include "net/tls_trust.h"
#include "net/upstream_address.h"
#include "net/upstream_host.h"

struct upstream_https;

struct upstream_https_settings {
    struct loop *loop;
    const struct tls_trust *const *trust; /* whom to believe by then; borrowed */
    uint8_t *reply;                       /* DNS_MESSAGE_MAX bytes, where messages are handed over */
    int64_t timeout_ms;                   /* of connecting; a query has no end of its own */
};

struct upstream_https *upstream_https_new(const struct upstream_https_settings *settings); /* NULL: out of memory */
void upstream_https_free(struct upstream_https *https); /* no query may be in it; NULL is allowed */

/* Embedded in who asks. */
struct https_query {
    /* An answer of N bytes at the settings' REPLY; its TTLs are less what it aged on the way (RFC 8484 section 5.1). */
    void (*on_message)(void *arg, size_t n);
    /* ST_UNAVAILABLE (not reached, refused, no DNS message in the answer), ST_TIMEOUT, ST_DENIED (not believed),
     * ST_TOO_LARGE, ST_NOMEM; WHY says more. */
    void (*on_failed)(void *arg, enum status status, const char *why);
    void *arg;
    struct https_transfer *transfer; /* NULL: not under way */
};

/* Sends MASK's message to SERVER; HOST has its addresses where it is known by name, else NULL. One of the callbacks
 * follows, never from within this call; it may call anything here, upstream_https_free() too. ST_NOMEM: none does. */
enum status upstream_https_send(struct upstream_https *https, const struct upstream_address *server,
                                const struct upstream_host *host, const struct query_mask *mask,
                                struct https_query *query) MUST_CHECK;
void upstream_https_cancel(struct upstream_https *https, struct https_query *query); /* also when it is not under way */
