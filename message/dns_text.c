#include "message/dns_text.h"

#include <stdio.h>
#include <string.h>

static void add_blank(struct buf *out, size_t start)
{
    if (out->length > start)
        buf_add_char(out, ' ');
}

static bool add_name(struct cursor *rdata, struct buf *out)
{
    char text[DNAME_TEXT_SIZE];
    struct dname name;
    if (dns_name_parse(rdata, &name) != ST_OK)
        return false;
    dname_to_text(&name, text);
    buf_add_text(out, text);
    return true;
}

static bool add_addr(struct cursor *rdata, bool v4, struct buf *out)
{
    char text[ADDR_TEXT_SIZE];
    struct addr addr = {0};
    const uint8_t *bytes = v4 ? NULL : cursor_bytes(rdata, sizeof addr.ip);
    if (v4)
        addr = addr_v4(cursor_u32(rdata), 0);
    else if (bytes)
        memcpy(addr.ip, bytes, sizeof addr.ip);
    addr_format_ip(&addr, text);
    buf_add_text(out, text);
    return !rdata->failed;
}

/* RFC 1035 section 5.1: quoted, with \DDD for what is not to be printed. */
static bool add_strings(struct cursor *rdata, size_t end, struct buf *out)
{
    size_t start = out->length;
    while (cursor_offset(rdata) < end && !rdata->failed) {
        size_t length = cursor_u8(rdata);
        const uint8_t *bytes = cursor_bytes(rdata, length);
        if (!bytes || cursor_offset(rdata) > end)
            return false;
        add_blank(out, start);
        buf_add_char(out, '"');
        for (size_t i = 0; i < length; i++)
            if (bytes[i] < ' ' || bytes[i] > '~')
                buf_printf(out, "\\%03u", bytes[i]);
            else
                buf_printf(out, bytes[i] == '"' || bytes[i] == '\\' ? "\\%c" : "%c", bytes[i]);
        buf_add_char(out, '"');
    }
    return !rdata->failed;
}

/* NUMBERS of 16 bits and a name. */
static bool add_numbers_and_name(struct cursor *rdata, unsigned numbers, struct buf *out)
{
    for (; numbers; numbers--)
        buf_printf(out, "%u ", cursor_u16(rdata));
    return add_name(rdata, out);
}

static bool add_soa(struct cursor *rdata, struct buf *out)
{
    if (!add_name(rdata, out))
        return false;
    buf_add_char(out, ' ');
    if (!add_name(rdata, out))
        return false;
    for (unsigned i = 0; i < 5; i++)
        buf_printf(out, " %u", cursor_u32(rdata));
    return !rdata->failed;
}

static bool add_known(struct cursor *rdata, const struct dns_record *record, struct buf *out)
{
    switch (record->type) {
    case DNS_TYPE_A:
        return add_addr(rdata, true, out);
    case DNS_TYPE_AAAA:
        return add_addr(rdata, false, out);
    case DNS_TYPE_NS:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_DNAME:
        return add_name(rdata, out);
    case DNS_TYPE_MX:
        return add_numbers_and_name(rdata, 1, out);
    case DNS_TYPE_SRV:
        return add_numbers_and_name(rdata, 3, out);
    case DNS_TYPE_SOA:
        return add_soa(rdata, out);
    case DNS_TYPE_TXT:
        return add_strings(rdata, record->rdata_offset + record->rdata_length, out);
    default:
        return false;
    }
}

void dns_rdata_format(const uint8_t *packet, size_t n, const struct dns_record *record, struct buf *out)
{
    size_t start = out->length;
    struct cursor rdata = cursor_over(packet, n);
    cursor_bytes(&rdata, record->rdata_offset);
    if (record->class == DNS_CLASS_IN && add_known(&rdata, record, out))
        return;
    out->length = start;
    buf_printf(out, "\\# %zu", record->rdata_length);
    for (size_t i = 0; i < record->rdata_length; i++)
        buf_printf(out, i ? "%02x" : " %02x", packet[record->rdata_offset + i]);
}

void dns_rcode_format(unsigned rcode, char out[DNS_RCODE_TEXT_SIZE])
{
    static const char *const names[] = {
        [DNS_RCODE_NOERROR] = "NOERROR",   [DNS_RCODE_FORMERR] = "FORMERR", [DNS_RCODE_SERVFAIL] = "SERVFAIL",
        [DNS_RCODE_NXDOMAIN] = "NXDOMAIN", [DNS_RCODE_NOTIMP] = "NOTIMP",   [DNS_RCODE_REFUSED] = "REFUSED",
        [DNS_RCODE_YXDOMAIN] = "YXDOMAIN", [DNS_RCODE_NOTAUTH] = "NOTAUTH", [DNS_RCODE_BADVERS] = "BADVERS",
    };
    if (rcode < sizeof names / sizeof names[0] && names[rcode])
        text_copy(out, DNS_RCODE_TEXT_SIZE, str_of(names[rcode]));
    else
        snprintf(out, DNS_RCODE_TEXT_SIZE, "RCODE%u", rcode);
}
