/* Who a client is by its address, and so what it may have. */
#pragma once

#include <stddef.h>

#include "base/addr.h"

enum dns_standing {
    DNS_MACHINE,  /* a program of this machine, by loopback */
    DNS_NEAR,     /* let in, at an address that only a network of our own can have */
    DNS_FAR,      /* let in, at any other: whose address may be forged to flood its owner with answers (RFC 5358) */
    DNS_STRANGER, /* gets no answer at all, not even that it is refused */
};

/* ALLOW: the networks that are let in besides this machine itself. */
enum dns_standing dns_access_standing(const struct network *allow, size_t count, const struct addr *client);
