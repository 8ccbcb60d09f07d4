#include "feeds/guard.h"

#include <string.h>

#include "base/check.h"

const char *guard_text(enum guard guard)
{
    static const char *const texts[GUARD_COUNT] = {
        [GUARD_NOT] = "not guarded",
        [GUARD_PUBLIC_SUFFIX] = "public suffix",
        [GUARD_SHARED_HOST] = "shared host",
        [GUARD_CONNECTIVITY] = "check for a captive portal",
        [GUARD_CERTIFICATES] = "status of certificates (CRL, OCSP)",
        [GUARD_TIME] = "time server",
        [GUARD_RESOLVER] = "DNS resolver",
        [GUARD_FEED_HOST] = "host of a feed",
        [GUARD_LISTED] = "on a list that guards",
        [GUARD_CDN] = "address of a content delivery network",
        [GUARD_WIDE_NETWORK] = "network wider than /8 (IPv6: /19)",
        [GUARD_OWN_ADDRESS] = "network with an address of this machine",
    };
    CHECK(guard < GUARD_COUNT);
    return texts[guard];
}

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

static bool network_is_v4(const struct network *network)
{
    struct addr addr = {0};
    memcpy(addr.ip, network->ip, sizeof addr.ip);
    return addr_is_v4(&addr) && network->prefix >= 96;
}

enum skip guard_network(const struct network *network)
{
    const uint8_t *ip = network->ip;
    if (network_is_v4(network)) {
        uint32_t v4 = (uint32_t)ip[12] << 24 | (uint32_t)ip[13] << 16 | (uint32_t)ip[14] << 8 | ip[15];
        return v4_overlaps_special(v4, network->prefix - 96u) ? SKIP_SPECIAL_ADDRESS : SKIP_NOT;
    }
    /* Global unicast is 2000::/3 (RFC 4291 section 2.4); all else is special or not in use. */
    return network->prefix >= 3 && (ip[0] & 0xe0) == 0x20 ? SKIP_NOT : SKIP_SPECIAL_ADDRESS;
}

bool guard_network_is_wide(const struct network *network)
{
    return network->prefix < (network_is_v4(network) ? 96 + 8 : 19);
}

bool guard_is_documentation(const struct addr *addr)
{
    static const uint8_t v4[][3] = {{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}, v6[] = {0x20, 0x01, 0x0d, 0xb8};
    for (size_t i = 0; addr_is_v4(addr) && i < sizeof v4 / sizeof v4[0]; i++)
        if (!memcmp(addr->ip + 12, v4[i], sizeof v4[i]))
            return true;
    return !memcmp(addr->ip, v6, sizeof v6);
}

enum skip guard_address(const struct addr *addr)
{
    struct network network = {.prefix = 128};
    memcpy(network.ip, addr->ip, sizeof network.ip);
    return guard_network(&network);
}
