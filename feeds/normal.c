#include "feeds/normal.h"

#include <string.h>

#include "base/cursor.h"

#include "feeds/guard.h"
#include "reputation/canonical.h"

enum skip normal_name(struct str text, struct dname *name)
{
    if (canonical_host_name(text, name) != ST_OK)
        return SKIP_NOT_NAME;
    if (name->labels < 2)
        return SKIP_SINGLE_LABEL;
    const uint8_t *last = name->wire;
    for (unsigned skip = name->labels - 1u; skip; skip--)
        last += *last + 1u;
    for (unsigned i = 1; i <= *last; i++)
        if (!ascii_digit((char)last[i]))
            return SKIP_NOT;
    return SKIP_NOT_NAME;
}

enum skip normal_network(struct str text, struct network *network)
{
    struct str ip = text, length = {0};
    struct addr addr;
    bool has_length = str_cut(text, '/', &ip, &length);
    if (addr_parse_ip(ip, &addr) != ST_OK)
        return SKIP_NOT_ADDRESS;
    bool v4_text = !memchr(ip.data, ':', ip.length);
    uint64_t bits = v4_text ? 32 : 128;
    if (has_length && text_u64(length, bits, &bits) != ST_OK)
        return SKIP_NOT_ADDRESS;
    if (!bits)
        return SKIP_EVERY_ADDRESS;
    memcpy(network->ip, addr.ip, sizeof network->ip);
    network->prefix = (uint8_t)(v4_text ? 96 + bits : bits);
    network_mask(network->ip, network->prefix);
    return SKIP_NOT;
}

enum skip normal_address_port(struct str text, struct network *network, uint16_t *port)
{
    struct addr addr;
    if (addr_parse(text, 0, &addr) != ST_OK || !addr.port)
        return SKIP_NOT_ADDRESS;
    memcpy(network->ip, addr.ip, sizeof network->ip);
    network->prefix = 128;
    *port = addr.port;
    return SKIP_NOT;
}

bool looks_like_network(struct str text)
{
    return text.length && (ascii_digit(text.data[text.length - 1]) || memchr(text.data, ':', text.length) ||
                           memchr(text.data, '/', text.length));
}

struct url_parts {
    bool https;
    struct str host, port, rest; /* rest: path and query */
};

static bool url_split(struct str text, struct url_parts *parts)
{
    const struct str schemes[] = {STR("http://"), STR("https://")};
    size_t i = 0;
    if (!text.length || memchr(text.data, '\n', text.length) || memchr(text.data, '\r', text.length))
        return false; /* in JSON there may be ends of lines */
    while (i < 2 &&
           !(text.length > schemes[i].length && str_eq_nocase((struct str){text.data, schemes[i].length}, schemes[i])))
        i++;
    if (i == 2)
        return false;
    parts->https = i == 1;
    text = str_from(text, schemes[i].length);
    struct str fragment;
    str_cut(text, '#', &text, &fragment);
    size_t n = 0;
    while (n < text.length && text.data[n] != '/' && text.data[n] != '?')
        n++;
    parts->rest = str_from(text, n);
    struct str authority = {text.data, n};
    const char *at = n ? memrchr(authority.data, '@', authority.length) : NULL;
    if (at)
        authority = str_from(authority, (size_t)(at - authority.data) + 1);
    parts->host = authority;
    parts->port = (struct str){0};
    const char *colon = authority.length ? memrchr(authority.data, ':', authority.length) : NULL;
    if (colon && authority.data[authority.length - 1] != ']') {
        parts->host.length = (size_t)(colon - authority.data);
        parts->port = str_from(authority, parts->host.length + 1);
    }
    if (parts->host.length && parts->host.data[0] != '[' && memchr(parts->host.data, ':', parts->host.length))
        return false; /* IPv6 stands in brackets, RFC 3986 section 3.2.2 */
    if (parts->host.length && parts->host.data[parts->host.length - 1] == '.')
        parts->host.length--;
    return parts->host.length && parts->host.data[parts->host.length - 1] != '.';
}

/* A host that may stand in a store: a name as normal_name() wants it, or an address that is no one's own. */
static enum skip url_host_skip(struct str host)
{
    bool is_address;
    struct addr addr;
    struct dname name;
    if (canonical_host(host, &is_address, &addr, &name) != ST_OK)
        return SKIP_NOT_URL;
    if (is_address)
        return guard_address(&addr);
    return name.labels < 2 ? SKIP_SINGLE_LABEL : guard_name(&name);
}

enum skip normal_url(struct str text, char *out, size_t size, struct str *url)
{
    struct url_parts parts;
    uint64_t port = 0;
    if (!url_split(text, &parts) || (parts.port.length && text_u64(parts.port, 65535, &port) != ST_OK))
        return SKIP_NOT_URL;
    enum skip skip = url_host_skip(parts.host);
    if (skip != SKIP_NOT && skip_is_fault(skip))
        return skip;
    struct wire wire = wire_into(out, size);
    wire_bytes(&wire, parts.https ? "https://" : "http://", parts.https ? 8 : 7);
    for (size_t i = 0; i < parts.host.length; i++)
        wire_u8(&wire, (uint8_t)ascii_lower(parts.host.data[i]));
    if (port && port != (parts.https ? 443 : 80)) {
        wire_u8(&wire, ':');
        wire_bytes(&wire, parts.port.data, parts.port.length);
    }
    if (!parts.rest.length || parts.rest.data[0] != '/')
        wire_u8(&wire, '/');
    wire_bytes(&wire, parts.rest.data, parts.rest.length);
    if (wire.failed)
        return SKIP_LONG_URL;
    *url = (struct str){out, wire_length(&wire)};
    return skip;
}
