#include <string.h>

#include "base/check.h"
#include "message/dns_message.h"

enum { OPT_FIXED_BYTES = 11 };

/* What stays of a message: all before END, and COUNTS records of it. */
struct kept {
    size_t end;
    uint16_t counts[3];
    bool has_opt;
};

static bool same_rrset(const struct dns_record *a, const struct dns_record *b)
{
    return a->section == b->section && a->type == b->type && a->class == b->class && dname_equal(&a->owner, &b->owner);
}

/* The longest run of whole RRsets that fits. OPT_BYTES are held back until the OPT record itself is passed. */
static struct kept keep_rrsets(const uint8_t *packet, const struct dns_message *message, size_t limit, size_t opt_bytes)
{
    struct kept safe = {.end = message->question_end}, now = safe;
    struct dns_walk walk = dns_walk_start(packet, message->records_end, message);
    struct dns_record records[2];
    for (unsigned i = 0; dns_walk_next(&walk, &records[i % 2]); i++) {
        const struct dns_record *record = &records[i % 2];
        if (i && !same_rrset(record, &records[(i + 1) % 2]))
            safe = now;
        if (record->type == DNS_TYPE_OPT) {
            now.has_opt = true;
            opt_bytes = 0;
        }
        now.end = cursor_offset(&walk.cursor);
        now.counts[record->section]++;
        if (now.end + opt_bytes > limit)
            return safe;
    }
    return now;
}

static void write_u16(uint8_t *packet, size_t offset, uint16_t value)
{
    packet[offset] = (uint8_t)(value >> 8);
    packet[offset + 1] = (uint8_t)value;
}

static size_t finish(uint8_t *packet, uint16_t flags, uint16_t qdcount, const struct kept *kept)
{
    write_u16(packet, 2, flags);
    write_u16(packet, 4, qdcount);
    for (unsigned i = 0; i < 3; i++)
        write_u16(packet, 6 + 2 * i, kept->counts[i]);
    return kept->end;
}

size_t dns_truncate(uint8_t *packet, size_t n, size_t limit)
{
    CHECK(limit >= DNS_HEADER_BYTES);
    if (n <= limit)
        return n;
    struct dns_message message;
    enum status status = dns_response_parse(packet, n, &message);
    uint16_t flags = message.header.flags | DNS_FLAG_TC;
    if (status != ST_OK || message.question_end > limit)
        return finish(packet, flags, 0, &(struct kept){.end = DNS_HEADER_BYTES});

    const struct str *options = &message.edns.options;
    size_t opt_bytes = message.edns.present ? OPT_FIXED_BYTES + options->length : 0;
    if (message.question_end + opt_bytes > limit)
        opt_bytes = 0;
    struct kept kept = keep_rrsets(packet, &message, limit, opt_bytes);
    if (opt_bytes && !kept.has_opt) {
        /* No name is in an OPT record and none can point into it, so it may be moved. */
        memmove(packet + kept.end, (const uint8_t *)options->data - OPT_FIXED_BYTES, opt_bytes);
        kept.end += opt_bytes;
        kept.counts[DNS_ADDITIONAL]++;
    }
    bool whole =
        kept.counts[DNS_ANSWER] == message.header.ancount && kept.counts[DNS_AUTHORITY] == message.header.nscount;
    return finish(packet, whole ? message.header.flags : flags, 1, &kept);
}
