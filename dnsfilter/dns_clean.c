#include "dnsfilter/dns_clean.h"

#include <string.h>

#include "dnsfilter/dns_answer.h"
#include "message/dns_rdata.h"
#include "message/dns_svcb.h"

enum { CLEAN_TTL_S = 60 /* of the SOA: the user may make an exception at any time */ };

/* ---- addresses ---- */

static bool is_private_v4(const uint8_t *ip)
{
    switch (ip[0]) {
    case 0:
    case 10:
    case 127:
        return true;
    case 100:
        return (ip[1] & 0xc0) == 64; /* RFC 6598 */
    case 169:
        return ip[1] == 254;
    case 172:
        return (ip[1] & 0xf0) == 16;
    case 192:
        return ip[1] == 168;
    case 255:
        return ip[1] == 255 && ip[2] == 255 && ip[3] == 255;
    default:
        return false;
    }
}

static bool is_private_v6(const uint8_t *ip)
{
    static const uint8_t zeros[12], mapped[12] = {[10] = 0xff, 0xff}, nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const uint8_t local_nat64[6] = {0, 0x64, 0xff, 0x9b, 0, 1};
    switch (ip[0]) {
    case 0:
        if (!memcmp(ip, mapped, sizeof mapped) || !memcmp(ip, nat64, sizeof nat64) || /* RFC 6052 */
            !memcmp(ip, local_nat64, sizeof local_nat64))                             /* RFC 8215, a /96 of it */
            return is_private_v4(ip + 12);
        return !memcmp(ip, zeros, sizeof zeros); /* ::, ::1, and what RFC 4291 section 2.5.5.1 gave up */
    case 0x20:
        return ip[1] == 0x02 && is_private_v4(ip + 2); /* RFC 3056 */
    case 0xfc:
    case 0xfd:
        return true;
    case 0xfe:
        return ip[1] >= 0x80; /* link-local, and the site-local of before */
    default:
        return false;
    }
}

bool dns_clean_is_private(const struct addr *addr)
{
    return is_private_v6(addr->ip);
}

/* ---- finding ---- */

static struct cursor rdata_of(const uint8_t *response, const struct dns_record *record)
{
    struct cursor cursor = cursor_over(response, record->rdata_offset + record->rdata_length);
    cursor_bytes(&cursor, record->rdata_offset);
    return cursor;
}

static bool is_private_hint(uint16_t key, const uint8_t *ip)
{
    return key == DNS_SVC_IPV4_HINT ? is_private_v4(ip) : is_private_v6(ip);
}

static size_t hint_size(uint16_t key)
{
    return key == DNS_SVC_IPV4_HINT ? 4 : key == DNS_SVC_IPV6_HINT ? 16 : 0;
}

static bool is_h3(const uint8_t *id, size_t n)
{
    return n >= 2 && id[0] == 'h' && id[1] == '3'; /* h3, and its drafts h3-29 ... */
}

/* How many of a value's elements there are, and how many of them go. */
struct share {
    size_t all, lost;
};

static struct share share_of(struct dns_svc_param param, unsigned wanted)
{
    struct share share = {0};
    size_t unit = hint_size(param.key);
    while (unit && wanted & DNS_CLEAN_PRIVATE && cursor_left(&param.value)) {
        share.all++;
        share.lost += is_private_hint(param.key, cursor_bytes(&param.value, unit));
    }
    while (param.key == DNS_SVC_ALPN && wanted & DNS_CLEAN_H3 && cursor_left(&param.value)) {
        size_t length = cursor_u8(&param.value);
        share.all++;
        share.lost += is_h3(cursor_bytes(&param.value, length), length);
    }
    if (param.key == DNS_SVC_ECH && wanted & DNS_CLEAN_ECH)
        share.all = share.lost = 1;
    return share;
}

static unsigned clean_of_key(uint16_t key)
{
    return key == DNS_SVC_ECH ? DNS_CLEAN_ECH : key == DNS_SVC_ALPN ? DNS_CLEAN_H3 : DNS_CLEAN_PRIVATE;
}

static unsigned find_in_service(struct cursor rdata, unsigned wanted)
{
    struct dns_svcb svcb;
    struct dns_svc_param param;
    unsigned found = 0;
    if (dns_svcb_parse(rdata, &svcb) != ST_OK)
        return 0;
    while (dns_svcb_next(&svcb, &param))
        if (share_of(param, wanted).lost)
            found |= clean_of_key(param.key);
    return found;
}

unsigned dns_clean_record(const uint8_t *response, const struct dns_record *record, unsigned wanted)
{
    const uint8_t *rdata = response + record->rdata_offset;
    switch (record->class == DNS_CLASS_IN ? record->type : 0) {
    case DNS_TYPE_A:
        return is_private_v4(rdata) ? wanted & DNS_CLEAN_PRIVATE : 0;
    case DNS_TYPE_AAAA:
        return is_private_v6(rdata) ? wanted & DNS_CLEAN_PRIVATE : 0;
    case DNS_TYPE_SVCB:
    case DNS_TYPE_HTTPS:
        return find_in_service(rdata_of(response, record), wanted);
    default:
        return 0;
    }
}

unsigned dns_clean_find(const uint8_t *response, size_t n, unsigned wanted)
{
    struct dns_message message;
    unsigned found = 0;
    if (!wanted || dns_response_parse(response, n, &message) != ST_OK)
        return 0;
    struct dns_walk walk = dns_walk_start(response, n, &message);
    for (struct dns_record record; dns_walk_next(&walk, &record) && record.section != DNS_ADDITIONAL;)
        found |= dns_clean_record(response, &record, wanted);
    return found;
}

/* ---- writing ---- */

struct cleaning {
    const uint8_t *response;
    unsigned wanted;
    bool changed[DNS_TYPE_HTTPS + 1]; /* by type: their signatures no longer hold */
    struct dns_build build;
    const struct dns_question *question;
    unsigned left;      /* answers of the type asked for */
    bool any_lost;      /* an answer was */
    struct dname owner; /* of the first of these */
};

/* The keys that go with their whole value, as bits. */
static unsigned lost_keys(struct dns_svcb svcb, unsigned wanted)
{
    struct dns_svc_param param;
    unsigned keys = 0;
    while (dns_svcb_next(&svcb, &param)) {
        struct share share = share_of(param, wanted);
        if (share.lost && share.lost == share.all)
            keys |= 1u << param.key;
    }
    return keys;
}

static void copy_elements(struct wire *wire, struct dns_svc_param param, unsigned wanted, unsigned lost)
{
    size_t unit = hint_size(param.key);
    while (cursor_left(&param.value)) {
        if (unit && wanted & DNS_CLEAN_PRIVATE) {
            const uint8_t *ip = cursor_bytes(&param.value, unit);
            if (!is_private_hint(param.key, ip))
                wire_bytes(wire, ip, unit);
        } else if (param.key == DNS_SVC_ALPN && wanted & DNS_CLEAN_H3) {
            uint8_t length = cursor_u8(&param.value);
            const uint8_t *id = cursor_bytes(&param.value, length);
            if (is_h3(id, length))
                continue;
            wire_u8(wire, length);
            wire_bytes(wire, id, length);
        } else if (param.key == DNS_SVC_MANDATORY) {
            uint16_t key = cursor_u16(&param.value);
            if (key > DNS_SVC_IPV6_HINT || !(lost >> key & 1))
                wire_u16(wire, key);
        } else {
            size_t n = cursor_left(&param.value);
            wire_bytes(wire, cursor_bytes(&param.value, n), n);
        }
    }
}

static void copy_param(struct wire *wire, struct dns_svc_param param, unsigned wanted, unsigned lost)
{
    struct wire before = *wire;
    wire_u16(wire, param.key);
    size_t length_at = wire_length(wire);
    wire_u16(wire, 0);
    size_t from = wire_length(wire);
    copy_elements(wire, param, wanted, lost);
    if (wire_length(wire) == from && param.key == DNS_SVC_MANDATORY)
        *wire = before; /* all that it asked for is gone */
    else if (!wire->failed)
        wire_patch_u16(wire, length_at, (uint16_t)(wire_length(wire) - from));
}

/* False: nothing is left that the service could be reached by. */
static bool copy_service(struct wire *wire, struct cursor rdata, unsigned wanted)
{
    struct dns_svcb svcb;
    struct dns_svc_param param;
    if (dns_svcb_parse(rdata, &svcb) != ST_OK)
        return false;
    unsigned lost = lost_keys(svcb, wanted);
    wire_u16(wire, svcb.priority);
    wire_bytes(wire, svcb.target.wire, svcb.target.length);
    while (dns_svcb_next(&svcb, &param)) {
        bool known = param.key <= DNS_SVC_IPV6_HINT;
        if (param.key == DNS_SVC_NO_DEFAULT_ALPN && lost >> DNS_SVC_ALPN & 1)
            return false;
        if (!known || !(lost >> param.key & 1))
            copy_param(wire, param, wanted, lost);
    }
    return true;
}

/* The data as it is to be given; false: the record goes. */
static bool clean_data(struct cleaning *cleaning, const struct dns_record *record, struct wire *wire)
{
    struct cursor rdata = rdata_of(cleaning->response, record);
    unsigned found = dns_clean_record(cleaning->response, record, cleaning->wanted);
    if (!found)
        dns_rdata_expand(rdata, record->type, wire);
    else if (record->type == DNS_TYPE_A || record->type == DNS_TYPE_AAAA)
        return false;
    else
        return copy_service(wire, rdata, cleaning->wanted);
    return true;
}

static bool is_stale_signature(const struct cleaning *cleaning, const struct dns_record *record)
{
    struct cursor rdata = rdata_of(cleaning->response, record);
    uint16_t covered = record->type == DNS_TYPE_RRSIG ? cursor_u16(&rdata) : 0;
    return covered <= DNS_TYPE_HTTPS && cleaning->changed[covered];
}

static void clean_record(struct cleaning *cleaning, const struct dns_record *record)
{
    uint8_t bytes[DNS_MESSAGE_MAX];
    struct wire wire = wire_into(bytes, sizeof bytes);
    bool answer = record->section == DNS_ANSWER;
    if (record->class != DNS_CLASS_IN || is_stale_signature(cleaning, record))
        return;
    if (!clean_data(cleaning, record, &wire)) {
        if (answer && !cleaning->any_lost)
            cleaning->owner = record->owner;
        cleaning->any_lost |= answer;
        return;
    }
    cleaning->left += answer && record->type == cleaning->question->type;
    cleaning->build.wire.failed |= wire.failed;
    if (dname_equal(&record->owner, &cleaning->question->name))
        dns_build_own_record(&cleaning->build, record->section, record->type, record->ttl, bytes, wire_length(&wire));
    else
        dns_build_record(&cleaning->build, record->section, &record->owner, record->type, record->ttl, bytes,
                         wire_length(&wire));
}

static void note_changes(struct cleaning *cleaning, struct dns_walk walk)
{
    for (struct dns_record record; dns_walk_next(&walk, &record) && record.section != DNS_ADDITIONAL;)
        if (dns_clean_record(cleaning->response, &record, cleaning->wanted))
            cleaning->changed[record.type] = true;
}

size_t dns_clean_write(uint8_t *out, size_t size, const uint8_t *response, size_t n, unsigned wanted)
{
    struct dns_message message;
    struct cleaning cleaning = {.response = response, .wanted = wanted, .question = &message.question};
    if (dns_response_parse(response, n, &message) != ST_OK)
        return 0;
    cleaning.build = dns_build_response(out, size, &message, 0);
    cleaning.build.header.flags = message.header.flags & (uint16_t)~DNS_FLAG_AD;
    struct dns_walk walk = dns_walk_start(response, n, &message);
    note_changes(&cleaning, walk);
    bool closed = false; /* the answer section is */
    for (struct dns_record record; dns_walk_next(&walk, &record) && record.section != DNS_ADDITIONAL;) {
        if (!closed && record.section != DNS_ANSWER) {
            closed = true;
            if (cleaning.any_lost && !cleaning.left)
                dns_answer_add_soa(&cleaning.build, DNS_AUTHORITY, &cleaning.owner, CLEAN_TTL_S);
        }
        clean_record(&cleaning, &record);
    }
    if (!closed && cleaning.any_lost && !cleaning.left)
        dns_answer_add_soa(&cleaning.build, DNS_AUTHORITY, &cleaning.owner, CLEAN_TTL_S);
    return dns_build_finish(&cleaning.build);
}
