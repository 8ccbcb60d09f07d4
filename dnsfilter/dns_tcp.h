/* Clients by TCP (RFC 7766), and by TLS over it (RFC 7858): messages with a length before them, many on the way at
 * once, answered as they get ready.
 */
#pragma once

#include "dnsfilter/dns_query.h"

struct dns_tcp;

enum status dns_tcp_new(struct dns_core *core, struct dns_tcp **tcp) MUST_CHECK;
/* Closes all connections; queries that wait for them are forgotten. NULL is allowed. */
void dns_tcp_free(struct dns_tcp *tcp);

/* ENCRYPTED: over TLS, with what core->tls has when a client comes. */
enum status dns_tcp_listen(struct dns_tcp *tcp, const struct addr *addr, bool encrypted,
                           struct fault *fault) MUST_CHECK;
struct addr dns_tcp_addr(const struct dns_tcp *tcp, size_t index); /* of the INDEXth that listens */
/* Stops listening. Connections are closed as soon as nothing waits for them. */
void dns_tcp_drain(struct dns_tcp *tcp);
/* Without those that are done, whose last bytes are still on the way. */
size_t dns_tcp_client_count(const struct dns_tcp *tcp);
