/* A small HTTP/1.1 server for pages of our own (block page, console): whole requests in, whole answers out. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"
#include "message/http_head.h"
#include "net/loop.h"
#include "net/stream.h"

struct http_server;

struct http_exchange {
    const struct http_head *request; /* NULL only in answers of the server's own, to what is no request */
    struct str body;                 /* of the request, at most max_body_bytes */
    struct addr client, local;
    /* To be filled: a whole response, head and body (http_response_add()). */
    struct buf *response;
};

struct http_server_settings {
    /* More is answered 413 and closed. 0: no body is wanted; a request with one is handed over at its head, answered
     * and closed. */
    size_t max_body_bytes;
    bool (*wants_body)(const struct http_head *request); /* whose body is read; NULL: every one's */
    int64_t idle_ms;                                     /* without a byte either way; then closed without a word */
    int64_t head_ms;                                     /* from the first bytes of a request to its last; then 408 */
    size_t max_connections;                              /* beyond: 503 and close */
};

/* Answers one request: fills exchange->response by http_response_add(), once. What is empty becomes a 500. All it is
 * given is valid in the call only; it may not close the server. */
typedef void http_handler_fn(void *arg, struct http_exchange *exchange);

enum status http_server_open(struct loop *loop, const struct addr *addr, const struct http_server_settings *settings,
                             http_handler_fn *handler, void *arg, struct http_server **server,
                             struct fault *fault) MUST_CHECK;
/* The same for processes of this machine, at NAME in folder DIR (net/local_socket.h); clients have no address. */
enum status http_server_open_local(struct loop *loop, const char *dir, const char *name,
                                   const struct http_server_settings *settings, http_handler_fn *handler, void *arg,
                                   struct http_server **server, struct fault *fault) MUST_CHECK;
/* The same without a listener, for connections that come by http_server_adopt_own(). NULL when out of memory. */
struct http_server *http_server_new(struct loop *loop, const struct http_server_settings *settings,
                                    http_handler_fn *handler, void *arg) MUST_CHECK;
/* Whether another connection is taken. */
bool http_server_has_room(const struct http_server *server);
/* Takes STREAM with what it has received, or frees it where there is no room. Its first request has head_ms. */
void http_server_adopt_own(struct http_server *server, struct stream *stream, const struct addr *client,
                           const struct addr *local);
void http_server_close(struct http_server *server); /* and its connections; NULL is allowed */
struct addr http_server_addr(const struct http_server *server);

/* Appends a status line, Date, Content-Length and Connection as fits the request, the HEADERS given ("Name: value\r\n"
 * lines, trusted; NULL for none), and the body unless the request was HEAD or the status has none (204, 304). */
void http_response_add(struct http_exchange *exchange, unsigned status, const char *headers, struct str body);
