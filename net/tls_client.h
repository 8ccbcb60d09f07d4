/* A TLS connection to a server that proves who it is: its certificate must be for the name or the address asked for.
 *
 * Used like a stream: the same callbacks, from the loop and never from within a call of a function here, and a callback
 * may free it. on_connected() comes after the handshake; on_failed() also for a certificate that is not believed
 * (ST_DENIED), and tls_client_why() then has the reason. */
#pragma once

#include "net/stream.h"
#include "net/tls_trust.h"

struct tls_client;

struct tls_target {
    struct addr addr;
    const char *name; /* that the certificate must be for, and that is told to the server; "": the address */
    const char *alpn; /* one protocol (RFC 7301): "dot" */
};

/* Starts to connect and to greet, which together may take TIMEOUT_MS. Borrows OPS and SESSION. NULL when out of memory.
 */
struct tls_client *tls_client_connect(struct loop *loop, const struct tls_trust *trust, const struct tls_target *target,
                                      struct tls_session *session, int64_t timeout_ms, const struct stream_ops *ops,
                                      void *arg) MUST_CHECK;
void tls_client_free(struct tls_client *client); /* NULL is allowed */

/* As of streams. What is received and not consumed has a bound (128 KiB), beyond which the connection fails. */
struct str tls_client_input(const struct tls_client *client);
void tls_client_consume(struct tls_client *client, size_t n);
enum status tls_client_write(struct tls_client *client, const void *data, size_t n) MUST_CHECK;
void tls_client_set_idle_timeout(struct tls_client *client, int64_t timeout_ms);

bool tls_client_resumed(const struct tls_client *client);
/* Why it failed, for a person: "certificate has expired"; "" when TLS was not the reason. */
const char *tls_client_why(const struct tls_client *client);
