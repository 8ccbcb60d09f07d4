/* Safe Browsing v4, "URLs and Hashing", Canonicalization. */
#include <string.h>

#include "base/cursor.h"
#include "reputation/canonical.h"
#include "reputation/canonical_host.h"

/* A URL split at its raw delimiters; escapes are looked at only afterwards, so that an escaped delimiter is none. */
struct url_parts {
    struct str host; /* without brackets where is_ipv6 */
    bool is_ipv6;
    uint16_t port;
    struct str path; /* path and query */
};

/* Unescapes %XX until none is left. One pass: an escape can only arise at the end of what is done already. Returns the
 * length, at most TEXT's. */
static size_t unescape(struct str text, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.length; i++) {
        out[n++] = text.data[i];
        while (n >= 3 && out[n - 3] == '%' && hex_value(out[n - 2]) >= 0 && hex_value(out[n - 1]) >= 0) {
            out[n - 3] = (char)(hex_value(out[n - 2]) << 4 | hex_value(out[n - 1]));
            n -= 2;
        }
    }
    return n;
}

/* Escapes what may not stand bare, and the delimiters in ALSO: an unescaped one would split the URL elsewhere when it
 * is read again. */
static void escape(struct wire *out, struct str text, const char *also)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c <= ' ' || c >= 0x7f || c == '#' || c == '%' || strchr(also, c)) {
            wire_u8(out, '%');
            wire_u8(out, (uint8_t)hex[c >> 4]);
            wire_u8(out, (uint8_t)hex[c & 15]);
        } else {
            wire_u8(out, c);
        }
    }
}

/* In place: leading and trailing dots off, runs of dots to one, lower case. */
static struct str tidy_host(char *host, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (host[i] != '.' || (used && host[used - 1] != '.'))
            host[used++] = ascii_lower(host[i]);
    if (used && host[used - 1] == '.')
        used--;
    return (struct str){host, used};
}

/* Any byte may stand in a label here; what cannot be a DNS name by its length is refused. */
static enum status host_labels(struct str host, struct dname *name)
{
    *name = (struct dname){0};
    struct wire wire = wire_into(name->wire, sizeof name->wire);
    struct str label, rest = host;
    for (bool more = true; more;) {
        more = str_cut(rest, '.', &label, &rest);
        if (!more)
            label = rest;
        if (!label.length || label.length > 63)
            return ST_TOO_LARGE;
        wire_u8(&wire, (uint8_t)label.length);
        wire_bytes(&wire, label.data, label.length);
        name->labels++;
    }
    wire_u8(&wire, 0);
    name->length = (uint8_t)wire_length(&wire);
    return wire.failed ? ST_TOO_LARGE : ST_OK;
}

static void write_address(struct canonical_url *out, struct wire *wire)
{
    char text[ADDR_TEXT_SIZE];
    bool v4 = addr_is_v4(&out->addr);
    addr_format_ip(&out->addr, text);
    if (!v4)
        wire_u8(wire, '[');
    wire_bytes(wire, text, strlen(text));
    if (!v4)
        wire_u8(wire, ']');
}

static enum status write_host(struct canonical_url *out, struct wire *wire, struct str raw, bool is_ipv6)
{
    char plain[CANONICAL_URL_MAX], ascii[HOST_TEXT_SIZE];
    if (raw.length > sizeof plain)
        return ST_TOO_LARGE;
    struct str host = {plain, unescape(raw, plain)};
    if (!is_ipv6 && !host_is_ascii(host) && host_to_ascii(host, ascii) == ST_OK) {
        host = str_of(ascii);
        if (memchr(ascii, '%', host.length)) /* from a wide percent sign: no browser would dial it */
            return ST_INVALID;
        memcpy(plain, ascii, host.length);
    }
    host = tidy_host(plain, host.length);
    if (!host.length)
        return ST_INVALID;
    enum status status = ST_OK;
    out->host_is_address = true;
    if (is_ipv6) {
        status = host_parse_ipv6(raw, &out->addr);
    } else if (host_parse_ipv4(host, &out->addr) != ST_OK) {
        out->host_is_address = false;
        status = host_labels(host, &out->name);
    }
    if (status != ST_OK)
        return status;
    if (out->host_is_address)
        write_address(out, wire);
    else
        escape(wire, host, "/?@:[]\\");
    out->host = (struct str){out->text, wire_length(wire)};
    return ST_OK;
}

/* In place: "." and ".." are followed, runs of slashes are one (RFC 3986 section 5.2.4, and Safe Browsing). */
static struct str resolve_path(char *path, size_t n)
{
    size_t used = 0;
    for (size_t at = 0; at < n;) {
        size_t end = at;
        while (end < n && path[end] != '/')
            end++;
        struct str segment = {path + at, end - at};
        bool last = end == n;
        if (str_eq(segment, STR(".."))) {
            used -= used > 0; /* the slash after the segment that goes */
            while (used && path[used - 1] != '/')
                used--;
        } else if (segment.length && !str_eq(segment, STR("."))) {
            memmove(path + used, segment.data, segment.length);
            used += segment.length;
            if (!last)
                path[used++] = '/';
        }
        at = end + 1;
    }
    return (struct str){path, used};
}

static enum status write_path(struct canonical_url *out, struct wire *wire, struct str raw)
{
    char plain[CANONICAL_URL_MAX];
    struct str path = raw, query = {0};
    bool has_query = str_cut(raw, '?', &path, &query);
    if (raw.length > sizeof plain)
        return ST_TOO_LARGE;
    size_t start = wire_length(wire);
    wire_u8(wire, '/');
    escape(wire, resolve_path(plain, unescape(path, plain)), "?");
    size_t middle = wire_length(wire);
    if (has_query) {
        wire_u8(wire, '?');
        escape(wire, (struct str){plain, unescape(query, plain)}, "");
    }
    out->path = (struct str){out->text + start, middle - start};
    out->query = (struct str){out->text + middle, wire_length(wire) - middle};
    return wire->failed ? ST_TOO_LARGE : ST_OK;
}

static enum status write_url(struct canonical_url *out, const struct url_parts *parts)
{
    struct wire wire = wire_into(out->text, sizeof out->text);
    out->port = parts->port;
    enum status status = write_host(out, &wire, parts->host, parts->is_ipv6);
    return status == ST_OK ? write_path(out, &wire, parts->path) : status;
}

/* Blanks and control bytes off both ends; tabs and line ends out, as browsers do; no fragment. */
static enum status clean_url(struct str url, char out[CANONICAL_URL_MAX], struct str *clean)
{
    while (url.length && (uint8_t)url.data[0] <= ' ')
        url = str_from(url, 1);
    while (url.length && (uint8_t)url.data[url.length - 1] <= ' ')
        url.length--;
    struct str after;
    (void)str_cut(url, '#', &url, &after);
    size_t n = 0;
    for (size_t i = 0; i < url.length; i++) {
        if (strchr("\t\r\n", url.data[i]) && url.data[i])
            continue;
        if (n == CANONICAL_URL_MAX)
            return ST_TOO_LARGE;
        out[n++] = url.data[i];
    }
    *clean = (struct str){out, n};
    return ST_OK;
}

/* Takes "http://" or "https://" off *REST. Without a scheme it is http, as people write it. */
static enum status split_scheme(struct str *rest, bool *has_scheme, uint16_t *port)
{
    size_t n = 0;
    while (n < rest->length &&
           (ascii_alpha(rest->data[n]) || ascii_digit(rest->data[n]) || memchr("+-.", rest->data[n], 3)))
        n++;
    struct str scheme = {rest->data, n}, after = str_from(*rest, n);
    bool is_http = str_eq_nocase(scheme, STR("http")), is_https = str_eq_nocase(scheme, STR("https"));
    *port = is_https ? 443 : 80;
    *has_scheme = str_starts(after, STR("://"));
    if (*has_scheme)
        *rest = str_from(after, 3);
    else if (str_starts(after, STR(":")) && (is_http || is_https))
        return ST_INVALID;
    return !*has_scheme || is_http || is_https ? ST_OK : ST_UNSUPPORTED;
}

static enum status split_authority(struct str authority, struct url_parts *parts)
{
    struct str port = {0};
    if (authority.length && authority.data[0] == '[') {
        if (!str_cut(str_from(authority, 1), ']', &parts->host, &port))
            return ST_INVALID;
        parts->is_ipv6 = true;
        if (port.length && port.data[0] != ':')
            return ST_INVALID;
        port = str_from(port, 1);
    } else if (!str_cut(authority, ':', &parts->host, &port)) {
        parts->host = authority;
    }
    uint64_t number = parts->port;
    if (port.length && (text_u64(port, UINT16_MAX, &number) != ST_OK || !number))
        return ST_INVALID;
    parts->port = (uint16_t)number;
    return parts->host.length ? ST_OK : ST_INVALID;
}

enum status canonical_url(struct str url, struct canonical_url *out)
{
    char clean[CANONICAL_URL_MAX];
    struct url_parts parts = {0};
    struct str rest;
    bool has_scheme;
    enum status status = clean_url(url, clean, &rest);
    if (status == ST_OK)
        status = split_scheme(&rest, &has_scheme, &parts.port);
    if (status != ST_OK)
        return status;
    size_t n = 0;
    while (n < rest.length && !memchr("/?\\", rest.data[n], 3))
        n++;
    struct str authority = {rest.data, n};
    parts.path = str_from(rest, n);
    const char *at = n ? memrchr(authority.data, '@', n) : NULL;
    if (at && !has_scheme)
        return ST_INVALID; /* a mail address */
    if (at)
        authority = str_from(authority, (size_t)(at - authority.data) + 1);
    status = split_authority(authority, &parts);
    return status == ST_OK ? write_url(out, &parts) : status;
}

enum status canonical_url_parts(struct str host, uint16_t port, struct str path, struct canonical_url *out)
{
    struct url_parts parts = {.host = host, .port = port, .path = path};
    parts.is_ipv6 = host.length && memchr(host.data, ':', host.length);
    if (host.length >= 2 && host.data[0] == '[' && host.data[host.length - 1] == ']') {
        parts.host = (struct str){host.data + 1, host.length - 2};
        parts.is_ipv6 = true;
    }
    return write_url(out, &parts);
}
