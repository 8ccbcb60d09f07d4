#include "feeds/tsig.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { ERROR_BADSIG = 16, ERROR_BADKEY = 17, ERROR_BADTIME = 18, ERROR_BADTRUNC = 22 }; /* RFC 8945 section 3 */
enum { ARCOUNT_OFFSET = 10, TIME_BYTES = 6, VARIABLES_SIZE = 2 * DNAME_MAX_BYTES + 32 };

struct tsig {
    const struct tsig_key *key;
    struct hmac *hmac;       /* fed with all that the next signature is over and that is known already */
    unsigned messages;       /* of the response */
    unsigned unsigned_count; /* since the last signature */
};

struct tsig *tsig_new(const struct tsig_key *key)
{
    struct tsig *tsig = calloc(1, sizeof *tsig);
    if (!tsig || !(tsig->hmac = hmac_new(key->hash, key->secret, key->secret_length))) {
        free(tsig);
        return NULL;
    }
    tsig->key = key;
    return tsig;
}

void tsig_free(struct tsig *tsig)
{
    if (!tsig)
        return;
    hmac_free(tsig->hmac);
    free(tsig);
}

static uint64_t cursor_u48(struct cursor *cursor)
{
    uint64_t high = cursor_u16(cursor);
    return high << 32 | cursor_u32(cursor);
}

static void wire_u48(struct wire *wire, uint64_t value)
{
    wire_u16(wire, (uint16_t)(value >> 32));
    wire_u32(wire, (uint32_t)value);
}

static struct str take_bytes(struct cursor *cursor, size_t n)
{
    const uint8_t *bytes = cursor_bytes(cursor, n);
    return (struct str){(const char *)bytes, bytes ? n : 0};
}

static enum status read_record(const uint8_t *packet, const struct dns_record *from, struct tsig_record *record)
{
    struct cursor data = cursor_over(packet, from->rdata_offset + from->rdata_length);
    cursor_bytes(&data, from->rdata_offset);
    record->name = from->owner;
    record->class = from->class;
    record->ttl = from->ttl;
    if (dns_name_parse(&data, &record->algorithm) != ST_OK)
        return ST_INVALID;
    dname_lower(&record->name);
    dname_lower(&record->algorithm);
    record->time_s = cursor_u48(&data);
    record->fudge_s = cursor_u16(&data);
    record->mac = take_bytes(&data, cursor_u16(&data));
    record->original_id = cursor_u16(&data);
    record->error = cursor_u16(&data);
    record->other = take_bytes(&data, cursor_u16(&data));
    return data.failed || cursor_left(&data) ? ST_INVALID : ST_OK;
}

enum status tsig_find(const uint8_t *packet, size_t n, const struct dns_message *message, struct tsig_record *record)
{
    struct dns_walk walk = dns_walk_start(packet, n, message);
    struct dns_record next;
    enum status found = ST_NOT_FOUND;
    for (size_t offset = cursor_offset(&walk.cursor); dns_walk_next(&walk, &next);
         offset = cursor_offset(&walk.cursor)) {
        if (found != ST_NOT_FOUND)
            return ST_INVALID; /* RFC 8945 section 5.1: it is the last one */
        if (next.type != DNS_TYPE_TSIG)
            continue;
        record->offset = offset;
        found = next.section == DNS_ADDITIONAL ? read_record(packet, &next, record) : ST_INVALID;
        if (found != ST_OK)
            return found;
    }
    return found;
}

/* RFC 8945 section 4.3.3; of the timers alone after the first message of a response (section 5.3.1). */
static void add_variables(struct tsig *tsig, uint64_t time_s, uint16_t fudge_s, uint16_t error, struct str other,
                          bool timers_only)
{
    uint8_t bytes[VARIABLES_SIZE];
    struct wire wire = wire_into(bytes, sizeof bytes);
    const struct tsig_key *key = tsig->key;
    if (!timers_only) {
        wire_bytes(&wire, key->name.wire, key->name.length);
        wire_u16(&wire, DNS_CLASS_ANY);
        wire_u32(&wire, 0); /* TTL */
        wire_bytes(&wire, key->algorithm.wire, key->algorithm.length);
    }
    wire_u48(&wire, time_s);
    wire_u16(&wire, fudge_s);
    if (!timers_only) {
        wire_u16(&wire, error);
        wire_u16(&wire, (uint16_t)other.length);
    }
    CHECK(!wire.failed);
    hmac_add(tsig->hmac, bytes, wire_length(&wire));
    if (!timers_only)
        hmac_add(tsig->hmac, other.data, other.length);
}

/* What the next signature is over begins with the one before. */
static void begin_next(struct tsig *tsig, const uint8_t *mac, size_t n)
{
    uint8_t length[] = {(uint8_t)(n >> 8), (uint8_t)n};
    hmac_add(tsig->hmac, length, sizeof length);
    hmac_add(tsig->hmac, mac, n);
    tsig->unsigned_count = 0;
}

enum status tsig_sign(struct tsig *tsig, uint8_t *packet, size_t size, size_t *n, int64_t now_s)
{
    const struct tsig_key *key = tsig->key;
    struct cursor header = cursor_over(packet, *n);
    uint16_t id = cursor_u16(&header);
    cursor_bytes(&header, ARCOUNT_OFFSET - 2);
    uint16_t arcount = cursor_u16(&header);
    CHECK(!header.failed && now_s >= 0);
    uint8_t mac[HMAC_MAX_BYTES];
    size_t mac_length = hmac_bytes(key->hash);
    hmac_add(tsig->hmac, packet, *n);
    add_variables(tsig, (uint64_t)now_s, TSIG_FUDGE_S, 0, (struct str){0}, false);
    enum status st = hmac_finish(tsig->hmac, mac);
    if (st != ST_OK)
        return st;
    struct wire wire = wire_into(packet, size);
    wire.at += *n;
    wire_bytes(&wire, key->name.wire, key->name.length);
    wire_u16(&wire, DNS_TYPE_TSIG);
    wire_u16(&wire, DNS_CLASS_ANY);
    wire_u32(&wire, 0);
    wire_u16(&wire, (uint16_t)(key->algorithm.length + TIME_BYTES + 10 + mac_length));
    wire_bytes(&wire, key->algorithm.wire, key->algorithm.length);
    wire_u48(&wire, (uint64_t)now_s);
    wire_u16(&wire, TSIG_FUDGE_S);
    wire_u16(&wire, (uint16_t)mac_length);
    wire_bytes(&wire, mac, mac_length);
    wire_u16(&wire, id);
    wire_u16(&wire, 0); /* error */
    wire_u16(&wire, 0); /* other data */
    wire_patch_u16(&wire, ARCOUNT_OFFSET, (uint16_t)(arcount + 1));
    if (wire.failed)
        return ST_TOO_LARGE;
    *n = wire_length(&wire);
    begin_next(tsig, mac, mac_length);
    return ST_OK;
}

static enum status told_error(const struct tsig *tsig, const struct tsig_record *record, int64_t now_s,
                              struct fault *fault)
{
    char name[DNAME_TEXT_SIZE];
    struct cursor other = cursor_over(record->other.data, record->other.length);
    dname_to_text(&tsig->key->name, name);
    switch (record->error) {
    case ERROR_BADSIG:
        return fault_set(fault, ST_DENIED,
                         "the primary says that our signature is wrong (BADSIG): it has another secret for the key "
                         "'%.100s'",
                         name);
    case ERROR_BADKEY:
        return fault_set(fault, ST_DENIED, "the primary does not know the key '%.100s' with %s (BADKEY)", name,
                         tsig_hash_text(tsig->key->hash));
    case ERROR_BADTIME:
        return fault_set(fault, ST_DENIED,
                         "the primary says that our clock is wrong (BADTIME): it is off by %" PRId64 " s from its own",
                         now_s - (int64_t)cursor_u48(&other));
    case ERROR_BADTRUNC:
        return fault_set(fault, ST_DENIED, "the primary says that our signature is too short (BADTRUNC)");
    default:
        return fault_set(fault, ST_DENIED, "the primary refuses our signature with error %u", record->error);
    }
}

static enum status check_record(const struct tsig *tsig, const struct tsig_record *record, int64_t now_s,
                                struct fault *fault)
{
    const struct tsig_key *key = tsig->key;
    if (record->error)
        return told_error(tsig, record, now_s, fault);
    if (record->class != DNS_CLASS_ANY || record->ttl)
        return fault_set(fault, ST_DENIED, "the answer's signature is malformed");
    if (!dname_equal(&record->name, &key->name) || !dname_equal(&record->algorithm, &key->algorithm)) {
        char name[DNAME_TEXT_SIZE], algorithm[DNAME_TEXT_SIZE];
        dname_to_text(&record->name, name);
        dname_to_text(&record->algorithm, algorithm);
        return fault_set(fault, ST_DENIED, "the answer is signed with another key: '%.100s', %.40s", name, algorithm);
    }
    if (record->mac.length != hmac_bytes(key->hash))
        return fault_set(fault, ST_DENIED, "the answer's signature is cut short");
    return ST_OK;
}

static enum status take_unsigned(struct tsig *tsig, const uint8_t *packet, size_t n, struct fault *fault)
{
    if (tsig->messages == 1)
        return fault_set(fault, ST_DENIED, "the answer is not signed: the primary does not use the key");
    if (++tsig->unsigned_count > TSIG_MAX_UNSIGNED)
        return fault_set(fault, ST_DENIED, "more than %d messages in a row are not signed", TSIG_MAX_UNSIGNED);
    hmac_add(tsig->hmac, packet, n);
    return ST_OK;
}

/* The message as it was before it was signed: RFC 8945 section 4.3.2. */
static void add_message(struct tsig *tsig, const uint8_t *packet, const struct dns_header *header,
                        const struct tsig_record *record)
{
    uint8_t start[DNS_HEADER_BYTES];
    struct wire wire = wire_into(start, sizeof start);
    wire_bytes(&wire, packet, sizeof start);
    wire_patch_u16(&wire, 0, record->original_id);
    wire_patch_u16(&wire, ARCOUNT_OFFSET, (uint16_t)(header->arcount - 1));
    hmac_add(tsig->hmac, start, sizeof start);
    hmac_add(tsig->hmac, packet + sizeof start, record->offset - sizeof start);
}

enum status tsig_take(struct tsig *tsig, const uint8_t *packet, size_t n, const struct dns_message *message,
                      int64_t now_s, struct fault *fault)
{
    struct tsig_record record;
    uint8_t mac[HMAC_MAX_BYTES];
    enum status st = tsig_find(packet, n, message, &record);
    tsig->messages++;
    if (st == ST_NOT_FOUND)
        return take_unsigned(tsig, packet, n, fault);
    if (st != ST_OK)
        return fault_set(fault, ST_DENIED, "the answer's signature is malformed");
    st = check_record(tsig, &record, now_s, fault);
    if (st != ST_OK)
        return st;
    add_message(tsig, packet, &message->header, &record);
    add_variables(tsig, record.time_s, record.fudge_s, record.error, record.other, tsig->messages > 1);
    st = hmac_finish(tsig->hmac, mac);
    if (st != ST_OK)
        return fault_set(fault, st, "out of memory");
    if (!digest_same(mac, (const uint8_t *)record.mac.data, record.mac.length))
        return fault_set(
            fault, ST_DENIED,
            "the answer's signature is wrong: it was changed on its way, or the primary has another secret");
    int64_t off_s = now_s - (int64_t)record.time_s;
    if (off_s > record.fudge_s || -off_s > record.fudge_s)
        return fault_set(fault, ST_DENIED,
                         "the answer's signature is of another time: the clocks are %" PRId64 " s apart", off_s);
    begin_next(tsig, mac, record.mac.length);
    return ST_OK;
}

enum status tsig_end(const struct tsig *tsig, struct fault *fault)
{
    return tsig->messages && !tsig->unsigned_count ? ST_OK
                                                   : fault_set(fault, ST_DENIED, "the end of the answer is not signed");
}
