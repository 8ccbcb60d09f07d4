#include "net/upstream_choice.h"

#include <stdbool.h>

#include "base/check.h"

enum { PROBE_EACH = 32 };

/* Whether A is to be asked rather than B, which stands before it. */
static bool is_better(const struct upstream_server *a, const struct upstream_server *b, enum upstream_mode mode)
{
    bool up = upstream_server_is_up(a);
    if (up != upstream_server_is_up(b))
        return up;
    if (mode == UPSTREAM_ORDERED)
        return false;
    if (!a->measured || !b->measured)
        return a->measured;
    return a->rtt_ms < b->rtt_ms;
}

size_t upstream_choose(const struct upstream_candidates *candidates, enum upstream_mode mode, uint32_t tried)
{
    size_t best = candidates->count;
    for (size_t i = 0; i < candidates->count; i++)
        if (!(tried >> i & 1) &&
            (best == candidates->count || is_better(candidates->servers[i], candidates->servers[best], mode)))
            best = i;
    CHECK(best < candidates->count);
    return best;
}

static size_t longest_unasked(const struct upstream_candidates *candidates)
{
    size_t oldest = candidates->count;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct upstream_server *server = candidates->servers[i];
        if (upstream_server_is_up(server) &&
            (oldest == candidates->count || server->asked_ms < candidates->servers[oldest]->asked_ms))
            oldest = i;
    }
    return oldest;
}

size_t upstream_choose_probe(const struct upstream_candidates *candidates, enum upstream_mode mode, uint64_t round,
                             int64_t now_ms)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (upstream_server_take_retry(candidates->servers[i], now_ms))
            return i;
    if (mode != UPSTREAM_FASTEST || candidates->count < 2)
        return candidates->count;
    size_t oldest = longest_unasked(candidates);
    bool due = oldest < candidates->count && (!candidates->servers[oldest]->asked_ms || round % PROBE_EACH == 0);
    return due ? oldest : candidates->count;
}
