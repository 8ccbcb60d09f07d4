#include "message/dns_message.h"

struct dns_walk dns_walk_start(const uint8_t *packet, size_t n, const struct dns_message *message)
{
    struct dns_walk walk = {
        .cursor = cursor_over(packet, n),
        .left = {message->header.ancount, message->header.nscount, message->header.arcount},
    };
    cursor_bytes(&walk.cursor, message->question_end);
    return walk;
}

bool dns_walk_next(struct dns_walk *walk, struct dns_record *record)
{
    enum dns_section section = DNS_ANSWER;
    while (section < DNS_ADDITIONAL && !walk->left[section])
        section++;
    if (!walk->left[section] || walk->cursor.failed)
        return false;
    walk->left[section]--;

    struct cursor *cursor = &walk->cursor;
    record->section = section;
    if (dns_name_parse(cursor, &record->owner) != ST_OK)
        cursor->failed = true;
    record->type = cursor_u16(cursor);
    record->class = cursor_u16(cursor);
    record->ttl_offset = cursor_offset(cursor);
    record->ttl = cursor_u32(cursor);
    record->rdata_length = cursor_u16(cursor);
    record->rdata_offset = cursor_offset(cursor);
    cursor_bytes(cursor, record->rdata_length);
    return !cursor->failed;
}
