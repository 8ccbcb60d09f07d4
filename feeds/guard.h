/* Indicators that must never come from a feed, because blocking them hurts people and no malware (docs/feeds.md,
 * "Guards"). Each answers SKIP_NOT where there is nothing against it. */
#pragma once

#include "base/addr.h"
#include "base/dname.h"
#include "feeds/skip.h"

/* The machine's own names: localhost and localdomain, and all below. */
enum skip guard_name(const struct dname *name) MUST_CHECK;
/* Private, loopback, link-local, multicast, reserved (RFC 6890). Addresses for documentation are no one's and pass. */
enum skip guard_address(const struct addr *addr) MUST_CHECK;
/* The same for every address of a network; and networks wider than /8, IPv6 /19. */
enum skip guard_network(const struct network *network) MUST_CHECK;
