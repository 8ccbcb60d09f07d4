#include "feeds/transfer_url.h"

#include <string.h>

enum { DEFAULT_PORT = 53 };

static const struct {
    struct str text;
    bool incremental;
} schemes[] = {{{"axfr://", 7}, false}, {{"ixfr://", 7}, true}};

bool transfer_url_is(struct str url)
{
    return str_starts(url, schemes[0].text) || str_starts(url, schemes[1].text);
}

static bool is_host_name(struct str text)
{
    struct dname name;
    for (size_t i = 0; i < text.length; i++)
        if (!ascii_alpha(text.data[i]) && !ascii_digit(text.data[i]) && !memchr("-._", text.data[i], 3))
            return false;
    return dname_from_text(text, &name) == ST_OK && name.labels;
}

/* A name that ends in digits, as 192.0.2.300 does, is a bad address (RFC 3696 section 2). */
static bool looks_like_address(struct str text)
{
    return text.length &&
           (text.data[0] == '[' || memchr(text.data, ':', text.length) || ascii_digit(text.data[text.length - 1]));
}

static enum status parse_port(struct str text, uint16_t *port, struct fault *fault)
{
    uint64_t number;
    if (text_u64(text, 65535, &number) != ST_OK || !number)
        return fault_set(fault, ST_INVALID, "'%.*s' is no port: it goes from 1 to 65535", (int)text.length, text.data);
    *port = (uint16_t)number;
    return ST_OK;
}

static enum status parse_primary(struct str text, struct transfer_url *out, struct fault *fault)
{
    struct str host = text, port;
    bool bracket = text.length && text.data[0] == '[';
    const char *end = bracket ? memchr(text.data, ']', text.length) : NULL;
    size_t at = end ? (size_t)(end - text.data) + 1 : 0;
    out->port = DEFAULT_PORT;
    if (at < text.length && text.data[at] != ':' && end)
        return fault_set(fault, ST_INVALID, "'%.*s' is no primary: after ']' comes ':PORT' or nothing",
                         (int)text.length, text.data);
    if (end && at < text.length) {
        host.length = at;
        port = str_from(text, at + 1);
    } else if (end || !str_cut(text, ':', &host, &port)) {
        host = text;
        port = (struct str){0};
    } else if (memchr(port.data, ':', port.length)) {
        return fault_set(fault, ST_INVALID, "'%.*s' is no primary: an IPv6 address stands in brackets",
                         (int)text.length, text.data);
    }
    if (host.length != text.length && parse_port(port, &out->port, fault) != ST_OK)
        return ST_INVALID;
    if (addr_parse_ip(host, &out->addr) == ST_OK) {
        out->has_addr = true;
        out->addr.port = out->port;
        return ST_OK;
    }
    if (looks_like_address(host) || host.length >= sizeof out->host || !is_host_name(host))
        return fault_set(fault, ST_INVALID, "'%.*s' is no primary: an address or the name of a host is expected",
                         (int)host.length, host.data);
    text_copy(out->host, sizeof out->host, host);
    return ST_OK;
}

enum status transfer_url_parse(struct str url, struct transfer_url *out, struct fault *fault)
{
    *out = (struct transfer_url){0};
    if (!transfer_url_is(url))
        return fault_set(fault, ST_INVALID, "a transfer's address starts with axfr:// or ixfr://");
    out->incremental = str_starts(url, schemes[1].text);
    struct str rest = str_from(url, schemes[0].text.length), primary, zone;
    if (memchr(rest.data, '@', rest.length))
        return fault_set(fault, ST_INVALID, "a user has no place in it: the key goes into the option `key`");
    if (!str_cut(rest, '/', &primary, &zone))
        return fault_set(fault, ST_INVALID, "the zone is missing: write %.4s://PRIMARY[:PORT]/ZONE", url.data);
    enum status st = parse_primary(primary, out, fault);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < zone.length; i++)
        if (zone.data[i] <= ' ' || zone.data[i] > '~' || strchr("/?#%", zone.data[i]))
            return fault_set(fault, ST_INVALID, "'%.*s' is no zone: nothing but its name comes after the '/'",
                             (int)zone.length, zone.data);
    if (dname_from_text(zone, &out->zone) != ST_OK || !out->zone.labels)
        return fault_set(fault, ST_INVALID, "'%.*s' is no zone's name", (int)zone.length, zone.data);
    dname_lower(&out->zone);
    return ST_OK;
}
