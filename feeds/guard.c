#include "feeds/guard.h"

#include <string.h>

/* IPv4 of RFC 6890 without the networks for documentation, as host order and prefix. */
static const struct {
    uint32_t ip;
    uint8_t prefix;
} special_v4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared by carriers */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static bool v4_overlaps_special(uint32_t ip, unsigned prefix)
{
    for (size_t i = 0; i < sizeof special_v4 / sizeof special_v4[0]; i++) {
        unsigned common = prefix < special_v4[i].prefix ? prefix : special_v4[i].prefix;
        uint32_t mask = common ? 0xffffffffu << (32 - common) : 0;
        if ((ip & mask) == (special_v4[i].ip & mask))
            return true;
    }
    return false;
}

enum skip guard_name(const struct dname *name)
{
    static const struct dname local[] = {
        {.length = 11, .labels = 1, .wire = "\011localhost"},
        {.length = 13, .labels = 1, .wire = "\013localdomain"},
    };
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if (dname_is_within(name, &local[i]))
            return SKIP_LOCAL_NAME;
    return SKIP_NOT;
}

enum skip guard_network(const struct network *network)
{
    struct addr addr = {0};
    memcpy(addr.ip, network->ip, sizeof addr.ip);
    if (addr_is_v4(&addr) && network->prefix >= 96) {
        unsigned prefix = network->prefix - 96u;
        uint32_t ip =
            (uint32_t)addr.ip[12] << 24 | (uint32_t)addr.ip[13] << 16 | (uint32_t)addr.ip[14] << 8 | addr.ip[15];
        if (prefix < 8)
            return SKIP_WIDE_NETWORK;
        return v4_overlaps_special(ip, prefix) ? SKIP_SPECIAL_ADDRESS : SKIP_NOT;
    }
    if (network->prefix < 19)
        return SKIP_WIDE_NETWORK;
    /* Global unicast is 2000::/3 (RFC 4291 section 2.4); all else is special or not in use. */
    return (network->ip[0] & 0xe0) == 0x20 ? SKIP_NOT : SKIP_SPECIAL_ADDRESS;
}

enum skip guard_address(const struct addr *addr)
{
    struct network network = {.prefix = 128};
    memcpy(network.ip, addr->ip, sizeof network.ip);
    return guard_network(&network);
}
