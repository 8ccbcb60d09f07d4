#include "net/query_mask.h"

#include <string.h>

#include "base/check.h"

enum {
    QUESTION_TAIL_BYTES = 4, /* type and class */
    OPT_BYTES = 11,
    OPT_DO = 0x8000,
    OPTION_HEAD_BYTES = 4,
    OPTION_COOKIE = 10,  /* RFC 7873 section 4 */
    OPTION_PADDING = 12, /* RFC 7830 section 3 */
    ADDITIONAL_COUNT_AT = 10,
};

enum status query_original_set(struct query_original *original, const uint8_t *query, size_t n)
{
    struct dns_message message;
    if (dns_query_parse(query, n, &message) != ST_OK || message.header.arcount > message.edns.present)
        return ST_INVALID;
    original->length = message.question_end;
    original->name_length = message.question.name.length;
    CHECK(original->length == DNS_HEADER_BYTES + original->name_length + QUESTION_TAIL_BYTES);
    memcpy(original->bytes, query, original->length); /* trailing junk goes no further (RFC 5625 section 4.1) */
    original->edns = message.edns.present;
    original->dnssec_ok = message.edns.dnssec_ok;
    original->udp_size = message.edns.udp_size;
    return ST_OK;
}

/* Label lengths are under 64 and so never taken for letters. */
static void mix_case(struct query_mask *mask, struct random_pool *pool)
{
    uint8_t *name = mask->bytes + DNS_HEADER_BYTES;
    uint8_t bits[(DNAME_MAX_BYTES + 7) / 8];
    random_pool_take(pool, bits, (mask->name_length + 7) / 8);
    for (size_t i = 0; i < mask->name_length; i++)
        if (ascii_alpha((char)name[i]) && bits[i / 8] >> i % 8 & 1)
            name[i] ^= 0x20;
}

static size_t padding_for(size_t length, size_t pad_to)
{
    return (pad_to - length % pad_to) % pad_to;
}

static void add_opt(struct query_mask *mask, const struct query_original *original, const struct query_style *style)
{
    static const uint8_t zeros[QUERY_MASK_MAX];
    size_t cookie = style->cookie ? OPTION_HEAD_BYTES + style->cookie->length : 0;
    size_t padding = 0, room = style->pad_to ? OPTION_HEAD_BYTES : 0;
    if (style->pad_to)
        padding = padding_for(original->length + OPT_BYTES + cookie + room, style->pad_to);
    struct wire wire = wire_into(mask->bytes + original->length, sizeof mask->bytes - original->length);
    wire_u8(&wire, 0);
    wire_u16(&wire, DNS_TYPE_OPT);
    wire_u16(&wire, original->udp_size);
    wire_u32(&wire, original->dnssec_ok ? OPT_DO : 0);
    wire_u16(&wire, (uint16_t)(cookie + room + padding));
    if (cookie) {
        wire_u16(&wire, OPTION_COOKIE);
        wire_u16(&wire, (uint16_t)style->cookie->length);
        wire_bytes(&wire, style->cookie->bytes, style->cookie->length);
    }
    if (room) {
        wire_u16(&wire, OPTION_PADDING);
        wire_u16(&wire, (uint16_t)padding);
        wire_bytes(&wire, zeros, padding);
    }
    CHECK(!wire.failed);
    mask->length += wire_length(&wire);
    mask->bytes[ADDITIONAL_COUNT_AT + 1] = 1;
}

void query_mask_draw(struct query_mask *mask, const struct query_original *original, struct random_pool *pool,
                     const struct query_style *style)
{
    memcpy(mask->bytes, original->bytes, original->length);
    memset(mask->bytes + ADDITIONAL_COUNT_AT, 0, 2);
    mask->length = mask->question_end = original->length;
    mask->name_length = original->name_length;
    mask->mixed = style->mix_case;
    mask->edns = original->edns && !style->without_edns;
    mask->has_cookie = mask->edns && style->cookie;
    mask->cookie_known = mask->has_cookie && style->cookie->length > CLIENT_COOKIE_BYTES;
    if (mask->has_cookie)
        memcpy(mask->client_cookie, style->cookie->bytes, sizeof mask->client_cookie);
    if (style->zero_id)
        memset(mask->bytes, 0, 2);
    else
        query_mask_draw_id(mask, pool);
    if (style->mix_case)
        mix_case(mask, pool);
    if (mask->edns)
        add_opt(mask, original, style);
}

void query_mask_draw_id(struct query_mask *mask, struct random_pool *pool)
{
    random_pool_take(pool, mask->bytes, 2);
}

static bool same_but_for_case(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ascii_lower((char)a[i]) != ascii_lower((char)b[i]))
            return false;
    return true;
}

/* The first COOKIE option counts (RFC 7873 section 5.3). False: one of an illegal length, or of another client. */
static bool take_cookie(const struct query_mask *mask, struct str options, struct query_cookie *cookie)
{
    struct cursor cursor = cursor_over(options.data, options.length);
    cookie->length = 0;
    while (cursor_left(&cursor)) {
        uint16_t code = cursor_u16(&cursor), length = cursor_u16(&cursor);
        const uint8_t *bytes = cursor_bytes(&cursor, length);
        CHECK(!cursor.failed); /* dns_response_parse() has walked them */
        if (code != OPTION_COOKIE)
            continue;
        if (length != CLIENT_COOKIE_BYTES && (length < COOKIE_MIN_BYTES || length > COOKIE_MAX_BYTES))
            return false;
        if (memcmp(bytes, mask->client_cookie, sizeof mask->client_cookie))
            return false;
        memcpy(cookie->bytes, bytes, length);
        cookie->length = length;
        return true;
    }
    return true;
}

static bool is_rejection(const struct query_mask *mask, const struct dns_header *header, size_t n)
{
    uint16_t rcode = dns_header_rcode(header);
    return n == DNS_HEADER_BYTES && mask->edns && !header->qdcount && !header->ancount && !header->nscount &&
           !header->arcount && (rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP);
}

static enum query_match match_whole(const struct query_mask *mask, const uint8_t *reply, size_t n,
                                    struct query_reply *info)
{
    struct dns_message message;
    if (dns_response_parse(reply, n, &message) != ST_OK)
        return MATCH_NONE;
    info->edns = message.edns.present;
    info->rcode = dns_header_rcode(&message.header) | (unsigned)message.edns.extended_rcode << 4;
    info->cookie.length = 0;
    if (mask->has_cookie && !take_cookie(mask, message.edns.options, &info->cookie))
        return MATCH_NONE;
    return mask->cookie_known && !info->cookie.length ? MATCH_NO_COOKIE : MATCH_ANSWER;
}

enum query_match query_mask_match(const struct query_mask *mask, const uint8_t *reply, size_t n,
                                  struct query_reply *info)
{
    struct dns_header header;
    if (dns_header_parse(reply, n, &header) != ST_OK || memcmp(reply, mask->bytes, 2) ||
        !(header.flags & DNS_FLAG_QR) || dns_header_opcode(&header) != DNS_OPCODE_QUERY)
        return MATCH_NONE;
    info->rcode = dns_header_rcode(&header);
    if (is_rejection(mask, &header, n))
        return mask->cookie_known ? MATCH_NO_COOKIE : MATCH_REJECTED; /* RFC 7873 section 5.3 */
    const uint8_t *asked = mask->bytes + DNS_HEADER_BYTES, *echoed = reply + DNS_HEADER_BYTES;
    if (n < mask->question_end || header.qdcount != 1 ||
        memcmp(asked + mask->name_length, echoed + mask->name_length, QUESTION_TAIL_BYTES) ||
        !same_but_for_case(asked, echoed, mask->name_length))
        return MATCH_NONE;
    bool truncated = header.flags & DNS_FLAG_TC; /* servers cut in the middle of a record, too */
    enum query_match match = truncated ? MATCH_TRUNCATED : match_whole(mask, reply, n, info);
    if (match != MATCH_NONE && mask->mixed && memcmp(asked, echoed, mask->name_length))
        return MATCH_CASE_ONLY;
    return match;
}

void query_original_restore(const struct query_original *original, uint8_t *reply)
{
    memcpy(reply, original->bytes, 2);
    memcpy(reply + DNS_HEADER_BYTES, original->bytes + DNS_HEADER_BYTES, original->name_length);
}
