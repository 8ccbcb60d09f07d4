#include "dnsfilter/dns_keep.h"

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t soa_minimum(const uint8_t *response, const struct dns_record *record)
{
    struct cursor cursor = cursor_over(response + record->rdata_offset + record->rdata_length - 4, 4);
    return cursor_u32(&cursor);
}

/* What the records say. False: there are too many. */
static bool read_records(const uint8_t *response, size_t n, const struct dns_message *message, struct dns_keep *keep,
                         bool *answered, bool *aliased, uint32_t *negative_s)
{
    struct dns_walk walk = dns_walk_start(response, n, message);
    for (struct dns_record record; dns_walk_next(&walk, &record);) {
        if (keep->ttl_count == DNS_MAX_RECORDS)
            return false;
        keep->ttl_offsets[keep->ttl_count++] = (uint16_t)record.ttl_offset;
        /* RFC 8767 section 4: a TTL with the high bit is a large one, and is cut like any other. */
        keep->lifetime_s = min_u32(keep->lifetime_s, record.ttl);
        if (record.section == DNS_ANSWER) {
            *answered |= record.type == message->question.type;
            *aliased = true;
        }
        if (record.section == DNS_AUTHORITY && record.type == DNS_TYPE_SOA && !keep->soa_ttl_offset) {
            keep->soa_ttl_offset = record.ttl_offset;
            *negative_s = soa_minimum(response, &record); /* RFC 2308 section 5 */
        }
    }
    return true;
}

bool dns_keep_plan(const struct dns_keep_settings *settings, const uint8_t *response, size_t n,
                   const struct dns_message *message, struct dns_keep *keep)
{
    unsigned rcode = dns_header_rcode(&message->header);
    bool answered = false, aliased = false;
    uint32_t negative_s = 0;
    keep->failure = keep->negative = keep->every_type = false;
    keep->ttl_count = 0;
    keep->soa_ttl_offset = 0;
    keep->lifetime_s = settings->max_ttl_s;
    if (message->header.flags & DNS_FLAG_TC ||
        !read_records(response, n, message, keep, &answered, &aliased, &negative_s))
        return false;
    keep->failure = rcode != DNS_RCODE_NOERROR && rcode != DNS_RCODE_NXDOMAIN;
    keep->negative = rcode == DNS_RCODE_NXDOMAIN || (rcode == DNS_RCODE_NOERROR && !answered);
    /* RFC 2308 section 5: no such name holds for every type, but behind an alias it is said of another name. Of DS the
     * parent zone speaks (RFC 4035 section 3.1.4.1), which need not know of a zone that a network has for itself. */
    keep->every_type = rcode == DNS_RCODE_NXDOMAIN && !aliased && message->question.type != DNS_TYPE_DS;
    if (keep->failure)
        return true;
    if (keep->negative)
        keep->lifetime_s = min_u32(keep->lifetime_s, min_u32(negative_s, settings->max_negative_ttl_s));
    else if (keep->lifetime_s < settings->min_ttl_s)
        keep->lifetime_s = settings->min_ttl_s;
    return keep->lifetime_s && (!keep->negative || keep->soa_ttl_offset);
}

void dns_keep_clamp(const struct dns_keep_settings *settings, const struct dns_keep *keep, uint8_t *response)
{
    for (size_t i = 0; i < keep->ttl_count; i++) {
        uint16_t offset = keep->ttl_offsets[i];
        uint32_t most = settings->max_ttl_s, least = keep->negative ? 0 : settings->min_ttl_s;
        if (keep->negative && offset == keep->soa_ttl_offset)
            most = keep->lifetime_s;
        struct cursor cursor = cursor_over(response + offset, 4);
        uint32_t ttl = min_u32(cursor_u32(&cursor), most);
        struct wire wire = wire_into(response + offset, 4);
        wire_u32(&wire, ttl < least ? least : ttl);
    }
}
