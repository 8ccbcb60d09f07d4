#include "net/system_servers.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

enum { DNS_PORT = 53, LINE_SIZE = 1024 };

struct found {
    const struct addr *own;
    size_t own_count;
    struct addr *servers;
    size_t max, count;
    bool saw_stub, saw_own;
};

static bool is_local_ip(const struct addr *addr)
{
    if (addr_is_loopback(addr))
        return true;
    struct ifaddrs *list;
    if (getifaddrs(&list) != 0)
        return false;
    bool local = false;
    for (struct ifaddrs *item = list; item && !local; item = item->ifa_next) {
        struct addr here;
        local = item->ifa_addr && addr_from_sockaddr(item->ifa_addr, &here) && addr_same_ip(&here, addr);
    }
    freeifaddrs(list);
    return local;
}

bool system_servers_is_own(const struct addr *server, const struct addr *own, size_t own_count)
{
    for (size_t i = 0; i < own_count; i++) {
        if (own[i].port != server->port)
            continue;
        if (addr_same_ip(&own[i], server))
            return true;
        if (addr_is_unspecified(&own[i]) && addr_is_v4(&own[i]) == addr_is_v4(server) && is_local_ip(server))
            return true;
    }
    return false;
}

bool system_servers_is_stub(const struct addr *addr)
{
    struct addr stub = addr_v4(SYSTEM_STUB_IP, 0), proxy = addr_v4(SYSTEM_STUB_IP + 1, 0);
    return addr_same_ip(addr, &stub) || addr_same_ip(addr, &proxy);
}

static void take_server(struct found *found, struct addr server)
{
    server.port = DNS_PORT;
    if (addr_is_unspecified(&server)) /* resolv.conf(5) readers take it for the local host */
        server =
            addr_is_v4(&server) ? addr_v4(0x7f000001, DNS_PORT) : (struct addr){.ip = {[15] = 1}, .port = DNS_PORT};
    if (system_servers_is_own(&server, found->own, found->own_count)) {
        found->saw_own = true;
        return;
    }
    if (system_servers_is_stub(&server)) {
        found->saw_stub = true;
        return;
    }
    for (size_t i = 0; i < found->count; i++)
        if (addr_same_ip(&found->servers[i], &server))
            return;
    if (found->count < found->max)
        found->servers[found->count++] = server;
}

/* Addresses with a scope ("fe80::1%eth0") are left out: an address here has none. */
static enum status read_list(const char *path, struct found *found)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return ST_IO;
    char line[LINE_SIZE];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n#;")] = '\0';
        struct str rest = str_of(line), keyword = str_word(&rest), text = str_word(&rest);
        struct addr server;
        if (str_eq(keyword, STR("nameserver")) && addr_parse_ip(text, &server) == ST_OK)
            take_server(found, server);
    }
    fclose(file);
    return ST_OK;
}

struct system_places system_places_of(const char *resolv_conf)
{
    return (struct system_places){.resolv_conf = resolv_conf,
                                  .lists = {"/run/systemd/resolve/resolv.conf",
                                            "/run/NetworkManager/no-stub-resolv.conf",
                                            "/run/NetworkManager/resolv.conf"}};
}

static enum status read_lists(const struct system_places *places, struct found *found)
{
    enum status status = ST_NOT_FOUND;
    for (size_t i = 0; i < SYSTEM_MAX_LISTS && places->lists[i] && !found->count; i++)
        if (read_list(places->lists[i], found) == ST_OK)
            status = ST_OK;
    return status;
}

enum status system_servers(const struct system_places *places, const struct addr *own, size_t own_count,
                           struct addr *servers, size_t max, size_t *count, struct fault *fault)
{
    struct found found = {.own = own, .own_count = own_count, .servers = servers, .max = max};
    *count = 0;
    enum status status = read_list(places->resolv_conf, &found);
    if (status != ST_OK)
        (void)!fault_errno(fault, ST_NOT_FOUND, "%s", places->resolv_conf);
    if (!found.count)
        (void)!read_lists(places, &found);
    /* The stub would do, but it caches and asks one more time; where its list can't be read it has to. */
    if (found.saw_stub && !found.count && !found.saw_own && max)
        servers[found.count++] = addr_v4(SYSTEM_STUB_IP, DNS_PORT);
    *count = found.count;
    if (found.count)
        return ST_OK;
    return fault_set(fault, ST_NOT_FOUND,
                     found.saw_own ? "%s names no DNS server but this program itself" : "%s names no DNS server",
                     places->resolv_conf);
}

uint64_t system_servers_stamp(const struct system_places *places)
{
    uint64_t stamp = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i <= SYSTEM_MAX_LISTS; i++) {
        const char *path = i ? places->lists[i - 1] : places->resolv_conf;
        struct stat st = {0};
        if (path && stat(path, &st) != 0)
            st = (struct stat){0};
        uint64_t facts[] = {st.st_dev, st.st_ino, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
                            (uint64_t)st.st_mtim.tv_nsec};
        for (size_t k = 0; k < sizeof facts / sizeof facts[0]; k++)
            stamp = (stamp ^ facts[k]) * 1099511628211u;
    }
    return stamp;
}
