/* What is taken out of answers from outside before a client gets them: addresses of networks of one's own, by which a
 * stranger's name would lead a browser to the router (DNS rebinding), and, where the user says so, what HTTPS records
 * say of Encrypted Client Hello and of HTTP/3. */
#pragma once

#include <stdbool.h>

#include "message/dns_message.h"

enum dns_clean { DNS_CLEAN_PRIVATE = 1, DNS_CLEAN_ECH = 2, DNS_CLEAN_H3 = 4 };

/* Of no use to one who asks the world: private (RFC 1918), shared (RFC 6598), loopback, link-local, unique local or
 * unspecified, also where such an address stands within an IPv6 one (IPv4-mapped, NAT64, 6to4). */
bool dns_clean_is_private(const struct addr *addr);

/* Which of WANTED there is to take out: of one record of a RESPONSE that dns_response_parse() took, and of all. */
unsigned dns_clean_record(const uint8_t *response, const struct dns_record *record, unsigned wanted);
unsigned dns_clean_find(const uint8_t *response, size_t n, unsigned wanted);

/* RESPONSE without it, not in OUT. Signatures of record sets that have changed go, too, and so does AD; where nothing
 * is left of the type asked for, an SOA of our own comes in. The additional section goes. Returns the length; 0: it
 * does not fit. */
size_t dns_clean_write(uint8_t *out, size_t size, const uint8_t *response, size_t n, unsigned wanted);
