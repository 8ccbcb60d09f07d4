/* Message bodies as they stream by (RFC 9112 sections 6 and 7): finds the end, unwraps chunks, keeps nothing. */
#pragma once

#include "message/http_head.h"

enum {
    HTTP_MAX_CHUNK_EXTENSIONS = 4096, /* bytes, over all chunks of a body */
    HTTP_MAX_TRAILERS = 8192,         /* bytes */
};

struct http_body {
    enum http_framing framing;
    uint64_t left; /* of the length, or of the current chunk */
    unsigned state;
    unsigned digits; /* of the chunk size being read */
    size_t overhead; /* bytes of chunk extensions so far, then of trailers */
    bool done;
};

void http_body_init(struct http_body *body, const struct http_head *head);

/* Takes some of INPUT: *TAKEN bytes of it are used up, and *DATA is a view of the payload among them (may be empty).
 * Call again with the rest until *TAKEN is 0 or body->done. ST_INVALID: framing that must not be believed, now and in
 * every later call. Trailers are checked and dropped. A body until close is never done: its end is the connection's. */
enum status http_body_take(struct http_body *body, struct str input, size_t *taken, struct str *data) MUST_CHECK;
