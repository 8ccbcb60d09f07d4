#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool addr_is_v4(const struct addr *addr)
{
    return !memcmp(addr->ip, v4_prefix, sizeof v4_prefix);
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
    return !memcmp(a->ip, b->ip, sizeof a->ip);
}

struct addr addr_v4(uint32_t host_order, uint16_t port)
{
    struct addr addr = {.port = port};
    uint32_t net = htonl(host_order);
    memcpy(addr.ip, v4_prefix, sizeof v4_prefix);
    memcpy(addr.ip + 12, &net, 4);
    return addr;
}

enum status addr_parse_ip(struct str text, struct addr *addr)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.length >= 2 && text.data[0] == '[') {
        if (text.data[text.length - 1] != ']')
            return ST_INVALID;
        text = (struct str){text.data + 1, text.length - 2};
        if (!memchr(text.data, ':', text.length))
            return ST_INVALID;
    }
    if (!text.length || text.length >= sizeof copy || memchr(text.data, '\0', text.length))
        return ST_INVALID;
    text_copy(copy, sizeof copy, text);
    struct in_addr v4;
    *addr = (struct addr){0};
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        *addr = addr_v4(ntohl(v4.s_addr), 0);
        return ST_OK;
    }
    return inet_pton(AF_INET6, copy, addr->ip) == 1 ? ST_OK : ST_INVALID;
}

enum status addr_parse(struct str text, uint16_t default_port, struct addr *addr)
{
    struct str ip = text, port = {0};
    const char *colon = text.length ? memrchr(text.data, ':', text.length) : NULL;
    bool bare_v6 = colon && memchr(text.data, ':', (size_t)(colon - text.data)) && text.data[0] != '[';
    bool bracket_end = text.length && text.data[text.length - 1] == ']';
    if (colon && !bare_v6 && !bracket_end) {
        ip.length = (size_t)(colon - text.data);
        port = str_from(text, ip.length + 1);
        if (!port.length)
            return ST_INVALID;
    }
    uint64_t number = default_port;
    if (port.length && (text_u64(port, 65535, &number) != ST_OK || (port.data[0] == '0' && port.length > 1)))
        return ST_INVALID;
    if (addr_parse_ip(ip, addr) != ST_OK || (!port.length && !default_port))
        return ST_INVALID;
    addr->port = (uint16_t)number;
    return ST_OK;
}

void addr_format_ip(const struct addr *addr, char out[ADDR_TEXT_SIZE])
{
    const char *done = addr_is_v4(addr) ? inet_ntop(AF_INET, addr->ip + 12, out, ADDR_TEXT_SIZE)
                                        : inet_ntop(AF_INET6, addr->ip, out, ADDR_TEXT_SIZE);
    if (!done)
        out[0] = '\0';
}

void addr_format(const struct addr *addr, char out[ADDR_TEXT_SIZE])
{
    char ip[ADDR_TEXT_SIZE];
    addr_format_ip(addr, ip);
    snprintf(out, ADDR_TEXT_SIZE, addr_is_v4(addr) ? "%.46s:%u" : "[%.46s]:%u", ip, addr->port);
}

bool addr_from_sockaddr(const struct sockaddr *from, struct addr *addr)
{
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        *addr = addr_v4(ntohl(in.sin_addr.s_addr), ntohs(in.sin_port));
        return true;
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof in6);
        memcpy(addr->ip, &in6.sin6_addr, sizeof addr->ip);
        addr->port = ntohs(in6.sin6_port);
        return true;
    }
    return false;
}

socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr_is_v4(addr)) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&in.sin_addr, addr->ip + 12, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};
    memcpy(&in6.sin6_addr, addr->ip, sizeof addr->ip);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

bool addr_is_loopback(const struct addr *addr)
{
    return addr_is_v4(addr) ? addr->ip[12] == 127 : !memcmp(addr->ip, &in6addr_loopback, sizeof addr->ip);
}

bool addr_is_unspecified(const struct addr *addr)
{
    static const uint8_t zero[16];
    return addr_is_v4(addr) ? !memcmp(addr->ip + 12, zero, 4) : !memcmp(addr->ip, zero, sizeof zero);
}

bool addr_is_link_local(const struct addr *addr)
{
    return addr_is_v4(addr) ? addr->ip[12] == 169 && addr->ip[13] == 254
                            : addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

void network_mask(uint8_t ip[16], uint8_t prefix)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned bits = prefix > i * 8 ? prefix - i * 8 : 0;
        if (bits < 8)
            ip[i] &= (uint8_t)(0xff00u >> bits);
    }
}

enum status network_parse(struct str text, struct network *network)
{
    struct str ip = text, length = {0};
    bool has_length = str_cut(text, '/', &ip, &length);
    struct addr addr;
    if (addr_parse_ip(ip, &addr) != ST_OK)
        return ST_INVALID;
    bool v4_text = !memchr(ip.data, ':', ip.length);
    uint64_t bits = v4_text ? 32 : 128;
    if (has_length && text_u64(length, bits, &bits) != ST_OK)
        return ST_INVALID;
    network->prefix = (uint8_t)(v4_text ? 96 + bits : bits);
    memcpy(network->ip, addr.ip, sizeof network->ip);
    network_mask(network->ip, network->prefix);
    return memcmp(network->ip, addr.ip, sizeof addr.ip) ? ST_INVALID : ST_OK;
}

bool network_contains(const struct network *network, const struct addr *addr)
{
    uint8_t ip[16];
    memcpy(ip, addr->ip, sizeof ip);
    network_mask(ip, network->prefix);
    return !memcmp(ip, network->ip, sizeof ip);
}

bool networks_contain(const struct network *networks, size_t count, const struct addr *addr)
{
    for (size_t i = 0; i < count; i++)
        if (network_contains(&networks[i], addr))
            return true;
    return false;
}

void network_format(const struct network *network, char out[ADDR_TEXT_SIZE])
{
    struct addr addr = {0};
    char ip[ADDR_TEXT_SIZE];
    memcpy(addr.ip, network->ip, sizeof addr.ip);
    bool v4 = addr_is_v4(&addr) && network->prefix >= 96;
    addr_format_ip(&addr, ip);
    snprintf(out, ADDR_TEXT_SIZE, "%.46s/%u", ip, v4 ? network->prefix - 96u : network->prefix);
}
