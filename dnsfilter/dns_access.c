#include "dnsfilter/dns_access.h"

/* RFC 1918, RFC 3927, RFC 4193, RFC 4291 section 2.5.6: no router of the Internet passes them on. */
static const struct network own_networks[] = {
    {.ip = {[10] = 0xff, 0xff, 10}, .prefix = 96 + 8},
    {.ip = {[10] = 0xff, 0xff, 172, 16}, .prefix = 96 + 12},
    {.ip = {[10] = 0xff, 0xff, 192, 168}, .prefix = 96 + 16},
    {.ip = {[10] = 0xff, 0xff, 169, 254}, .prefix = 96 + 16},
    {.ip = {0xfc}, .prefix = 7},
    {.ip = {0xfe, 0x80}, .prefix = 10},
};

enum dns_standing dns_access_standing(const struct network *allow, size_t count, const struct addr *client)
{
    if (addr_is_loopback(client))
        return DNS_MACHINE;
    if (!networks_contain(allow, count, client))
        return DNS_STRANGER;
    bool near = networks_contain(own_networks, sizeof own_networks / sizeof own_networks[0], client);
    return near ? DNS_NEAR : DNS_FAR;
}
