#include "dnsfilter/dns_servers.h"

#include <string.h>

static bool has_name(const struct resolver_servers *servers, const struct dname *name)
{
    for (size_t i = 0; i < servers->name_count; i++)
        if (dname_equal(&servers->names[i], name))
            return true;
    return false;
}

static void add_name(struct resolver_servers *servers, const uint8_t *response, size_t n,
                     const struct dns_record *record)
{
    struct dname name;
    struct cursor rdata = cursor_over(response, n);
    cursor_bytes(&rdata, record->rdata_offset);
    if (servers->name_count < RESOLVER_MAX_SERVERS && dns_name_parse(&rdata, &name) == ST_OK &&
        !has_name(servers, &name))
        servers->names[servers->name_count++] = name;
}

static void add_address(struct resolver_servers *servers, const uint8_t *response, const struct dns_record *record)
{
    struct addr addr = {0};
    if (record->type == DNS_TYPE_A)
        addr = addr_v4(0, 0);
    memcpy(addr.ip + (record->type == DNS_TYPE_A ? 12 : 0), response + record->rdata_offset, record->rdata_length);
    for (size_t i = 0; i < servers->addr_count; i++)
        if (addr_same_ip(&servers->addrs[i], &addr))
            return;
    if (servers->addr_count < RESOLVER_MAX_SERVER_ADDRS)
        servers->addrs[servers->addr_count++] = addr;
}

void dns_servers_add(struct resolver_servers *servers, const uint8_t *response, size_t n,
                     const struct dns_message *message)
{
    struct dns_record record;
    struct dns_walk walk = dns_walk_start(response, n, message);
    while (dns_walk_next(&walk, &record))
        if (record.type == DNS_TYPE_NS && record.section != DNS_ADDITIONAL)
            add_name(servers, response, n, &record);
    walk = dns_walk_start(response, n, message);
    while (servers->name_count && dns_walk_next(&walk, &record))
        if ((record.type == DNS_TYPE_A || record.type == DNS_TYPE_AAAA) && has_name(servers, &record.owner))
            add_address(servers, response, &record);
}
