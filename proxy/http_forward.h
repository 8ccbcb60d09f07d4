/* The heads that are passed on: what was read is written anew, hop-by-hop fields left out (RFC 9110 section 7.6.1), all
 * others in their order with their bytes. */
#pragma once

#include "base/buf.h"
#include "message/http_head.h"

struct origin_parent;

struct http_forward_request {
    bool upgrade; /* a WebSocket is asked for */
    const char *via_token;
    const struct origin_parent *parent; /* it goes to this proxy, in absolute form; NULL: to the server */
};
/* REQUEST has an absolute-form target. */
void http_forward_request(struct buf *out, const struct http_head *request, const struct http_forward_request *how);

struct http_forward_response {
    enum http_framing framing; /* towards the client */
    bool keep_alive;
    bool upgrade;     /* 101 */
    const char *date; /* for a response without Date (RFC 9110 section 6.6.1); NULL: an interim one */
};
void http_forward_response(struct buf *out, const struct http_head *response, const struct http_forward_response *how);

/* Max-Forwards of an OPTIONS (RFC 9110 section 7.6.2): false when there is none that is a number. */
bool http_forward_max(const struct http_head *request, uint64_t *hops);
