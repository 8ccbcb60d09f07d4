/* Addresses and networks. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that one code path serves
 * both families. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"
#include "base/text.h"

struct addr {
    uint8_t ip[16]; /* network byte order; ::ffff:a.b.c.d for IPv4 */
    uint16_t port;  /* host byte order; 0: none */
};

struct network {
    uint8_t ip[16]; /* host bits cleared */
    uint8_t prefix; /* 0..128; an IPv4 /N is 96 + N */
};

enum { ADDR_TEXT_SIZE = 64 };

bool addr_is_v4(const struct addr *addr);
bool addr_same_ip(const struct addr *a, const struct addr *b);
struct addr addr_v4(uint32_t host_order, uint16_t port);

/* Strict text: a dotted quad without leading zeros, or RFC 4291 IPv6 text, with or without brackets. No port. */
enum status addr_parse_ip(struct str text, struct addr *addr) MUST_CHECK;
/* "IP:PORT" or "[IPv6]:PORT"; without a port DEFAULT_PORT is taken, and 0 there means that a port is required. */
enum status addr_parse(struct str text, uint16_t default_port, struct addr *addr) MUST_CHECK;

void addr_format_ip(const struct addr *addr, char out[ADDR_TEXT_SIZE]); /* 192.0.2.1, 2001:db8::1 (RFC 5952) */
void addr_format(const struct addr *addr, char out[ADDR_TEXT_SIZE]);    /* 192.0.2.1:53, [2001:db8::1]:53 */

/* False for a family that is neither IPv4 nor IPv6. */
bool addr_from_sockaddr(const struct sockaddr *from, struct addr *addr);
/* IPv4-mapped addresses become AF_INET. */
socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out);

bool addr_is_loopback(const struct addr *addr);
bool addr_is_unspecified(const struct addr *addr);
bool addr_is_link_local(const struct addr *addr); /* 169.254.0.0/16, fe80::/10 */

/* "192.0.2.0/24", or an address alone. ST_INVALID when host bits are set. */
enum status network_parse(struct str text, struct network *network) MUST_CHECK;
bool network_contains(const struct network *network, const struct addr *addr);
bool networks_contain(const struct network *networks, size_t count, const struct addr *addr); /* one of them does */
void network_format(const struct network *network, char out[ADDR_TEXT_SIZE]);
/* Clears all bits past PREFIX in place. */
void network_mask(uint8_t ip[16], uint8_t prefix);
