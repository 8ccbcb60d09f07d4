/* HTTP/2 (RFC 9113) with one client: whole requests in, whole answers out in any order. Bytes go by a stream that the
 * owner has; all callbacks come from within http2_session_receive() and http2_session_send(). */
#pragma once

#include <stdint.h>

#include "net/stream.h"

struct http2_session;

struct http2_settings {
    uint32_t max_requests; /* under way at once */
    size_t max_head_bytes; /* of one request, as HTTP/2 counts them; beyond: 431 */
    size_t max_body_bytes; /* beyond: 413 */
};

/* A request that has come whole; what it points to is valid in the call. */
struct http2_request {
    int32_t id; /* of the session */
    struct str method, path, content_type;
    struct str body;
};

struct http2_answer {
    unsigned status;
    const char *content_type, *allow; /* NULL: none */
    int64_t max_age_s;                /* Cache-Control; below 0: none */
    struct str body;
};

struct http2_ops {
    void (*on_request)(void *arg, const struct http2_request *request);
    /* The client does not want an answer to ID any more, nor has it got one. */
    void (*on_cancelled)(void *arg, int32_t id);
};

/* NULL when out of memory. */
struct http2_session *http2_session_new(const struct http2_settings *settings, const struct http2_ops *ops,
                                        void *arg) MUST_CHECK;
void http2_session_free(struct http2_session *session); /* NULL is allowed; on_cancelled() is not called */

/* Takes all of DATA. ST_INVALID: it is no HTTP/2, or a client to get rid of; what http2_session_send() then has is why.
 */
enum status http2_session_receive(struct http2_session *session, const void *data, size_t n) MUST_CHECK;

/* Answers the request ID, once; nothing when it is gone. Copies the body. Out of memory the request is given up. */
void http2_session_answer(struct http2_session *session, int32_t id, const struct http2_answer *answer);
/* Gives the request ID up without an answer. */
void http2_session_refuse(struct http2_session *session, int32_t id);
/* Tells the client to send no more requests here. */
void http2_session_end(struct http2_session *session);

/* Moves what is to be sent to STREAM until that is full. */
enum status http2_session_send(struct http2_session *session, struct stream *stream) MUST_CHECK;

/* Neither side has anything more to say. */
bool http2_session_is_over(const struct http2_session *session);
