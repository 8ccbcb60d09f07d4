#include "reputation/embedded_v4.h"

#include <string.h>

/* Where the IPv4 address stands by the prefix, and from which byte on all are zero then (RFC 6052 section 2.2; byte 8
 * is zero in all of NAT64's). */
struct form {
    uint8_t prefix[12];
    uint8_t prefix_bytes;
    uint8_t at[4];
    uint8_t zeros_from;
};

static const struct form forms[] = {
    {{0, 0x64, 0xff, 0x9b}, 12, {12, 13, 14, 15}, 16},      /* NAT64, RFC 6052 section 2.1 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 6, {12, 13, 14, 15}, 16}, /* RFC 8215, a /96 of it */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 6, {9, 10, 11, 12}, 13},  /* a /64 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 6, {7, 9, 10, 11}, 12},   /* a /56 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 6, {6, 7, 9, 10}, 11},    /* all of it */
    {{0x20, 0x02}, 2, {2, 3, 4, 5}, 16},                    /* 6to4, RFC 3056 section 2 */
};

static bool fits(const struct form *form, const uint8_t ip[16])
{
    static const uint8_t zeros[16];
    bool is_nat64 = form->prefix_bytes > 2;
    return !memcmp(ip, form->prefix, form->prefix_bytes) && (!is_nat64 || !ip[8]) &&
           !memcmp(ip + form->zeros_from, zeros, 16u - form->zeros_from);
}

size_t embedded_v4(const struct addr *addr, struct addr v4[EMBEDDED_V4_MAX])
{
    size_t n = 0;
    if (addr_is_v4(addr)) /* most are; none of the forms fits them */
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const uint8_t *ip = addr->ip, *at = forms[i].at;
        if (fits(&forms[i], ip))
            v4[n++] =
                addr_v4((uint32_t)ip[at[0]] << 24 | (uint32_t)ip[at[1]] << 16 | (uint32_t)ip[at[2]] << 8 | ip[at[3]],
                        addr->port);
    }
    return n;
}
