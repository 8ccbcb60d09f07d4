#include "callbacks/socket_owner.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* By sock_diag(7): one look into the kernel's hash table, however many sockets there are. */

struct diag_request {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

static void set_ends(struct inet_diag_sockid *id, int family, const struct addr *source, const struct addr *target)
{
    size_t skipped = family == AF_INET ? 12 : 0;
    id->idiag_sport = htons(source->port);
    id->idiag_dport = htons(target->port);
    memcpy(id->idiag_src, source->ip + skipped, sizeof source->ip - skipped);
    memcpy(id->idiag_dst, target->ip + skipped, sizeof target->ip - skipped);
}

static struct diag_request diag_request(const struct callback *callback, int family)
{
    struct diag_request request = {
        .head = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = callback->udp ? IPPROTO_UDP : IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}};
    if (callback->udp) /* here the kernel takes the ends as those of a packet that comes to the socket */
        set_ends(&request.body.id, family, &callback->local, &callback->client);
    else
        set_ends(&request.body.id, family, &callback->client, &callback->local);
    return request;
}

static bool ask_kernel(int fd, const struct callback *callback, int family, struct socket_owner *owner)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_msg body;
        char attributes[512];
    } reply;
    struct diag_request request = diag_request(callback, family);
    if (send(fd, &request, sizeof request, 0) != sizeof request)
        return false;
    ssize_t n = recv(fd, &reply, sizeof reply, MSG_DONTWAIT); /* it has answered within the call above */
    if (n < (ssize_t)(sizeof reply.head + sizeof reply.body) || reply.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return false;
    *owner = (struct socket_owner){.inode = reply.body.idiag_inode, .uid = reply.body.idiag_uid};
    return owner->inode;
}

bool socket_owner_ask(const struct callback *callback, struct socket_owner *owner)
{
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    bool found =
        (addr_is_v4(&callback->client) && addr_is_v4(&callback->local) && ask_kernel(fd, callback, AF_INET, owner)) ||
        ask_kernel(fd, callback, AF_INET6, owner);
    close(fd);
    return found;
}

/* A kernel without it says of every socket that it is not there; so it is asked for one that is. */
static bool diag_works(bool udp)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    struct callback own = {.local = addr_v4(INADDR_LOOPBACK, 1), .udp = udp};
    struct socket_owner owner;
    int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    bool works = fd >= 0 && bind(fd, (struct sockaddr *)&at, length) == 0 && (udp || listen(fd, 1) == 0) &&
                 getsockname(fd, (struct sockaddr *)&at, &length) == 0 &&
                 addr_from_sockaddr((struct sockaddr *)&at, &own.client) && socket_owner_ask(&own, &owner);
    if (fd >= 0)
        close(fd);
    return works;
}

/* By the tables in /proc/net (proc(5)). */

/* The kernel prints each 32-bit word of an address as a number in the machine's own order. */
static bool parse_socket_addr(struct str text, struct addr *addr)
{
    struct str ip, port;
    if (!str_cut(text, ':', &ip, &port) || port.length != 4 || (ip.length != 8 && ip.length != 32))
        return false;
    *addr = addr_v4(0, 0);
    uint8_t *out = ip.length == 8 ? addr->ip + 12 : addr->ip;
    for (size_t i = 0; i < ip.length; i += 8) {
        uint32_t word = 0;
        for (size_t k = 0; k < 8; k++)
            word = word << 4 | (uint32_t)(hex_value(ip.data[i + k]) & 15);
        memcpy(out + i / 2, &word, sizeof word);
    }
    for (size_t k = 0; k < 4; k++)
        addr->port = (uint16_t)(addr->port << 4 | (hex_value(port.data[k]) & 15));
    return true;
}

/* One line: sl local remote state queues timer retransmits uid timeout inode ... */
static bool parse_socket_line(struct str line, struct addr *local, struct addr *remote, struct socket_owner *owner)
{
    struct str words[10];
    for (size_t i = 0; i < 10; i++)
        words[i] = str_word(&line);
    return parse_socket_addr(words[1], local) && parse_socket_addr(words[2], remote) &&
           text_u64(words[7], UINT32_MAX, &owner->uid) == ST_OK &&
           text_u64(words[9], UINT64_MAX, &owner->inode) == ST_OK && owner->inode;
}

static bool is_clients_socket(const struct callback *callback, const struct addr *local, const struct addr *remote)
{
    if (local->port != callback->client.port)
        return false;
    if (callback->udp) /* may be bound to no address and connected to nobody */
        return addr_same_ip(local, &callback->client) || addr_is_unspecified(local);
    return addr_same_ip(local, &callback->client) && remote->port == callback->local.port;
}

static bool find_socket_in(const char *path, const struct callback *callback, struct socket_owner *owner)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool found = false;
    char line[512];
    while (!found && fgets(line, sizeof line, file)) {
        struct addr local, remote;
        line[strcspn(line, "\n")] = '\0';
        found = parse_socket_line(str_of(line), &local, &remote, owner) && is_clients_socket(callback, &local, &remote);
    }
    fclose(file);
    return found;
}

static bool find_in_tables(const struct callback *callback, struct socket_owner *owner)
{
    static const char *const tcp[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    static const char *const udp[] = {"/proc/net/udp", "/proc/net/udp6"};
    const char *const *paths = callback->udp ? udp : tcp;
    /* An IPv4 client may use a socket of IPv6 (RFC 4291 section 2.5.5.2). */
    return (addr_is_v4(&callback->client) && find_socket_in(paths[0], callback, owner)) ||
           find_socket_in(paths[1], callback, owner);
}

bool socket_owner_find(struct socket_owner_ways *ways, const struct callback *callback, struct socket_owner *owner)
{
    if (ways->diag[callback->udp] == DIAG_UNTRIED)
        ways->diag[callback->udp] = diag_works(callback->udp) ? DIAG_WORKS : DIAG_FAILS;
    return ways->diag[callback->udp] == DIAG_WORKS ? socket_owner_ask(callback, owner)
                                                   : find_in_tables(callback, owner);
}
