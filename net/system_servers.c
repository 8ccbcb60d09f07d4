#include "net/system_servers.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { DNS_PORT = 53, LINE_SIZE = 1024 };

static const char systemd_resolved_list[] = "/run/systemd/resolve/resolv.conf";

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

static bool is_own(const struct found *found, const struct addr *server)
{
    for (size_t i = 0; i < found->own_count; i++) {
        const struct addr *own = &found->own[i];
        if (own->port != server->port)
            continue;
        if (addr_same_ip(own, server))
            return true;
        if (addr_is_unspecified(own) && addr_is_v4(own) == addr_is_v4(server) && is_local_ip(server))
            return true;
    }
    return false;
}

static void take_server(struct found *found, struct addr server)
{
    static const uint32_t stub_ip = 0x7f000035; /* 127.0.0.53, systemd-resolved's */
    struct addr stub = addr_v4(stub_ip, DNS_PORT);
    server.port = DNS_PORT;
    if (addr_is_unspecified(&server)) /* resolv.conf(5) readers take it for the local host */
        server =
            addr_is_v4(&server) ? addr_v4(0x7f000001, DNS_PORT) : (struct addr){.ip = {[15] = 1}, .port = DNS_PORT};
    if (is_own(found, &server)) {
        found->saw_own = true;
        return;
    }
    if (addr_same_ip(&server, &stub)) {
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

enum status system_servers_from(const char *path, const char *resolved_path, const struct addr *own, size_t own_count,
                                struct addr *servers, size_t max, size_t *count, struct fault *fault)
{
    struct found found = {.own = own, .own_count = own_count, .servers = servers, .max = max};
    *count = 0;
    if (read_list(path, &found) != ST_OK)
        return fault_errno(fault, ST_NOT_FOUND, "%s", path);
    /* The stub would do, but it caches and asks one more time; where its list can't be read it has to. */
    bool unread = found.saw_stub && read_list(resolved_path, &found) != ST_OK;
    if (unread && found.count < max)
        servers[found.count++] = addr_v4(0x7f000035, DNS_PORT);
    *count = found.count;
    if (found.count)
        return ST_OK;
    return fault_set(fault, ST_NOT_FOUND,
                     found.saw_own ? "%s names no DNS server but this program itself" : "%s names no DNS server", path);
}

enum status system_servers(const char *path, const struct addr *own, size_t own_count, struct addr *servers, size_t max,
                           size_t *count, struct fault *fault)
{
    return system_servers_from(path, systemd_resolved_list, own, own_count, servers, max, count, fault);
}
