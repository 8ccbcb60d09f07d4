/* Clients by HTTPS (RFC 8484): DNS messages in requests of HTTP/2, answered as they get ready. */
#pragma once

#include "dnsfilter/dns_query.h"

struct dns_doh;

enum status dns_doh_new(struct dns_core *core, struct dns_doh **doh) MUST_CHECK;
/* Closes all connections; queries that wait for them are forgotten. NULL is allowed. */
void dns_doh_free(struct dns_doh *doh);

/* With what core->tls has when a client comes. */
enum status dns_doh_listen(struct dns_doh *doh, const struct addr *addr, struct fault *fault) MUST_CHECK;
struct addr dns_doh_addr(const struct dns_doh *doh, size_t index); /* of the INDEXth that listens */
/* Stops listening. Connections are closed as soon as nothing waits for them. */
void dns_doh_drain(struct dns_doh *doh);
/* Without those that are done, whose last bytes are still on the way. */
size_t dns_doh_client_count(const struct dns_doh *doh);
