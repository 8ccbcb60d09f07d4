/* Clients by TCP (RFC 7766): messages with a length before them, many on the way at once, answered as they get ready.
 */
#pragma once

#include "dnsfilter/dns_query.h"

struct dns_tcp;
struct dns_tcp_client;

enum status dns_tcp_new(struct dns_core *core, struct dns_tcp **tcp) MUST_CHECK;
/* Closes all connections; queries that wait for them are forgotten. NULL is allowed. */
void dns_tcp_free(struct dns_tcp *tcp);

enum status dns_tcp_listen(struct dns_tcp *tcp, const struct addr *addr, struct fault *fault) MUST_CHECK;
/* Stops listening. Connections are closed as soon as nothing waits for them. */
void dns_tcp_drain(struct dns_tcp *tcp);
/* Without those that are done, whose last bytes are still on the way. */
size_t dns_tcp_client_count(const struct dns_tcp *tcp);

/* For dns_query.c: QUERY waits for CLIENT now; later its reply of N bytes (0: none), and it waits no more. */
void dns_tcp_add_waiting(struct dns_tcp_client *client, struct dns_query *query);
void dns_tcp_answer(struct dns_tcp_client *client, struct dns_query *query, const uint8_t *reply, size_t n);
