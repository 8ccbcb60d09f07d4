#include "proxy/egress.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define V4(a, b, c, d, bits)                                                                                           \
    {                                                                                                                  \
        .ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, .prefix = 96 + (bits)                            \
    }

/* IANA's special-purpose registries (RFC 6890) as far as they are this machine's or the link's, and the addresses at
 * which clouds hand out a machine's credentials. */
static const struct network refused[] = {
    V4(0, 0, 0, 0, 8),                                     /* this host (RFC 1122 section 3.2.1.3) */
    V4(127, 0, 0, 0, 8),                                   /* loopback */
    V4(169, 254, 0, 0, 16),                                /* link-local; metadata of most clouds */
    V4(224, 0, 0, 0, 4),                                   /* multicast */
    V4(240, 0, 0, 0, 4),                                   /* reserved, broadcast */
    V4(100, 100, 100, 200, 32),                            /* metadata: Alibaba */
    V4(192, 0, 0, 192, 32),                                /* metadata: Oracle */
    {.ip = {0}, .prefix = 127},                            /* :: and ::1 */
    {.ip = {0xfe, 0x80}, .prefix = 10},                    /* link-local */
    {.ip = {0xfe, 0xc0}, .prefix = 10},                    /* site-local (RFC 3879) */
    {.ip = {0xff}, .prefix = 8},                           /* multicast */
    {.ip = {0xfd, 0, 0xe, 0xc2, [15] = 0}, .prefix = 112}, /* metadata: Amazon, fd00:ec2::254 and its neighbours */
};

/* Networks that belong to whoever runs them: of no use to one who asks the world, and what a stranger would like to
 * reach from here. */
static const struct network private_networks[] = {
    V4(10, 0, 0, 0, 8),          /* RFC 1918 */
    V4(172, 16, 0, 0, 12),       /* RFC 1918 */
    V4(192, 168, 0, 0, 16),      /* RFC 1918 */
    V4(100, 64, 0, 0, 10),       /* shared address space, RFC 6598 */
    V4(192, 0, 0, 0, 24),        /* protocol assignments, RFC 6890 */
    V4(198, 18, 0, 0, 15),       /* benchmarks, RFC 2544 */
    {.ip = {0xfc}, .prefix = 7}, /* unique local, RFC 4193 */
};

/* IPv6 addresses that a gateway turns into IPv4, and where the IPv4 address stands in them. */
static const struct {
    struct network network;
    uint8_t at[4];
    uint8_t mask; /* Teredo has the client's address inverted */
} embeddings[] = {
    {{.ip = {0}, .prefix = 96}, {12, 13, 14, 15}, 0},                                  /* RFC 4291 section 2.5.5.1 */
    {{.ip = {0, 0x64, 0xff, 0x9b}, .prefix = 96}, {12, 13, 14, 15}, 0},                /* NAT64, RFC 6052 */
    {{.ip = {0, 0x64, 0xff, 0x9b, 0, 1}, .prefix = 48}, {6, 7, 9, 10}, 0},             /* RFC 8215 with a /48 */
    {{.ip = {0, 0x64, 0xff, 0x9b, 0, 1}, .prefix = 48}, {12, 13, 14, 15}, 0},          /* RFC 8215 with a /96 */
    {{.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, .prefix = 96}, {12, 13, 14, 15}, 0}, /* SIIT, RFC 2765 */
    {{.ip = {0x20, 0x02}, .prefix = 16}, {2, 3, 4, 5}, 0},                             /* 6to4, RFC 3056 */
    {{.ip = {0x20, 0x01, 0, 0}, .prefix = 32}, {4, 5, 6, 7}, 0},                       /* Teredo server */
    {{.ip = {0x20, 0x01, 0, 0}, .prefix = 32}, {12, 13, 14, 15}, 0xff},                /* Teredo client */
};

/* The system lets a socket be bound to this machine's addresses alone. Asked only where a listener of ours is bound to
 * every address and the port is the same. */
static bool is_of_this_machine(const struct addr *addr)
{
    struct sockaddr_storage where;
    struct addr any_port = *addr;
    any_port.port = 0;
    socklen_t length = addr_to_sockaddr(&any_port, &where);
    int fd = socket(where.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool bound = bind(fd, (const struct sockaddr *)&where, length) == 0;
    close(fd);
    return bound;
}

bool egress_is_our_listener(const struct egress *egress, const struct addr *addr)
{
    for (size_t i = 0; i < egress->own_count; i++) {
        const struct addr *listener = &egress->own[i];
        if (listener->port != addr->port)
            continue;
        if (addr_same_ip(listener, addr) || (addr_is_unspecified(listener) && is_of_this_machine(addr)))
            return true;
    }
    return false;
}

static bool may_reach_private(const struct egress *egress, const struct addr *client)
{
    return egress->private == EGRESS_EVERYONE || (egress->private == EGRESS_THIS_MACHINE && addr_is_loopback(client));
}

static bool allows_form(const struct egress *egress, const struct addr *client, const struct addr *addr)
{
    if (egress_is_our_listener(egress, addr))
        return false;
    if (networks_contain(egress->allowed, egress->allowed_count, addr))
        return true;
    return !networks_contain(refused, COUNT_OF(refused), addr) &&
           (!egress_is_private(addr) || may_reach_private(egress, client));
}

bool egress_is_private(const struct addr *addr)
{
    return networks_contain(private_networks, COUNT_OF(private_networks), addr);
}

bool egress_allows(const struct egress *egress, const struct addr *client, const struct addr *addr)
{
    if (!addr->port || !allows_form(egress, client, addr))
        return false;
    if (addr_is_v4(addr) || networks_contain(egress->allowed, egress->allowed_count, addr))
        return true;
    for (size_t i = 0; i < COUNT_OF(embeddings); i++) {
        if (!network_contains(&embeddings[i].network, addr))
            continue;
        uint32_t v4 = 0;
        for (size_t byte = 0; byte < 4; byte++)
            v4 = v4 << 8 | (uint8_t)(addr->ip[embeddings[i].at[byte]] ^ embeddings[i].mask);
        struct addr inner = addr_v4(v4, addr->port);
        if (!allows_form(egress, client, &inner))
            return false;
    }
    return true;
}

static bool has_port(const uint16_t *ports, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

bool egress_allows_connect_port(const struct egress *egress, uint16_t port)
{
    return has_port(egress->connect_ports, egress->connect_port_count, port);
}

bool egress_allows_socks_port(const struct egress *egress, uint16_t port)
{
    return has_port(egress->socks_ports, egress->socks_port_count, port);
}

static struct str last_label(struct str host)
{
    if (host.length && host.data[host.length - 1] == '.')
        host.length--;
    const char *dot = host.length ? memrchr(host.data, '.', host.length) : NULL;
    return dot ? str_from(host, (size_t)(dot - host.data) + 1) : host;
}

/* WHATWG URL, "ends in a number checker": what some resolvers take for an address in decimal, octal or hex. */
static bool ends_in_a_number(struct str host)
{
    struct str label = last_label(host);
    bool hex = label.length >= 2 && label.data[0] == '0' && ascii_lower(label.data[1]) == 'x';
    for (size_t i = hex ? 2 : 0; i < label.length; i++)
        if (hex ? hex_value(label.data[i]) < 0 : !ascii_digit(label.data[i]))
            return false;
    return label.length;
}

enum status egress_parse_host(struct str host, struct addr *addr, struct dname *name)
{
    *name = (struct dname){0};
    if (addr_parse_ip(host, addr) == ST_OK)
        return ST_OK;
    if (ends_in_a_number(host))
        return ST_INVALID;
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        if (!ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_' && c != '.')
            return ST_INVALID;
    }
    return dname_from_text(host, name) == ST_OK && name->labels ? ST_OK : ST_INVALID;
}
