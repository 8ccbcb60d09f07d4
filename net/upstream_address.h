/* Where a DNS server is asked, as people write it:
 *
 *     192.0.2.1, 192.0.2.1:5300, [2001:db8::1]:53      by UDP, by TCP where an answer is truncated
 *     udp://192.0.2.1                                  the same
 *     tcp://192.0.2.1                                  by TCP alone
 *     tls://192.0.2.1#dns.example, tls://192.0.2.1     DNS over TLS (RFC 7858), port 853; the certificate must be for
 *                                                      the name, or without one for the address
 *     tls://dns.example                                the same; the address is looked up
 *     https://dns.example/dns-query                    DNS over HTTPS (RFC 8484), port 443
 *     https://192.0.2.1/dns-query#dns.example          the same without a look-up */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/status.h"
#include "base/text.h"

enum upstream_transport { UPSTREAM_UDP, UPSTREAM_TCP, UPSTREAM_TLS, UPSTREAM_HTTPS };

enum { UPSTREAM_HOST_SIZE = 254, UPSTREAM_PATH_SIZE = 256, UPSTREAM_TEXT_SIZE = 800 };

/* Unused room is zeroed. */
struct upstream_address {
    enum upstream_transport transport;
    struct addr addr;              /* without an address (upstream_address_is_named()) it has the port alone */
    char host[UPSTREAM_HOST_SIZE]; /* in lower case: the name that the certificate must be for; empty: the address */
    char path[UPSTREAM_PATH_SIZE]; /* HTTPS: "/dns-query" */
};

/* ST_INVALID with WHY for a person: what is wrong and how it is written. */
enum status upstream_address_parse(struct str text, struct upstream_address *address, struct fault *why) MUST_CHECK;
/* As upstream_address_parse() reads it back to the same; plain DNS as address and port alone. */
void upstream_address_format(const struct upstream_address *address, char out[UPSTREAM_TEXT_SIZE]);

bool upstream_address_equal(const struct upstream_address *a, const struct upstream_address *b);
/* Only its host name is known: its addresses have to be looked up. */
bool upstream_address_is_named(const struct upstream_address *address);
struct upstream_address upstream_address_plain(const struct addr *addr);
