/* Which server the next try goes to. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/upstream_server.h"
#include "net/upstream_set.h"

struct upstream_candidates {
    struct upstream_server *const *servers;
    size_t count; /* at most UPSTREAM_MAX_SERVERS */
};

/* The one to ask next of those that TRIED (a bit each) leaves: one that is up, or else any; by MODE the first of them
 * or the fastest. TRIED must leave one. */
size_t upstream_choose(const struct upstream_candidates *candidates, enum upstream_mode mode, uint32_t tried);

/* One to be asked beside the others, only to learn how it does: one that is down and due to be looked at, or with
 * UPSTREAM_FASTEST one that was never asked, or each 32nd time (of ROUND) the one not asked for longest. COUNT: none.
 */
size_t upstream_choose_probe(const struct upstream_candidates *candidates, enum upstream_mode mode, uint64_t round,
                             int64_t now_ms);
