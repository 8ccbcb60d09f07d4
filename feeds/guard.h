/* Guards against false positives (docs/feeds.md, "Guards"): what a feed's entry hurts people by, and no malware. What
 * depends on the installation is in guard_set.h. */
#pragma once

#include "base/addr.h"
#include "base/dname.h"
#include "feeds/skip.h"

/* Why an entry is only recorded: it goes into the store, but never blocks. */
enum guard {
    GUARD_NOT, /* nothing is against it */
    GUARD_PUBLIC_SUFFIX,
    GUARD_SHARED_HOST,
    GUARD_CONNECTIVITY,
    GUARD_CERTIFICATES,
    GUARD_TIME,
    GUARD_RESOLVER,
    GUARD_FEED_HOST,
    GUARD_LISTED,
    GUARD_CDN,
    GUARD_WIDE_NETWORK,
    GUARD_OWN_ADDRESS,
    GUARD_COUNT
};

/* For people: "shared host". Static. */
const char *guard_text(enum guard guard);

/* What never gets into a store, because even recording it would only tell of the machine and its neighbours. SKIP_NOT
 * where there is nothing against it.
 * The machine's own names: localhost and localdomain, and all below. */
enum skip guard_name(const struct dname *name) MUST_CHECK;
/* Private, loopback, link-local, multicast, reserved (RFC 6890). Addresses for documentation are no one's and pass. */
enum skip guard_address(const struct addr *addr) MUST_CHECK;
/* The same for every address of a network. */
enum skip guard_network(const struct network *network) MUST_CHECK;
/* RFC 5737, RFC 3849. */
bool guard_is_documentation(const struct addr *addr);

/* Whether a network is wider than /8 (IPv6: /19): no list means so many addresses. */
bool guard_network_is_wide(const struct network *network);
