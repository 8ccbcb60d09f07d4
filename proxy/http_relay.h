/* One body on its way from one stream to another: unwrapped, framed anew, never kept. What the receiver does not take
 * stays in the sender's input, which is bounded, and so slows the sender down. */
#pragma once

#include "message/http_body.h"
#include "net/stream.h"

struct http_relay {
    struct http_body body;
    bool chunk;            /* towards the receiver, as chunks (RFC 9112 section 7.1) */
    uint64_t taken;        /* bytes of the sender's, framing too */
    bool ended;            /* the receiver has the whole body, as far as we can tell it */
    uint64_t passed_bytes; /* of the payload */
};

/* HEAD frames what comes; TO is the framing that the receiver was told. */
void http_relay_init(struct http_relay *relay, const struct http_head *head, enum http_framing to);
/* Passes on what is there and fits. ST_INVALID: the sender's framing is broken; ST_CLOSED or ST_NOMEM: the receiver's
 * end. */
enum status http_relay_step(struct http_relay *relay, struct stream *from, struct stream *to) MUST_CHECK;
/* The sender has ended its direction. ST_TRUNCATED unless that is how this body ends. */
enum status http_relay_eof(struct http_relay *relay, struct stream *to) MUST_CHECK;
