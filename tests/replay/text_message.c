#include "tests/replay/text_message.h"

#include <stdio.h>
#include <string.h>

static const struct {
    uint16_t value;
    const char *text;
} types[] =
    {
        {1, "A"},      {2, "NS"},     {5, "CNAME"},   {6, "SOA"},     {12, "PTR"},     {13, "HINFO"}, {15, "MX"},
        {16, "TXT"},   {28, "AAAA"},  {33, "SRV"},    {39, "DNAME"},  {43, "DS"},      {46, "RRSIG"}, {47, "NSEC"},
        {50, "NSEC3"}, {64, "SVCB"},  {65, "HTTPS"},  {41, "OPT"},    {128, "NXNAME"}, {249, "TKEY"}, {250, "TSIG"},
        {251, "IXFR"}, {252, "AXFR"}, {253, "MAILB"}, {254, "MAILA"}, {255, "ANY"},
},
  rcodes[] = {{0, "NOERROR"}, {1, "FORMERR"},  {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {4, "NOTIMP"},
              {5, "REFUSED"}, {6, "YXDOMAIN"}, {9, "NOTAUTH"},  {16, "BADVERS"}, {23, "BADCOOKIE"}},
  flags[] = {{DNS_FLAG_AA, "AA"}, {DNS_FLAG_TC, "TC"}, {DNS_FLAG_RD, "RD"},
             {DNS_FLAG_RA, "RA"}, {DNS_FLAG_AD, "AD"}, {DNS_FLAG_CD, "CD"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint16_t type_from_text(struct str text)
{
    uint64_t number;
    for (size_t i = 0; i < COUNT(types); i++)
        if (str_eq(text, str_of(types[i].text)))
            return types[i].value;
    if (str_starts(text, STR("TYPE")) && text_u64(str_from(text, 4), 65535, &number) == ST_OK)
        return (uint16_t)number;
    return 0;
}

static void type_to_text(uint16_t type, struct buf *out)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].value == type) {
            buf_add_text(out, types[i].text);
            return;
        }
    buf_printf(out, "TYPE%u", type);
}

bool rcode_from_text(struct str text, unsigned *rcode)
{
    for (size_t i = 0; i < COUNT(rcodes); i++)
        if (str_eq(text, str_of(rcodes[i].text))) {
            *rcode = rcodes[i].value;
            return true;
        }
    return false;
}

const char *rcode_text(unsigned rcode)
{
    for (size_t i = 0; i < COUNT(rcodes); i++)
        if (rcodes[i].value == rcode)
            return rcodes[i].text;
    return "RCODE?";
}

bool flag_from_text(struct str text, uint16_t *flag)
{
    for (size_t i = 0; i < COUNT(flags); i++)
        if (str_eq(text, str_of(flags[i].text))) {
            *flag = flags[i].value;
            return true;
        }
    return false;
}

static bool add_name(struct str text, struct wire *wire)
{
    struct dname name;
    if (dname_from_text(text, &name) != ST_OK)
        return false;
    wire_bytes(wire, name.wire, name.length);
    return true;
}

static bool add_number(struct str text, unsigned bytes, struct wire *wire)
{
    uint64_t value;
    if (text_u64(text, bytes == 2 ? 65535 : UINT32_MAX, &value) != ST_OK)
        return false;
    if (bytes == 2)
        wire_u16(wire, (uint16_t)value);
    else
        wire_u32(wire, (uint32_t)value);
    return true;
}

static bool add_hex(struct str text, struct wire *wire)
{
    for (size_t i = 0; i + 1 < text.length; i += 2) {
        int high = hex_value(text.data[i]), low = hex_value(text.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        wire_u8(wire, (uint8_t)(high * 16 + low));
    }
    return text.length % 2 == 0;
}

static bool add_rdata(uint16_t type, struct str text, struct wire *wire)
{
    struct str first = str_word(&text);
    struct addr addr;
    if (str_eq(first, STR("\\#")))
        return add_hex(str_trim(text), wire);
    switch (type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        if (addr_parse_ip(first, &addr) != ST_OK)
            return false;
        wire_bytes(wire, addr.ip + (type == DNS_TYPE_A ? 12 : 0), type == DNS_TYPE_A ? 4 : 16);
        return true;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME:
        return add_name(first, wire);
    case DNS_TYPE_MX:
        return add_number(first, 2, wire) && add_name(str_word(&text), wire);
    case DNS_TYPE_TXT:
        wire_u8(wire, (uint8_t)first.length);
        wire_bytes(wire, first.data, first.length);
        return true;
    case DNS_TYPE_SOA:
        if (!add_name(first, wire) || !add_name(str_word(&text), wire))
            return false;
        for (unsigned i = 0; i < 4; i++)
            wire_u32(wire, 1);
        return add_number(str_word(&text), 4, wire);
    default:
        return false;
    }
}

bool record_from_text(struct str text, enum dns_section section, struct dns_build *build)
{
    struct dname owner;
    uint64_t ttl;
    uint8_t rdata[4096];
    struct wire wire = wire_into(rdata, sizeof rdata);
    if (dname_from_text(str_word(&text), &owner) != ST_OK || text_u64(str_word(&text), UINT32_MAX, &ttl) != ST_OK)
        return false;
    uint16_t type = type_from_text(str_word(&text));
    if (!type || !add_rdata(type, text, &wire) || wire.failed)
        return false;
    dns_build_record(build, section, &owner, type, (uint32_t)ttl, rdata, wire_length(&wire));
    return true;
}

static void name_to_text(struct cursor *cursor, struct buf *out)
{
    struct dname name;
    char text[DNAME_TEXT_SIZE] = "?";
    if (dns_name_parse(cursor, &name) == ST_OK)
        dname_to_text(&name, text);
    buf_add_text(out, text);
}

static void rdata_to_text(const uint8_t *data, const struct dns_record *record, struct buf *out)
{
    struct cursor rdata = cursor_over(data, record->rdata_offset + record->rdata_length);
    struct addr addr = addr_v4(0, 0);
    char text[ADDR_TEXT_SIZE];
    cursor_bytes(&rdata, record->rdata_offset);
    switch (record->type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        memcpy(addr.ip + (record->type == DNS_TYPE_A ? 12 : 0), rdata.at, record->rdata_length);
        addr_format_ip(&addr, text);
        buf_add_text(out, text);
        break;
    case DNS_TYPE_MX:
        buf_printf(out, "%u ", cursor_u16(&rdata));
        name_to_text(&rdata, out);
        break;
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME:
        name_to_text(&rdata, out);
        break;
    case DNS_TYPE_SOA:
        name_to_text(&rdata, out);
        buf_add_char(out, ' ');
        name_to_text(&rdata, out);
        cursor_bytes(&rdata, 16);
        buf_printf(out, " %u", cursor_u32(&rdata));
        break;
    case DNS_TYPE_TXT:
        buf_add(out, rdata.at + 1, cursor_left(&rdata) - 1);
        break;
    default:
        buf_add_text(out, "\\# ");
        while (cursor_left(&rdata))
            buf_printf(out, "%02x", cursor_u8(&rdata));
    }
}

static void opt_to_text(const struct dns_edns *edns, struct buf *out)
{
    struct cursor options = cursor_over(edns->options.data, edns->options.length);
    buf_printf(out, "opt %u%s\n", edns->udp_size, edns->dnssec_ok ? " DO" : "");
    while (cursor_left(&options)) {
        uint16_t code = cursor_u16(&options), length = cursor_u16(&options);
        struct cursor value = cursor_sub(&options, length);
        if (code == 12) {
            buf_printf(out, "padding %u\n", length);
            continue;
        }
        if (code != 15) {
            buf_printf(out, "option %u%s", code, length ? " " : "");
            while (cursor_left(&value))
                buf_printf(out, "%02x", cursor_u8(&value));
            buf_add_char(out, '\n');
            continue;
        }
        uint16_t ede = cursor_u16(&value);
        buf_printf(out, "ede %u%s%.*s\n", ede, cursor_left(&value) ? " " : "", (int)cursor_left(&value),
                   (const char *)value.at);
    }
}

/* The reply to a NOTIFY has the form of a response but for its opcode. */
static bool parse_reply(const uint8_t *data, size_t n, struct dns_message *message, bool *notify)
{
    static uint8_t copy[DNS_MESSAGE_MAX];
    *notify = n > DNS_HEADER_BYTES && n <= sizeof copy && (data[2] & 0x78) == DNS_OPCODE_NOTIFY << 3;
    if (!*notify && n > DNS_HEADER_BYTES && !data[4] && !data[5]) /* of a query for a cookie alone */
        return dns_transfer_parse(data, n, message) == ST_OK;
    if (!*notify)
        return dns_response_parse(data, n, message) == ST_OK;
    memcpy(copy, data, n);
    copy[2] &= 0x87;
    return dns_response_parse(copy, n, message) == ST_OK;
}

void message_to_text(const uint8_t *data, size_t n, struct buf *out)
{
    bool notify;
    static const char *const sections[] = {"answer", "authority", "additional"};
    struct dns_message message;
    if (n == DNS_HEADER_BYTES && dns_header_parse(data, n, &message.header) == ST_OK) {
        buf_printf(out, "reply %s bare\n", rcode_text(dns_header_rcode(&message.header)));
        return;
    }
    if (!parse_reply(data, n, &message, &notify)) {
        buf_add_text(out, "malformed\n");
        return;
    }
    unsigned rcode = dns_header_rcode(&message.header) + message.edns.extended_rcode * 16u;
    buf_printf(out, "reply %s%s", rcode_text(rcode), notify ? " NOTIFY" : "");
    for (size_t i = 0; i < COUNT(flags); i++)
        if (message.header.flags & flags[i].value)
            buf_printf(out, " %s", flags[i].text);
    char name[DNAME_TEXT_SIZE];
    buf_add_char(out, '\n');
    if (message.header.qdcount) {
        dname_to_text(&message.question.name, name);
        buf_printf(out, "question %s ", name);
        type_to_text(message.question.type, out);
        buf_add_char(out, '\n');
    }
    struct dns_walk walk = dns_walk_start(data, n, &message);
    for (struct dns_record record; dns_walk_next(&walk, &record);) {
        if (record.type == DNS_TYPE_OPT)
            continue;
        dname_to_text(&record.owner, name);
        buf_printf(out, "%s %s %u ", sections[record.section], name, record.ttl);
        type_to_text(record.type, out);
        buf_add_char(out, ' ');
        rdata_to_text(data, &record, out);
        buf_add_char(out, '\n');
    }
    if (message.edns.present)
        opt_to_text(&message.edns, out);
}
