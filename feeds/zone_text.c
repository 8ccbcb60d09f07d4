#include "feeds/zone_text.h"

#include <arpa/inet.h>
#include <string.h>

enum { TYPE_HINFO = 13, TYPE_RP = 17, TYPE_AFSDB = 18, TYPE_NAPTR = 35, TYPE_SPF = 99 };

/* How data is written out: n a name, s 16 bits, l 32 bits, q a quoted text, t all texts that are left, 4 and 6 an
 * address. NULL: in hexadecimal. A type stands here for its mnemonic, which tells the reader what it is, and where its
 * data may hold names, since those may be compressed (RFC 3597 section 4). */
static const struct {
    uint16_t type;
    const char *mnemonic, *fields;
} types[] = {
    {DNS_TYPE_A, "A", "4"},
    {DNS_TYPE_NS, "NS", "n"},
    {DNS_TYPE_CNAME, "CNAME", "n"},
    {DNS_TYPE_SOA, "SOA", "nnlllll"},
    {DNS_TYPE_PTR, "PTR", "n"},
    {TYPE_HINFO, "HINFO", "qq"},
    {DNS_TYPE_MX, "MX", "sn"},
    {DNS_TYPE_TXT, "TXT", "t"},
    {TYPE_RP, "RP", "nn"},
    {TYPE_AFSDB, "AFSDB", "sn"},
    {DNS_TYPE_AAAA, "AAAA", "6"},
    {29, "LOC", NULL},
    {33, "SRV", "sssn"},
    {TYPE_NAPTR, "NAPTR", "ssqqqn"},
    {37, "CERT", NULL},
    {DNS_TYPE_DNAME, "DNAME", "n"},
    {DNS_TYPE_DS, "DS", NULL},
    {44, "SSHFP", NULL},
    {DNS_TYPE_RRSIG, "RRSIG", NULL},
    {DNS_TYPE_NSEC, "NSEC", NULL},
    {48, "DNSKEY", NULL},
    {DNS_TYPE_NSEC3, "NSEC3", NULL},
    {51, "NSEC3PARAM", NULL},
    {52, "TLSA", NULL},
    {53, "SMIMEA", NULL},
    {59, "CDS", NULL},
    {60, "CDNSKEY", NULL},
    {63, "ZONEMD", NULL},
    {DNS_TYPE_SVCB, "SVCB", NULL},
    {DNS_TYPE_HTTPS, "HTTPS", NULL},
    {TYPE_SPF, "SPF", "t"},
    {256, "URI", NULL},
    {257, "CAA", NULL},
};

static void add_name(struct buf *out, struct dname *name)
{
    char text[DNAME_TEXT_SIZE];
    dname_lower(name);
    dname_to_text(name, text);
    buf_add_text(out, text);
    if (name->labels)
        buf_add_char(out, '.');
}

static void add_quoted(struct buf *out, struct cursor *data)
{
    uint8_t n = cursor_u8(data);
    const uint8_t *bytes = cursor_bytes(data, n);
    buf_add_char(out, '"');
    for (size_t i = 0; bytes && i < n; i++) {
        char c = (char)bytes[i];
        if (c < ' ' || c > '~') {
            buf_printf(out, "\\%03u", bytes[i]);
            continue;
        }
        if (c == '"' || c == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, c);
    }
    buf_add_char(out, '"');
}

static void add_address(struct buf *out, struct cursor *data, int family, size_t n)
{
    char text[INET6_ADDRSTRLEN];
    const uint8_t *bytes = cursor_bytes(data, n);
    if (bytes && inet_ntop(family, bytes, text, sizeof text))
        buf_add_text(out, text);
}

static void add_field(struct buf *out, struct cursor *data, char field)
{
    struct dname name;
    switch (field) {
    case 'n':
        if (dns_name_parse(data, &name) == ST_OK)
            add_name(out, &name);
        else
            data->failed = true;
        break;
    case 's':
        buf_printf(out, "%u", cursor_u16(data));
        break;
    case 'l':
        buf_printf(out, "%u", cursor_u32(data));
        break;
    case '4':
        add_address(out, data, AF_INET, 4);
        break;
    case '6':
        add_address(out, data, AF_INET6, 16);
        break;
    default: /* q, t */
        add_quoted(out, data);
        while (field == 't' && !data->failed && cursor_left(data)) {
            buf_add_char(out, ' ');
            add_quoted(out, data);
        }
    }
}

static struct cursor data_of(const uint8_t *packet, const struct dns_record *record)
{
    struct cursor data = cursor_over(packet, record->rdata_offset + record->rdata_length);
    cursor_bytes(&data, record->rdata_offset);
    return data;
}

static void add_unknown(struct buf *out, const uint8_t *packet, const struct dns_record *record)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *bytes = packet + record->rdata_offset;
    size_t n = record->rdata_length;
    buf_printf(out, "\\# %zu", n);
    char *to = n ? buf_reserve(out, 2 * n + 1) : NULL;
    if (!to)
        return;
    *to++ = ' ';
    for (size_t i = 0; i < n; i++) {
        *to++ = hex[bytes[i] >> 4];
        *to++ = hex[bytes[i] & 15];
    }
    out->length += 2 * n + 1;
}

enum status zone_text_add(struct buf *out, const uint8_t *packet, const struct dns_record *record)
{
    struct cursor data = data_of(packet, record);
    struct dname owner = record->owner;
    const char *mnemonic = NULL, *fields = NULL;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == record->type) {
            mnemonic = types[i].mnemonic;
            fields = types[i].fields;
        }
    add_name(out, &owner);
    buf_printf(out, " %u IN ", record->ttl);
    if (mnemonic)
        buf_add_text(out, mnemonic);
    else
        buf_printf(out, "TYPE%u", record->type);
    buf_add_char(out, ' ');
    if (!fields) {
        add_unknown(out, packet, record);
        return ST_OK;
    }
    for (const char *field = fields; *field; field++) {
        if (field > fields)
            buf_add_char(out, ' ');
        add_field(out, &data, *field);
    }
    return data.failed || cursor_left(&data) ? ST_INVALID : ST_OK;
}

/* What stands before and behind the TTL. */
static void split(struct str line, struct str *owner, struct str *rest)
{
    struct str ttl;
    if (!str_cut(line, ' ', owner, rest) || !str_cut(*rest, ' ', &ttl, rest)) {
        *owner = line;
        *rest = (struct str){0};
    }
}

static int compare(struct str a, struct str b)
{
    size_t n = a.length < b.length ? a.length : b.length;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

int zone_text_compare(struct str a, struct str b)
{
    struct str a_owner, a_rest, b_owner, b_rest;
    split(a, &a_owner, &a_rest);
    split(b, &b_owner, &b_rest);
    int order = compare(a_owner, b_owner);
    return order ? order : compare(a_rest, b_rest);
}

struct zone_soa zone_soa_read(const uint8_t *packet, const struct dns_record *record)
{
    struct cursor data = data_of(packet, record);
    struct zone_soa soa = {0};
    struct dname name;
    if (dns_name_parse(&data, &name) != ST_OK || dns_name_parse(&data, &name) != ST_OK)
        return soa;
    soa.serial = cursor_u32(&data);
    soa.refresh_s = cursor_u32(&data);
    soa.retry_s = cursor_u32(&data);
    soa.expire_s = cursor_u32(&data);
    return soa;
}

enum status zone_soa_parse(struct str line, const struct dname *zone, struct zone_soa *soa)
{
    struct str owner = str_word(&line);
    struct dname name;
    uint64_t numbers[4];
    if (dname_from_text(owner, &name) != ST_OK || !dname_equal(&name, zone))
        return ST_INVALID;
    str_word(&line); /* TTL */
    if (!str_eq(str_word(&line), STR("IN")) || !str_eq(str_word(&line), STR("SOA")))
        return ST_INVALID;
    str_word(&line); /* MNAME */
    str_word(&line); /* RNAME */
    for (size_t i = 0; i < 4; i++)
        if (text_u64(str_word(&line), UINT32_MAX, &numbers[i]) != ST_OK)
            return ST_INVALID;
    *soa = (struct zone_soa){(uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2], (uint32_t)numbers[3]};
    return ST_OK;
}
