/* What must hold of any bytes given to the DNS message code; for the fuzz target and for tests over published cases. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "message/dns_message.h"
#include "message/dns_text.h"

static inline bool same_question(const struct dns_question *a, const struct dns_question *b)
{
    return a->type == b->type && a->class == b->class && a->name.length == b->name.length &&
           !memcmp(a->name.wire, b->name.wire, a->name.length);
}

/* A refused query still gets its answer, and an accepted one a well-formed response and query of its question. */
static inline void check_dns_query(const uint8_t *packet, size_t n)
{
    struct dns_message query, again;
    uint8_t out[DNS_UDP_LIMIT];
    enum status status = dns_query_parse(packet, n, &query);
    CHECK((status == ST_TRUNCATED) == (n < DNS_HEADER_BYTES));
    if (status == ST_TRUNCATED)
        return;
    CHECK(status == ST_OK || status == ST_INVALID);
    CHECK(query.question_end <= n && query.records_end <= n);

    struct dns_build build = dns_build_response(out, sizeof out, &query, DNS_RCODE_FORMERR);
    dns_build_opt(&build, DNS_UDP_LIMIT, false, 0, DNS_EDE_OTHER, STR("text"));
    size_t length = dns_build_finish(&build);
    CHECK(length >= DNS_HEADER_BYTES);
    if (!query.question_end)
        return;
    CHECK(!memcmp(out + DNS_HEADER_BYTES, packet + DNS_HEADER_BYTES, query.question_end - DNS_HEADER_BYTES));
    if (dns_header_opcode(&query.header) == DNS_OPCODE_QUERY) {
        CHECK(dns_response_parse(out, length, &again) == ST_OK);
        CHECK(again.header.id == query.header.id && same_question(&again.question, &query.question));
    }
    build = dns_build_query(out, sizeof out, 1, &query.question, 0);
    length = dns_build_finish(&build);
    CHECK(dns_query_parse(out, length, &again) == ST_OK && same_question(&again.question, &query.question));
}

/* Every record is there, inside the packet, and may be built again. */
static inline void check_dns_walk(const uint8_t *packet, size_t n, const struct dns_message *message)
{
    static uint8_t out[4 * DNS_MESSAGE_MAX];
    struct dns_walk walk = dns_walk_start(packet, n, message);
    struct dns_build build = dns_build_response(out, sizeof out, message, 0);
    struct dns_record record;
    struct buf text = {0};
    unsigned counts[3] = {0};
    while (dns_walk_next(&walk, &record)) {
        CHECK(record.rdata_offset + record.rdata_length <= n && record.ttl_offset + 6 == record.rdata_offset);
        CHECK(record.owner.length &&
              record.owner.length == record.owner.wire + record.owner.length - record.owner.wire);
        counts[record.section]++;
        buf_clear(&text);
        dns_rdata_format(packet, n, &record, &text);
        CHECK(text.length && strlen(buf_text(&text)) == text.length);
        dns_build_record(&build, record.section, &record.owner, record.type, record.ttl, packet + record.rdata_offset,
                         record.rdata_length);
    }
    buf_free(&text);
    const struct dns_header *header = &message->header;
    CHECK(counts[0] == header->ancount && counts[1] == header->nscount && counts[2] == header->arcount);
    CHECK(cursor_offset(&walk.cursor) == message->records_end);
    if (dns_build_finish(&build))
        CHECK(build.header.ancount == header->ancount && build.header.arcount == header->arcount);
}

static inline void check_dns_truncate(const uint8_t *packet, size_t n, const struct dns_message *message)
{
    static const size_t limits[] = {DNS_HEADER_BYTES, 40, 100, DNS_UDP_LIMIT_PLAIN, DNS_UDP_LIMIT};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct dns_message cut;
        uint8_t *copy = malloc(n);
        CHECK(copy);
        memcpy(copy, packet, n);
        size_t length = dns_truncate(copy, n, limits[i]);
        CHECK(length <= limits[i] || length == n);
        CHECK(n > limits[i] || !memcmp(copy, packet, n));
        if (message->question_end <= limits[i]) {
            CHECK(dns_response_parse(copy, length, &cut) == ST_OK);
            CHECK(same_question(&cut.question, &message->question));
        }
        free(copy);
    }
}

/* Whether it was taken. */
static inline bool check_dns_response(const uint8_t *packet, size_t n)
{
    struct dns_message message;
    enum status status = dns_response_parse(packet, n, &message);
    CHECK((status == ST_TRUNCATED) == (n < DNS_HEADER_BYTES));
    if (status != ST_OK)
        return false;
    CHECK(message.records_end == n);
    check_dns_walk(packet, n, &message);
    check_dns_truncate(packet, n, &message);
    return true;
}

/* What a response may be, a message of a transfer may be; what a query may be, a NOTIFY may be. */
static inline void check_dns_relatives(const uint8_t *packet, size_t n)
{
    struct dns_message message;
    if (dns_transfer_parse(packet, n, &message) == ST_OK)
        check_dns_walk(packet, n, &message);
    else
        CHECK(dns_response_parse(packet, n, &message) != ST_OK);
    CHECK(dns_notify_parse(packet, n, &message) == ST_OK || dns_query_parse(packet, n, &message) != ST_OK);
}
