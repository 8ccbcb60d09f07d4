/* The proxy auto-config file: a script that tells a browser which proxy to ask for which address. */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/buf.h"

struct proxy_pac {
    const struct addr *proxies; /* our listeners */
    size_t proxy_count;
    bool fail_open;            /* where no proxy answers, browsers may go without */
    const char *const *direct; /* domains that go without it, with all below them; see proxy_pac_domain() */
    size_t direct_count;
};

/* Appends a script that names those of our proxies which a client can reach that came to us at LOCAL; false when there
 * is none. A wildcard listener stands for LOCAL itself; one on loopback is for clients on loopback alone. */
bool proxy_pac_build(struct buf *out, const struct proxy_pac *pac, const struct addr *local);
/* The first of them; false when there is none. */
bool proxy_pac_proxy(const struct proxy_pac *pac, const struct addr *local, struct addr *proxy);
/* Whether TEXT may stand in the script as a domain: letters, digits, '-', '_' and dots between them. */
bool proxy_pac_domain(struct str text);
