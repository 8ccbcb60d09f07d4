#include "proxy/origin_order.h"

#include <string.h>

#include "base/check.h"
#include "net/resolver.h"

/* RFC 6724 section 2.1 as far as it tells what does not reach the world: an address of one kind to one of another. */
static const struct {
    struct network network;
    uint8_t label;
} labels[] = {
    {{.ip = {[15] = 1}, .prefix = 128}, 0},         /* ::1 */
    {{.ip = {[10] = 0xff, 0xff}, .prefix = 96}, 4}, /* IPv4 */
    {{.ip = {0x20, 0x02}, .prefix = 16}, 2},        /* 6to4 */
    {{.ip = {0x20, 0x01, 0, 0}, .prefix = 32}, 5},  /* Teredo */
    {{.ip = {0xfc}, .prefix = 7}, 13},              /* unique local */
    {{.ip = {0xfe, 0x80}, .prefix = 10}, 14},       /* link-local: rule 2, scope */
    {{.ip = {0}, .prefix = 0}, 1},                  /* the world */
};

static uint8_t label_of(const struct addr *addr)
{
    size_t i = 0;
    while (!network_contains(&labels[i].network, addr))
        i++;
    return labels[i].label;
}

/* Rules 1, 2 and 5: there is a way, and it begins at an address of the same kind. */
static bool is_likely(const struct addr *addr, origin_source_fn *source)
{
    struct addr from = source(addr);
    return !addr_is_unspecified(&from) && label_of(&from) == label_of(addr);
}

/* Appends those of ADDRS that are LIKELY or not: IPv6 first, then one of each family in turn. */
static size_t interleave(const struct addr *addrs, const bool *are_likely, size_t count, bool likely, struct addr *out)
{
    size_t at[2] = {0, 0}, n = 0; /* the next of IPv6, of IPv4 */
    for (bool more = true, v4 = false; more; v4 = !v4) {
        for (size_t *i = &at[v4]; *i < count; (*i)++)
            if (addr_is_v4(&addrs[*i]) == v4 && are_likely[*i] == likely) {
                out[n++] = addrs[(*i)++];
                break;
            }
        more = at[0] < count || at[1] < count;
    }
    return n;
}

static bool has_both_families(const struct addr *addrs, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (addr_is_v4(&addrs[i]) != addr_is_v4(&addrs[0]))
            return true;
    return false;
}

void origin_order(struct addr *addrs, size_t count, origin_source_fn *source)
{
    struct addr sorted[RESOLVER_MAX_ADDRS];
    bool likely[RESOLVER_MAX_ADDRS];
    CHECK(count <= RESOLVER_MAX_ADDRS);
    if (!has_both_families(addrs, count))
        return;
    for (size_t i = 0; i < count; i++)
        likely[i] = is_likely(&addrs[i], source);
    size_t n = interleave(addrs, likely, count, true, sorted);
    n += interleave(addrs, likely, count, false, sorted + n);
    CHECK(n == count);
    memcpy(addrs, sorted, count * sizeof *addrs);
}
