/* Where the proxy may connect to. Nobody may reach through it what listens on this machine alone, what is on the link
 * alone, or the proxy itself; private networks by whom the configuration says (docs/proxy.md). */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/dname.h"
#include "base/status.h"

/* Who may reach private networks. A program of this machine gains nothing by the proxy there; any other client would
 * come into a network that it may not be in. */
enum egress_private { EGRESS_THIS_MACHINE, EGRESS_EVERYONE, EGRESS_NOBODY };

struct egress {
    enum egress_private private;
    const struct network *allowed; /* reachable after all */
    size_t allowed_count;
    const struct addr *own; /* our listeners: never reachable */
    size_t own_count;
    const uint16_t *connect_ports;
    size_t connect_port_count;
    const uint16_t *socks_ports;
    size_t socks_port_count;
};

/* Reads the host of a URL or CONNECT: a canonical address into *ADDR (*NAME gets length 0), or a name that no one can
 * take for an address into *NAME. ST_INVALID for all else: 127.1, 0x7f.1, 2130706433, 0177.0.0.1 (WHATWG URL "ends in a
 * number"), escapes, empty labels. */
enum status egress_parse_host(struct str host, struct addr *addr, struct dname *name) MUST_CHECK;

/* Whether ADDR, with its port, may be dialled for CLIENT. To be asked for the very address that is dialled, after
 * resolution. IPv4 addresses inside IPv6 ones (IPv4-mapped, NAT64, 6to4, Teredo) are judged as well. */
bool egress_allows(const struct egress *egress, const struct addr *client, const struct addr *addr);
bool egress_is_private(const struct addr *addr); /* as written, not what an IPv6 address may hold */
/* The reason of a refusal that no setting changes. */
bool egress_is_our_listener(const struct egress *egress, const struct addr *addr);

bool egress_allows_connect_port(const struct egress *egress, uint16_t port);
bool egress_allows_socks_port(const struct egress *egress, uint16_t port);
