#include "net/upstream_address.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 63, NAME_MAX_BYTES = 253 };

static const struct scheme {
    const char *prefix;
    uint16_t port;
} schemes[] = {
    [UPSTREAM_UDP] = {"udp://", 53},
    [UPSTREAM_TCP] = {"tcp://", 53},
    [UPSTREAM_TLS] = {"tls://", 853},
    [UPSTREAM_HTTPS] = {"https://", 443},
};

static const char default_path[] = "/dns-query"; /* RFC 8484 section 4.1.1 has it; all public servers use it */

bool upstream_address_is_named(const struct upstream_address *address)
{
    return addr_is_unspecified(&address->addr);
}

struct upstream_address upstream_address_plain(const struct addr *addr)
{
    return (struct upstream_address){.transport = UPSTREAM_UDP, .addr = *addr};
}

/* A host name of letters, digits and hyphens (RFC 1123 section 2.1) whose last label is no number: that would be a
 * mistyped address. Written to HOST in lower case. */
static enum status take_name(struct str text, char host[UPSTREAM_HOST_SIZE])
{
    size_t label = 0;
    bool numeric = true;
    if (text.length && text.data[text.length - 1] == '.')
        text.length--;
    if (!text.length || text.length > NAME_MAX_BYTES)
        return ST_INVALID;
    for (size_t i = 0; i < text.length; i++) {
        char c = ascii_lower(text.data[i]);
        bool at_edge = !label || i + 1 == text.length || text.data[i + 1] == '.';
        host[i] = c;
        if (c == '.') {
            if (!label)
                return ST_INVALID;
            label = 0;
            numeric = true;
            continue;
        }
        if (!ascii_alpha(c) && !ascii_digit(c) && c != '_' && (c != '-' || at_edge))
            return ST_INVALID;
        numeric &= ascii_digit(c);
        if (++label > LABEL_MAX)
            return ST_INVALID;
    }
    host[text.length] = '\0';
    return numeric ? ST_INVALID : ST_OK;
}

/* What may stand in a path (RFC 3986 section 3.3), with a query behind it. */
static enum status take_path(struct str text, char path[UPSTREAM_PATH_SIZE])
{
    static const struct str variable = {"{?dns}", 6}; /* of the URI template (RFC 8484 section 4.1): POST has none */
    if (text.length > variable.length && str_eq(str_from(text, text.length - variable.length), variable))
        text.length -= variable.length;
    if (!text.length)
        text = str_of(default_path);
    if (text.length >= UPSTREAM_PATH_SIZE)
        return ST_INVALID;
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~' || strchr("\"<>\\^`{|}", text.data[i]))
            return ST_INVALID;
    text_copy(path, UPSTREAM_PATH_SIZE, text);
    return ST_OK;
}

static enum status take_port(struct str text, uint16_t *port)
{
    uint64_t number;
    if (text_u64(text, 65535, &number) != ST_OK || !number)
        return ST_INVALID;
    *port = (uint16_t)number;
    return ST_OK;
}

/* "IP", "IP:PORT", and where names are allowed "NAME", "NAME:PORT". */
static enum status take_place(struct str text, struct upstream_address *address)
{
    uint16_t port = schemes[address->transport].port;
    if (addr_parse(text, port, &address->addr) == ST_OK)
        return address->addr.port && !addr_is_unspecified(&address->addr) ? ST_OK : ST_INVALID;
    struct str name = text, port_text = {0};
    address->addr = (struct addr){.port = port};
    if (str_cut(text, ':', &name, &port_text) && take_port(port_text, &address->addr.port) != ST_OK)
        return ST_INVALID;
    return take_name(name, address->host);
}

static enum status fail(struct fault *why, struct str text, const char *what)
{
    return fault_set(
        why, ST_INVALID,
        "%.*s %s: write it like 192.0.2.1, [2001:db8::1]:53, tcp://192.0.2.1, tls://192.0.2.1#dns.example, "
        "tls://dns.example or https://dns.example/dns-query",
        (int)(text.length < 200 ? text.length : 200), text.data, what);
}

static enum status take_parts(struct str rest, struct str text, struct upstream_address *address, struct fault *why)
{
    struct str place = rest, path = {0}, name = {0};
    bool encrypted = address->transport == UPSTREAM_TLS || address->transport == UPSTREAM_HTTPS;
    bool has_name = str_cut(rest, '#', &place, &name);
    const char *slash = place.length ? memchr(place.data, '/', place.length) : NULL;
    if (slash && address->transport == UPSTREAM_HTTPS) {
        path = str_from(place, (size_t)(slash - place.data));
        place.length -= path.length;
    }
    if (take_place(place, address) != ST_OK)
        return fail(why, text, "cannot be asked");
    if (address->host[0] && !encrypted)
        return fail(why, text, "has a name where an address must stand");
    if (has_name && (address->host[0] || !encrypted))
        return fail(why, text, "has a # where none belongs");
    if (has_name && take_name(name, address->host) != ST_OK)
        return fail(why, text, "has no host name behind the #");
    if (address->transport == UPSTREAM_HTTPS && take_path(path, address->path) != ST_OK)
        return fail(why, text, "has a path that is no path of a URL");
    return ST_OK;
}

enum status upstream_address_parse(struct str text, struct upstream_address *address, struct fault *why)
{
    struct str rest = text;
    *address = (struct upstream_address){.transport = UPSTREAM_UDP};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct str prefix = str_of(schemes[i].prefix);
        if (text.length >= prefix.length && str_eq_nocase((struct str){text.data, prefix.length}, prefix)) {
            address->transport = (enum upstream_transport)i;
            rest = str_from(text, prefix.length);
        }
    }
    enum status status = take_parts(rest, text, address, why);
    if (status != ST_OK)
        *address = (struct upstream_address){0};
    return status;
}

void upstream_address_format(const struct upstream_address *address, char out[UPSTREAM_TEXT_SIZE])
{
    char place[UPSTREAM_HOST_SIZE + 8], ip[ADDR_TEXT_SIZE];
    uint16_t port = address->addr.port;
    bool named = upstream_address_is_named(address);
    const char *name = named ? "" : address->host;
    if (address->transport == UPSTREAM_UDP) {
        addr_format(&address->addr, out);
        return;
    }
    addr_format_ip(&address->addr, ip);
    bool bracket = !named && !addr_is_v4(&address->addr);
    size_t n = (size_t)snprintf(place, sizeof place, bracket ? "[%s]" : "%s", named ? address->host : ip);
    if (port != schemes[address->transport].port)
        snprintf(place + n, sizeof place - n, ":%u", port);
    snprintf(out, UPSTREAM_TEXT_SIZE, "%s%s%s%s%s", schemes[address->transport].prefix, place, address->path,
             name[0] ? "#" : "", name);
}

bool upstream_address_equal(const struct upstream_address *a, const struct upstream_address *b)
{
    return a->transport == b->transport && addr_same_ip(&a->addr, &b->addr) && a->addr.port == b->addr.port &&
           !strcmp(a->host, b->host) && !strcmp(a->path, b->path);
}
