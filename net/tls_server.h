/* What a server proves itself with over TLS: a certificate and its key, read from files once. Never changed, so shared
 * by threads; a renewed certificate is a new one. TLS 1.2 at least, session tickets, ALPN. */
#pragma once

#include "net/stream.h"

struct tls_server;
struct ssl_ctx_st;

struct tls_server_files {
    const char *certificate, *key;               /* PEM; the certificate's chain follows it */
    const char *certificate_option, *key_option; /* what they are called in a configuration, for faults */
};

/* ST_NOT_FOUND, ST_DENIED (also of a key that others on this machine can read), ST_INVALID, ST_IO. One reference, the
 * caller's. */
enum status tls_server_new(const struct tls_server_files *files, struct tls_server **server,
                           struct fault *fault) MUST_CHECK;
struct tls_server *tls_server_ref(struct tls_server *server); /* any thread; NULL is allowed, as below */
void tls_server_unref(struct tls_server *server);

/* The first name that the certificate is for and that is a host's; "" where it has none. */
const char *tls_server_name(const struct tls_server *server);

/* A stream (net/stream.h) over TLS to a client that FD is connected to. PROTOCOL, which lives as long as the program: a
 * client that offers others (RFC 7301) and not this one is refused; one that offers none is not. Takes FD over, also on
 * failure. */
struct stream *tls_server_stream_own(struct loop *loop, int fd, const struct tls_server *server, const char *protocol,
                                     const struct stream_ops *ops, void *arg) MUST_CHECK;

/* For net/ alone: a server's settings without a certificate, choosing the protocol by the app data of a connection.
 * NULL when out of memory. */
struct ssl_ctx_st *tls_server_context_new(void);
