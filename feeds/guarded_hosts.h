/* The built-in part of what feeds must not block. Data, to be kept up with by hand: each list says where it comes from
 * and what belongs on it. Names are in lower case; one guards itself, `www.` before it, and what covers it. */
#pragma once

#include <stddef.h>

#include "feeds/guard.h"

struct guarded_host {
    const char *text; /* a name, or an address or network */
    enum guard guard;
};

/* Hosts that millions share: code, files, documents, chats, links. */
const char *const *shared_hosts(size_t *count);
/* What a machine needs to find its way: portals, certificates, time, DNS. */
const struct guarded_host *guarded_hosts(size_t *count);
/* Addresses of resolvers, ranges of content delivery networks. */
const struct guarded_host *guarded_ranges(size_t *count);
