#include "message/dns_message.h"

#include "message/dns_rdata.h"

enum { OPCODE_SHIFT = 11, OPCODE_MASK = 15, RCODE_MASK = 15 };

uint16_t dns_header_opcode(const struct dns_header *header)
{
    return header->flags >> OPCODE_SHIFT & OPCODE_MASK;
}

uint16_t dns_header_rcode(const struct dns_header *header)
{
    return header->flags & RCODE_MASK;
}

static void read_header(struct cursor *cursor, struct dns_header *header)
{
    header->id = cursor_u16(cursor);
    header->flags = cursor_u16(cursor);
    header->qdcount = cursor_u16(cursor);
    header->ancount = cursor_u16(cursor);
    header->nscount = cursor_u16(cursor);
    header->arcount = cursor_u16(cursor);
}

enum status dns_header_parse(const uint8_t *packet, size_t n, struct dns_header *header)
{
    struct cursor cursor = cursor_over(packet, n);
    read_header(&cursor, header);
    return cursor.failed ? ST_TRUNCATED : ST_OK;
}

static enum status read_first(struct cursor *cursor, struct dns_message *message)
{
    message->question.name.length = 0;
    message->question_end = 0;
    message->records_end = 0;
    message->is_signed = false;
    message->edns = (struct dns_edns){0};
    read_header(cursor, &message->header);
    return cursor->failed ? ST_TRUNCATED : ST_OK;
}

/* The first name of a message cannot be compressed: nothing but the header stands before it. */
static enum status read_question(struct cursor *cursor, struct dns_message *message)
{
    if (message->header.qdcount != 1 || dns_name_parse(cursor, &message->question.name) != ST_OK)
        return ST_INVALID;
    message->question.type = cursor_u16(cursor);
    message->question.class = cursor_u16(cursor);
    if (cursor->failed)
        return ST_INVALID;
    message->question_end = cursor_offset(cursor);
    message->records_end = message->question_end;
    return ST_OK;
}

static enum status read_start(struct cursor *cursor, struct dns_message *message)
{
    enum status status = read_first(cursor, message);
    return status == ST_OK ? read_question(cursor, message) : status;
}

static struct cursor record_data(const uint8_t *packet, const struct dns_record *record)
{
    struct cursor data = cursor_over(packet, record->rdata_offset + record->rdata_length);
    cursor_bytes(&data, record->rdata_offset);
    return data;
}

/* draft-ietf-dnsop-structured-dns-error has an empty option for it; before, it was an extended error in the query. */
static bool wants_structured(struct cursor options)
{
    enum { OPTION_EDE = 15, OPTION_STRUCTURED_ERROR = 26 };
    while (cursor_left(&options)) {
        uint16_t code = cursor_u16(&options), length = cursor_u16(&options);
        cursor_bytes(&options, length);
        if (code == OPTION_EDE || (code == OPTION_STRUCTURED_ERROR && !length))
            return true;
    }
    return false;
}

/* RFC 6891 section 6.1.1: one at most, in the additional section, owned by the root. */
static enum status read_edns(const uint8_t *packet, const struct dns_record *record, struct dns_edns *edns)
{
    struct cursor data = record_data(packet, record);
    if (edns->present || record->section != DNS_ADDITIONAL || record->owner.length != 1 || !dns_rdata_options_fit(data))
        return ST_INVALID;
    edns->present = true;
    edns->udp_size = record->class;
    edns->extended_rcode = (uint8_t)(record->ttl >> 24);
    edns->version = (uint8_t)(record->ttl >> 16);
    edns->dnssec_ok = record->ttl & 0x8000;
    edns->structured = record->rdata_length && wants_structured(data);
    edns->options = (struct str){(const char *)data.at, record->rdata_length};
    return ST_OK;
}

/* RFC 8945 section 5.1 and RFC 2931 section 3: a signature of the message itself comes last. */
static bool is_message_signature(const uint8_t *packet, const struct dns_record *record)
{
    struct cursor data = record_data(packet, record);
    if (record->type == DNS_TYPE_TSIG)
        return true;
    return record->type == DNS_TYPE_SIG && !cursor_u16(&data) && !data.failed; /* covers type 0 */
}

/* RFC 8945 section 4.2; RFC 2931 section 3 has the form of RFC 4034's. */
static bool is_whole_signature(const uint8_t *packet, const struct dns_record *record)
{
    enum { TIME_AND_FUDGE_BYTES = 8, ID_AND_ERROR_BYTES = 4 };
    struct cursor data = record_data(packet, record);
    struct dname algorithm;
    if (record->type != DNS_TYPE_TSIG)
        return dns_rdata_fits(data, DNS_TYPE_RRSIG, DNS_CLASS_IN);
    if (record->class != DNS_CLASS_ANY || record->ttl || dns_name_parse(&data, &algorithm) != ST_OK)
        return false;
    cursor_bytes(&data, TIME_AND_FUDGE_BYTES);
    cursor_bytes(&data, cursor_u16(&data)); /* the MAC */
    cursor_bytes(&data, ID_AND_ERROR_BYTES);
    cursor_bytes(&data, cursor_u16(&data));
    return !data.failed && !cursor_left(&data);
}

static enum status read_query_records(const uint8_t *packet, size_t n, struct dns_message *message)
{
    struct dns_walk walk = dns_walk_start(packet, n, message);
    struct dns_record record;
    while (walk.left[DNS_ANSWER] || walk.left[DNS_AUTHORITY] || walk.left[DNS_ADDITIONAL]) {
        if (!dns_walk_next(&walk, &record))
            return ST_INVALID;
        if (record.type == DNS_TYPE_OPT && read_edns(packet, &record, &message->edns) != ST_OK)
            return ST_INVALID;
        bool last = record.section == DNS_ADDITIONAL && !walk.left[DNS_ADDITIONAL];
        if (is_message_signature(packet, &record)) {
            if (!last || !is_whole_signature(packet, &record))
                return ST_INVALID;
            message->is_signed = true;
        }
        message->records_end = cursor_offset(&walk.cursor);
    }
    return ST_OK;
}

static enum status parse_request(const uint8_t *packet, size_t n, unsigned max_answers, struct dns_message *message)
{
    struct cursor cursor = cursor_over(packet, n);
    enum status status = read_start(&cursor, message);
    if (status != ST_OK)
        return status;
    const struct dns_header *header = &message->header;
    unsigned max_authority = message->question.type == DNS_TYPE_IXFR; /* RFC 1995 section 3: the SOA one has */
    if (header->ancount > max_answers || header->nscount > max_authority || header->arcount > DNS_MAX_RECORDS)
        return ST_INVALID;
    return read_query_records(packet, n, message);
}

enum status dns_query_parse(const uint8_t *packet, size_t n, struct dns_message *message)
{
    return parse_request(packet, n, 0, message);
}

enum status dns_cookie_request_parse(const uint8_t *packet, size_t n, struct dns_message *message)
{
    struct cursor cursor = cursor_over(packet, n);
    enum status status = read_first(&cursor, message);
    if (status != ST_OK)
        return status;
    const struct dns_header *header = &message->header;
    if (header->qdcount || header->ancount || header->nscount || header->arcount > DNS_MAX_RECORDS)
        return ST_INVALID;
    message->question_end = DNS_HEADER_BYTES; /* where the records begin */
    status = read_query_records(packet, n, message);
    message->question_end = 0;
    return status;
}

enum status dns_notify_parse(const uint8_t *packet, size_t n, struct dns_message *message)
{
    return parse_request(packet, n, 1, message);
}

static enum status read_response_records(const uint8_t *packet, size_t n, struct dns_message *message)
{
    const struct dns_header *header = &message->header;
    struct dns_walk walk = dns_walk_start(packet, n, message);
    struct dns_record record;
    for (unsigned left = header->ancount + header->nscount + header->arcount; left; left--) {
        if (!dns_walk_next(&walk, &record))
            return ST_INVALID;
        if (record.type == DNS_TYPE_OPT) {
            if (read_edns(packet, &record, &message->edns) != ST_OK)
                return ST_INVALID;
        } else if (!dns_rdata_fits(record_data(packet, &record), record.type, record.class)) {
            return ST_INVALID;
        }
    }
    message->records_end = cursor_offset(&walk.cursor);
    return message->records_end == n ? ST_OK : ST_INVALID;
}

static bool is_query_response(const struct dns_header *header)
{
    return header->flags & DNS_FLAG_QR && dns_header_opcode(header) == DNS_OPCODE_QUERY;
}

enum status dns_response_parse(const uint8_t *packet, size_t n, struct dns_message *message)
{
    struct cursor cursor = cursor_over(packet, n);
    enum status status = read_start(&cursor, message);
    if (status != ST_OK)
        return status;
    const struct dns_header *header = &message->header;
    if (!is_query_response(header) || header->ancount + header->nscount + header->arcount > DNS_MAX_RECORDS)
        return ST_INVALID;
    return read_response_records(packet, n, message);
}

enum status dns_transfer_parse(const uint8_t *packet, size_t n, struct dns_message *message)
{
    struct cursor cursor = cursor_over(packet, n);
    enum status status = read_first(&cursor, message);
    if (status != ST_OK)
        return status;
    if (message->header.qdcount) {
        status = read_question(&cursor, message);
    } else {
        message->question.type = message->question.class = 0;
        message->question_end = cursor_offset(&cursor);
    }
    if (status != ST_OK || !is_query_response(&message->header))
        return ST_INVALID;
    return read_response_records(packet, n, message);
}
