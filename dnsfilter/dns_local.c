#include "dnsfilter/dns_local.h"

#include <string.h>

#include "message/dns_rdata.h"

enum { MAX_TTL_S = 3600 }; /* as others bound what policy zones say, so that what is taken back is soon gone */

struct local_record {
    uint16_t type;
    uint32_t ttl_s;
    struct str rdata;
};

/* False at the end. What is not as its type wants it, which a zone may have in hexadecimal, is left out. */
static bool next_record(struct cursor *data, struct local_record *record)
{
    while (cursor_left(data)) {
        record->type = cursor_u16(data);
        record->ttl_s = cursor_u32(data);
        record->rdata.length = cursor_u16(data);
        record->rdata.data = (const char *)cursor_bytes(data, record->rdata.length);
        if (data->failed)
            return false;
        if (record->ttl_s > MAX_TTL_S)
            record->ttl_s = MAX_TTL_S;
        if (dns_rdata_fits(cursor_over(record->rdata.data, record->rdata.length), record->type, DNS_CLASS_IN))
            return true;
    }
    return false;
}

/* The target of an alias; a label "*" at its start stands for NAME. */
static enum status target_of(const struct local_record *record, const struct dname *name, struct dname *target)
{
    struct str rdata = record->rdata;
    uint8_t wire[2 * DNAME_MAX_BYTES];
    struct wire joined = wire_into(wire, sizeof wire);
    if (str_starts(rdata, STR("\1*")) && rdata.length > 3) {
        wire_bytes(&joined, name->wire, name->length - 1u);
        rdata = str_from(rdata, 2);
    }
    wire_bytes(&joined, rdata.data, rdata.length);
    return joined.failed ? ST_TOO_LARGE : dname_from_wire(wire, wire_length(&joined), target);
}

static bool find_alias(struct str data, const struct dname *name, struct dname *target, uint32_t *ttl_s,
                       enum status *status)
{
    struct cursor cursor = cursor_over(data.data, data.length);
    struct local_record record;
    while (next_record(&cursor, &record)) {
        if (record.type != DNS_TYPE_CNAME)
            continue;
        *ttl_s = record.ttl_s;
        *status = target_of(&record, name, target);
        return true;
    }
    return false;
}

bool dns_local_alias(struct str data, const struct dns_question *question, struct dns_alias *alias)
{
    enum status status;
    return question->type != DNS_TYPE_CNAME && question->type != DNS_TYPE_ANY &&
           find_alias(data, &question->name, &alias->target, &alias->ttl_s, &status) && status == ST_OK;
}

static size_t finish(struct dns_build *build, const struct dns_message *query, unsigned rcode, struct dns_note note,
                     size_t limit)
{
    size_t n = dns_answer_end(build, query, rcode, note);
    return n > limit ? dns_truncate(build->wire.start, n, limit) : n;
}

size_t dns_local_answer(uint8_t *out, size_t size, size_t limit, const struct dns_message *query, struct str data,
                        const struct dns_settings *settings, const struct verdict *verdict)
{
    const struct dns_question *question = &query->question;
    char why[DNS_NOTE_SIZE];
    struct dname target;
    uint32_t ttl_s;
    enum status status = ST_OK;
    bool alias = question->type != DNS_TYPE_ANY && find_alias(data, &question->name, &target, &ttl_s, &status);
    unsigned rcode = status == ST_OK ? DNS_RCODE_NOERROR : DNS_RCODE_YXDOMAIN;
    struct dns_build build = dns_build_response(out, size, query, rcode);
    struct cursor cursor = cursor_over(data.data, data.length);
    struct local_record record;
    if (alias && status == ST_OK)
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_CNAME, ttl_s, target.wire, target.length);
    while (!alias && next_record(&cursor, &record))
        if (record.type == question->type)
            dns_build_own_record(&build, DNS_ANSWER, record.type, record.ttl_s, record.rdata.data, record.rdata.length);
    if (!build.header.ancount)
        dns_answer_add_soa(&build, DNS_AUTHORITY, NULL, settings->block_ttl_s);
    return finish(&build, query, rcode, dns_answer_block_note(verdict, settings, why), limit);
}

/* The names in RESPONSE's records are written out, as they have moved. */
static void copy_records(struct dns_build *build, const uint8_t *response, size_t n, const struct dns_message *message)
{
    struct dns_walk walk = dns_walk_start(response, n, message);
    for (struct dns_record record; dns_walk_next(&walk, &record) && record.section != DNS_ADDITIONAL;) {
        uint8_t bytes[DNS_MESSAGE_MAX];
        struct wire wire = wire_into(bytes, sizeof bytes);
        struct cursor rdata = cursor_over(response, record.rdata_offset + record.rdata_length);
        cursor_bytes(&rdata, record.rdata_offset);
        dns_rdata_expand(rdata, record.type, &wire);
        build->wire.failed |= wire.failed;
        dns_build_record(build, record.section, &record.owner, record.type, record.ttl, bytes, wire_length(&wire));
    }
}

size_t dns_local_join(uint8_t *out, size_t size, size_t limit, const struct dns_message *query,
                      const struct dns_alias *alias, const uint8_t *response, size_t n)
{
    struct dns_message message;
    if (dns_response_parse(response, n, &message) != ST_OK)
        return 0;
    unsigned rcode = dns_header_rcode(&message.header);
    struct dns_build build = dns_build_response(out, size, query, rcode);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_CNAME, alias->ttl_s, alias->target.wire, alias->target.length);
    copy_records(&build, response, n, &message);
    struct dns_note note = {.code = alias->code,
                            .text = str_of(alias->why),
                            .sub_error = alias->sub_error,
                            .contact = str_of(alias->contact)};
    return finish(&build, query, rcode, note, limit);
}
