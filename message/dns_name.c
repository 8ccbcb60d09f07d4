/* Names in messages: RFC 1035 section 4.1.4. */
#include <string.h>

#include "message/dns_message.h"

/* A pointer to a pointer adds no label, so that the length of the name alone does not bound the work. */
enum { MAX_POINTERS = DNAME_MAX_LABELS };

static bool add_label(struct dname *name, const uint8_t *bytes, uint8_t count)
{
    if (!bytes || name->length + 1u + count > DNAME_MAX_BYTES)
        return false;
    name->wire[name->length] = count;
    memcpy(name->wire + name->length + 1, bytes, count);
    name->length = (uint8_t)(name->length + 1 + count);
    name->labels = (uint8_t)(name->labels + (count ? 1 : 0));
    return true;
}

enum status dns_name_parse(struct cursor *cursor, struct dname *name)
{
    struct cursor at = *cursor;
    size_t piece = cursor_offset(&at); /* where the labels now being read start */
    unsigned pointers = 0;
    name->length = 0;
    name->labels = 0;
    for (;;) {
        uint8_t count = cursor_u8(&at);
        if (count >= 0xc0) {
            size_t target = (size_t)(count & 0x3f) << 8 | cursor_u8(&at);
            if (at.failed || target >= piece || target < DNS_HEADER_BYTES || ++pointers > MAX_POINTERS)
                return ST_INVALID;
            if (pointers == 1)
                *cursor = at;
            /* What is pointed to must end before the labels that led here: a prior name, not whatever bytes follow. */
            at.end = at.start + piece;
            at.at = at.start + target;
            piece = target;
            continue;
        }
        if (at.failed || count > 63 || !add_label(name, cursor_bytes(&at, count), count))
            return ST_INVALID;
        if (!count)
            break;
    }
    if (!pointers)
        *cursor = at;
    return ST_OK;
}
