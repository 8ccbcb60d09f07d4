/* How many queries of each client address wait, so that one client cannot push out those of all others. */
#pragma once

#include "base/addr.h"
#include "base/status.h"

enum { DNS_SHARE_SLOTS = 4096 };

/* Counted by a keyed hash of the address in a table that never grows: addresses in one slot share a limit, which hits
 * one in 400 of all others where ten are at theirs. Ten is all that there can be, as each has a tenth. */
struct dns_share {
    uint64_t seed;
    size_t max;
    uint32_t waiting[DNS_SHARE_SLOTS];
};

/* One address may have a tenth of MAX_WAITING, and 100 at least. ST_IO without randomness. */
enum status dns_share_init(struct dns_share *share, size_t max_waiting) MUST_CHECK;
/* The same limit from another MAX_WAITING. */
void dns_share_limit(struct dns_share *share, size_t max_waiting);
/* Counts a query of CLIENT, to be given back once; ST_BUSY: it has its share. Loopback, which is everyone on this
 * machine, always gets one. */
enum status dns_share_take(struct dns_share *share, const struct addr *client) MUST_CHECK;
void dns_share_give_back(struct dns_share *share, const struct addr *client);
