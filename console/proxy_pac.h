/* The proxy auto-config file: a script that tells a browser which proxy to ask for which address. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/buf.h"

/* Appends a script that names those of our PROXIES which a client can reach that came to us at LOCAL; false when there
 * is none. A wildcard listener stands for LOCAL itself; one on loopback is for clients on loopback alone. */
bool proxy_pac_build(struct buf *out, const struct addr *proxies, size_t count, const struct addr *local);
