/* The IPv4 address that a gateway finds inside an IPv6 address: NAT64, 6to4. Inside this folder only. */
#pragma once

#include <stddef.h>

#include "base/addr.h"

enum { EMBEDDED_V4_MAX = 4 };

/* Each IPv4 address, with ADDR's port, that ADDR may stand for; returns the number. It is one mostly: how long a
 * network's own NAT64 prefix is (RFC 8215) can't be told from the address, and more than one length may fit. */
size_t embedded_v4(const struct addr *addr, struct addr v4[EMBEDDED_V4_MAX]);
