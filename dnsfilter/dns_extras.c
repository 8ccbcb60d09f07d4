#include "dnsfilter/dns_extras.h"

#include "base/clock.h"
#include "dnsfilter/dns_answer.h"
#include "message/dns_opt.h"

enum {
    PADDING_BLOCK = 468, /* RFC 8467 section 4.1 */
    KEEPALIVE_BYTES = 2,
    KEEPALIVE_UNIT_MS = 100, /* RFC 7828 section 3.1 */
    MAX_AMPLIFICATION = 3,
};

enum status dns_extras_read(struct dns_extras *extras, struct str options, const struct dns_extras_from *from)
{
    struct str data;
    extras->cookie.state = DNS_COOKIE_NONE;
    extras->padding = from->encrypted && dns_option_find(options, DNS_OPTION_PADDING, &data);
    extras->keepalive = from->stream && dns_option_find(options, DNS_OPTION_KEEPALIVE, &data);
    enum status status = ST_OK;
    if (dns_option_find(options, DNS_OPTION_COOKIE, &data))
        status = dns_cookie_read(from->secret, data, from->client, (uint32_t)(clock_wall_ms() / 1000), &extras->cookie);
    extras->any = status == ST_OK && (extras->padding || extras->keepalive || extras->cookie.state != DNS_COOKIE_NONE);
    return status;
}

static size_t add_keepalive(uint8_t *out, size_t n, size_t limit, size_t opt, int64_t idle_ms)
{
    int64_t units = idle_ms / KEEPALIVE_UNIT_MS;
    uint16_t value = units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
    uint8_t bytes[KEEPALIVE_BYTES] = {(uint8_t)(value >> 8), (uint8_t)value};
    return dns_opt_add(out, n, limit, opt, DNS_OPTION_KEEPALIVE, bytes, sizeof bytes);
}

static size_t add_padding(uint8_t *out, size_t n, size_t limit, size_t opt)
{
    size_t least = n + DNS_OPTION_HEAD_BYTES, blocks = (least + PADDING_BLOCK - 1) / PADDING_BLOCK;
    size_t padded = blocks * PADDING_BLOCK;
    if (padded > limit)
        padded = limit;
    return padded < least ? n : dns_opt_add(out, n, limit, opt, DNS_OPTION_PADDING, NULL, padded - least);
}

size_t dns_extras_add(const struct dns_extras *extras, uint8_t *out, size_t n, size_t limit, int64_t idle_ms)
{
    size_t opt, room = extras->keepalive ? DNS_OPTION_HEAD_BYTES + KEEPALIVE_BYTES : 0;
    bool cookie = extras->cookie.state != DNS_COOKIE_NONE;
    if (cookie)
        room += DNS_OPTION_HEAD_BYTES + DNS_COOKIE_BYTES;
    if (n + room > limit && limit >= DNS_HEADER_BYTES + room)
        n = dns_truncate(out, n, limit - room);
    if (dns_opt_find(out, n, &opt) != ST_OK)
        return n;
    if (cookie)
        n = dns_opt_add(out, n, limit, opt, DNS_OPTION_COOKIE, extras->cookie.bytes, DNS_COOKIE_BYTES);
    if (extras->keepalive)
        n = add_keepalive(out, n, limit, opt, idle_ms);
    return extras->padding ? add_padding(out, n, limit, opt) : n;
}

size_t dns_extras_bound(const struct dns_message *query, uint8_t *out, size_t n, size_t query_bytes)
{
    struct dns_header header;
    if (n <= query_bytes || dns_header_parse(out, n, &header) != ST_OK)
        return n;
    uint16_t rcode = dns_header_rcode(&header);
    if (rcode == DNS_RCODE_SERVFAIL || rcode == DNS_RCODE_REFUSED || rcode == DNS_RCODE_FORMERR ||
        rcode == DNS_RCODE_NOTIMP)
        return dns_answer_error(out, n, query, rcode);
    return dns_truncate(out, n, query_bytes * MAX_AMPLIFICATION);
}
