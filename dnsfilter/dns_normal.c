#include "dnsfilter/dns_normal.h"

#include <string.h>

#include "message/dns_rdata.h"

enum {
    MAX_ALIASES = 16,
    OPTION_EDE = 15,
    MAX_NOTE_TEXT_BYTES = 255, /* more would push out the answer */
};

struct normal {
    const uint8_t *reply;
    size_t n;
    bool dnssec_ok;
    struct dns_message message;
    bool names_servers; /* an NS record was kept so far */
    unsigned aliases;
    struct dname chain[MAX_ALIASES + 1]; /* the name asked, then each alias's target */
};

static struct cursor rdata_of(const struct normal *normal, const struct dns_record *record)
{
    struct cursor cursor = cursor_over(normal->reply, record->rdata_offset + record->rdata_length);
    cursor_bytes(&cursor, record->rdata_offset);
    return cursor;
}

static struct dns_walk walk_of(const struct normal *normal)
{
    return dns_walk_start(normal->reply, normal->n, &normal->message);
}

static const struct dname *chain_end(const struct normal *normal)
{
    return &normal->chain[normal->aliases];
}

/* The type a record speaks of: a signature counts as what it signs. */
static uint16_t type_covered(const struct normal *normal, const struct dns_record *record)
{
    struct cursor rdata = rdata_of(normal, record);
    return record->type == DNS_TYPE_RRSIG ? cursor_u16(&rdata) : record->type;
}

/* One pass over the answer; aliases are nearly always in order, so that the second pass finds nothing more. */
static bool follow_aliases_once(struct normal *normal, bool *found)
{
    struct dns_walk walk = walk_of(normal);
    *found = false;
    for (struct dns_record record; dns_walk_next(&walk, &record) && record.section == DNS_ANSWER;) {
        if (record.type != DNS_TYPE_CNAME || !dname_equal(&record.owner, chain_end(normal)))
            continue;
        struct cursor rdata = rdata_of(normal, &record);
        if (normal->aliases == MAX_ALIASES || dns_name_parse(&rdata, &normal->chain[normal->aliases + 1]) != ST_OK)
            return false; /* a loop, too, ends here */
        normal->aliases++;
        *found = true;
    }
    return true;
}

static bool follow_aliases(struct normal *normal)
{
    normal->chain[0] = normal->message.question.name;
    normal->aliases = 0;
    if (normal->message.question.type == DNS_TYPE_CNAME)
        return true;
    for (bool found = true; found;)
        if (!follow_aliases_once(normal, &found))
            return false;
    return true;
}

static bool keep_in_answer(const struct normal *normal, const struct dns_record *record)
{
    uint16_t asked = normal->message.question.type, type = type_covered(normal, record);
    if ((type == asked || record->type == asked) && dname_equal(&record->owner, chain_end(normal)))
        return true;
    for (unsigned i = 0; i < normal->aliases; i++) {
        if (type == DNS_TYPE_CNAME && dname_equal(&record->owner, &normal->chain[i]))
            return true;
        if (type == DNS_TYPE_DNAME && dname_is_within(&normal->chain[i], &record->owner))
            return true;
    }
    /* An alias that was itself asked for may have been made of one above it (RFC 6672 section 3.1). */
    return asked == DNS_TYPE_CNAME && type == DNS_TYPE_DNAME && dname_is_within(chain_end(normal), &record->owner);
}

static bool keep_in_authority(const struct normal *normal, const struct dns_record *record)
{
    switch (type_covered(normal, record)) {
    case DNS_TYPE_NSEC: /* Of any name in the zone; means nothing but to those who check its signature. */
    case DNS_TYPE_NSEC3:
        return true;
    case DNS_TYPE_SOA:
    case DNS_TYPE_NS:
    case DNS_TYPE_DS:
        for (unsigned i = 0; i <= normal->aliases; i++)
            if (dname_is_within(&normal->chain[i], &record->owner))
                return true;
    }
    return false;
}

static bool is_proof(uint16_t type)
{
    return type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == DNS_TYPE_NSEC3;
}

static bool keep(const struct normal *normal, const struct dns_record *record)
{
    if (record->type == DNS_TYPE_OPT || record->type == DNS_TYPE_TSIG || record->class != DNS_CLASS_IN)
        return false; /* those two are between us and the upstream: RFC 6891 section 6.1.1, RFC 8945 */
    if (!normal->dnssec_ok && is_proof(record->type) && record->type != normal->message.question.type)
        return false; /* RFC 3225 section 3 */
    switch (record->section) {
    case DNS_ANSWER:
        return keep_in_answer(normal, record);
    case DNS_AUTHORITY:
        return keep_in_authority(normal, record);
    case DNS_ADDITIONAL: /* for rules on name servers' addresses (RPZ section 4.5); no client gets it */
        return normal->names_servers && (record->type == DNS_TYPE_A || record->type == DNS_TYPE_AAAA);
    }
    return false;
}

/* The usual case: all is kept but the end of the additional section. Copies the bytes with their compression, which
 * leads back only. */
static size_t copy_whole(struct normal *normal, uint8_t *out)
{
    struct dns_header header = normal->message.header;
    struct dns_walk walk = walk_of(normal);
    struct dns_record record;
    size_t n;
    normal->names_servers = false;
    while (walk.left[DNS_ANSWER] || walk.left[DNS_AUTHORITY]) {
        if (!dns_walk_next(&walk, &record) || !keep(normal, &record))
            return 0;
        normal->names_servers |= record.type == DNS_TYPE_NS;
    }
    n = cursor_offset(&walk.cursor);
    header.arcount = 0;
    for (unsigned i = 1; normal->names_servers && dns_walk_next(&walk, &record); i++) {
        if (!keep(normal, &record))
            continue;
        if (++header.arcount != i)
            return 0;
        n = cursor_offset(&walk.cursor);
    }
    struct dns_build build = {.wire = wire_into(out, DNS_MESSAGE_MAX), .header = header};
    wire_bytes(&build.wire, normal->reply, n);
    return dns_build_finish(&build);
}

/* The records that are kept, with names written out: compression pointers may lead into what is left behind. */
static size_t rebuild(struct normal *normal, uint8_t *out)
{
    struct dns_build build = dns_build_response(out, DNS_MESSAGE_MAX, &normal->message, 0);
    build.header.flags = normal->message.header.flags;
    struct dns_walk walk = walk_of(normal);
    normal->names_servers = false;
    for (struct dns_record record; dns_walk_next(&walk, &record);) {
        uint8_t rdata[DNS_MESSAGE_MAX];
        struct wire wire = wire_into(rdata, sizeof rdata);
        if (!keep(normal, &record))
            continue;
        normal->names_servers |= record.type == DNS_TYPE_NS;
        dns_rdata_expand(rdata_of(normal, &record), record.type, &wire);
        if (wire.failed)
            return 0;
        if (dname_equal(&record.owner, &normal->chain[0]))
            dns_build_own_record(&build, record.section, record.type, record.ttl, rdata, wire_length(&wire));
        else
            dns_build_record(&build, record.section, &record.owner, record.type, record.ttl, rdata, wire_length(&wire));
    }
    return dns_build_finish(&build);
}

/* RFC 8767 section 4: a TTL with the high bit is a large one, and is cut like any other. */
static bool clamp_ttls(uint8_t *response, size_t n, uint32_t max_ttl_s)
{
    struct dns_message message;
    if (dns_response_parse(response, n, &message) != ST_OK)
        return false;
    struct dns_walk walk = dns_walk_start(response, n, &message);
    for (struct dns_record record; dns_walk_next(&walk, &record);)
        if (record.ttl > max_ttl_s) {
            struct wire wire = wire_into(response + record.ttl_offset, 4);
            wire_u32(&wire, max_ttl_s);
        }
    return true;
}

static struct dns_note note_of(const struct dns_edns *edns)
{
    struct cursor options = cursor_over(edns->options.data, edns->options.length);
    while (cursor_left(&options)) {
        uint16_t option = cursor_u16(&options);
        struct cursor value = cursor_sub(&options, cursor_u16(&options));
        if (option != OPTION_EDE || cursor_left(&value) < 2)
            continue;
        struct dns_note note = {.code = cursor_u16(&value)};
        if (cursor_left(&value) <= MAX_NOTE_TEXT_BYTES)
            note.text = (struct str){(const char *)value.at, cursor_left(&value)};
        return note;
    }
    return dns_note_none;
}

size_t dns_normal_bare(uint8_t *response, size_t n)
{
    struct dns_message message;
    struct dns_header header;
    if (dns_header_parse(response, n, &header) != ST_OK || !header.arcount ||
        dns_response_parse(response, n, &message) != ST_OK)
        return n;
    struct dns_walk walk = dns_walk_start(response, n, &message);
    struct dns_record record;
    while (walk.left[DNS_ANSWER] || walk.left[DNS_AUTHORITY])
        if (!dns_walk_next(&walk, &record))
            return n;
    header.arcount = 0;
    struct dns_build build = {.wire = {response, response + cursor_offset(&walk.cursor), response + n, false},
                              .header = header};
    return dns_build_finish(&build);
}

size_t dns_normalise(const struct dns_question *asked, bool dnssec_ok, uint32_t max_ttl_s, const uint8_t *reply,
                     size_t n, struct dns_note *note, uint8_t *out)
{
    struct normal normal;
    normal.reply = reply;
    normal.n = n;
    normal.dnssec_ok = dnssec_ok;
    if (n > DNS_MESSAGE_MAX || dns_response_parse(reply, n, &normal.message) != ST_OK)
        return 0;
    const struct dns_message *message = &normal.message;
    if (message->question.type != asked->type || message->question.class != asked->class ||
        !dname_equal(&message->question.name, &asked->name))
        return 0;
    if (message->header.flags & DNS_FLAG_TC || message->edns.extended_rcode || !follow_aliases(&normal))
        return 0;
    *note = note_of(&message->edns);
    size_t length = copy_whole(&normal, out);
    if (!length)
        length = rebuild(&normal, out);
    return length && clamp_ttls(out, length, max_ttl_s) ? length : 0;
}
