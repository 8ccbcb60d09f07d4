#include "message/dns_opt.h"

#include <string.h>

enum { RDLENGTH_OFFSET = 9, POINTER_BITS = 0xc0, QUESTION_REST_BYTES = 4 };

bool dns_option_find(struct str options, uint16_t code, struct str *data)
{
    struct cursor cursor = cursor_over(options.data, options.length);
    while (cursor_left(&cursor)) {
        uint16_t found = cursor_u16(&cursor), length = cursor_u16(&cursor);
        const uint8_t *bytes = cursor_bytes(&cursor, length);
        if (!bytes)
            return false;
        if (found == code) {
            *data = (struct str){(const char *)bytes, length};
            return true;
        }
    }
    return false;
}

static void skip_name(struct cursor *cursor)
{
    for (uint8_t length; (length = cursor_u8(cursor)) && !cursor->failed;) {
        if ((length & POINTER_BITS) == POINTER_BITS) {
            cursor_u8(cursor);
            return;
        }
        cursor_bytes(cursor, length);
    }
}

/* The records after the questions. */
static struct cursor skip_questions(const uint8_t *packet, size_t n, struct dns_header *header)
{
    struct cursor cursor = cursor_over(packet, n);
    cursor_bytes(&cursor, DNS_HEADER_BYTES);
    cursor.failed |= dns_header_parse(packet, n, header) != ST_OK;
    for (unsigned i = 0; !cursor.failed && i < header->qdcount; i++) {
        skip_name(&cursor);
        cursor_bytes(&cursor, QUESTION_REST_BYTES);
    }
    return cursor;
}

struct skimmed {
    uint16_t type;
    uint32_t ttl_s;
};

static struct skimmed skip_record(struct cursor *cursor)
{
    struct skimmed record;
    skip_name(cursor);
    record.type = cursor_u16(cursor);
    cursor_u16(cursor); /* the class */
    record.ttl_s = cursor_u32(cursor);
    cursor_bytes(cursor, cursor_u16(cursor));
    return record;
}

enum status dns_opt_find(const uint8_t *packet, size_t n, size_t *offset)
{
    struct dns_header header;
    struct cursor cursor = skip_questions(packet, n, &header);
    if (cursor.failed || !header.arcount)
        return ST_NOT_FOUND;
    for (unsigned left = header.ancount + header.nscount + header.arcount - 1u; left && !cursor.failed; left--)
        skip_record(&cursor);
    *offset = cursor_offset(&cursor);
    bool root = cursor_left(&cursor) && !*cursor.at, opt = skip_record(&cursor).type == DNS_TYPE_OPT;
    return root && opt && !cursor.failed && !cursor_left(&cursor) ? ST_OK : ST_NOT_FOUND;
}

uint32_t dns_least_ttl_s(const uint8_t *packet, size_t n)
{
    struct dns_header header;
    struct cursor cursor = skip_questions(packet, n, &header);
    uint32_t least_s = UINT32_MAX;
    for (unsigned i = 0; !cursor.failed && i < (unsigned)header.ancount + header.nscount; i++) {
        struct skimmed record = skip_record(&cursor);
        if (i == header.ancount && header.ancount)
            break;
        if ((header.ancount || record.type == DNS_TYPE_SOA) && record.ttl_s < least_s)
            least_s = record.ttl_s;
    }
    return cursor.failed || least_s == UINT32_MAX ? 0 : least_s;
}

size_t dns_opt_add(uint8_t *packet, size_t n, size_t size, size_t offset, uint16_t code, const void *data,
                   size_t length)
{
    size_t options = n - offset - DNS_OPT_FIXED_BYTES + DNS_OPTION_HEAD_BYTES + length;
    if (options > UINT16_MAX || n > size || DNS_OPTION_HEAD_BYTES + length > size - n)
        return n;
    struct wire wire = {.start = packet, .at = packet + n, .end = packet + size};
    wire_u16(&wire, code);
    wire_u16(&wire, (uint16_t)length);
    if (data)
        wire_bytes(&wire, data, length);
    else
        memset(wire.at, 0, length);
    wire_patch_u16(&wire, offset + RDLENGTH_OFFSET, (uint16_t)options);
    return n + DNS_OPTION_HEAD_BYTES + length;
}
