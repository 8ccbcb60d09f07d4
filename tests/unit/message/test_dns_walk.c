#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"

static void records_come_in_order_with_their_sections(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    struct dns_record record;
    packet_start(packet, DNS_FLAG_QR, 1, 2, 0, 2);
    packet_question(packet, "www.example.com", DNS_TYPE_A);
    packet_record(packet, DNS_TYPE_CNAME, "\1c\xc0\x10", 4);
    packet_name(packet, "c.example.com");
    packet_data(packet, DNS_TYPE_A, DNS_CLASS_IN, 77, "1234", 4);
    packet_record(packet, DNS_TYPE_TXT, "\1x", 2);
    packet_opt(packet, 1232, 0, NULL, 0);
    assert_int_equal(packet_parse_response(packet, &message), ST_OK);

    static const struct {
        enum dns_section section;
        uint16_t type;
        const char *owner;
        uint32_t ttl;
        size_t length;
    } expected[] = {
        {DNS_ANSWER, DNS_TYPE_CNAME, "www.example.com", 300, 4},
        {DNS_ANSWER, DNS_TYPE_A, "c.example.com", 77, 4},
        {DNS_ADDITIONAL, DNS_TYPE_TXT, "www.example.com", 300, 2},
        {DNS_ADDITIONAL, DNS_TYPE_OPT, ".", 0, 0},
    };
    struct dns_walk walk = dns_walk_start(packet->exact, packet_length(packet), &message);
    for (size_t i = 0; i < 4; i++) {
        struct dname owner = name_of(expected[i].owner);
        assert_true(dns_walk_next(&walk, &record));
        assert_int_equal(record.section, expected[i].section);
        assert_int_equal(record.type, expected[i].type);
        assert_int_equal(record.ttl, expected[i].ttl);
        assert_int_equal(record.rdata_length, expected[i].length);
        assert_int_equal(record.rdata_offset, record.ttl_offset + 6);
        assert_true(dname_equal(&record.owner, &owner));
    }
    assert_false(dns_walk_next(&walk, &record));
    assert_false(dns_walk_next(&walk, &record));
}

static void a_message_without_records_is_at_its_end(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    struct dns_record record;
    packet_start(packet, DNS_FLAG_QR, 1, 0, 0, 0);
    packet_question(packet, ".", DNS_TYPE_NS);
    assert_int_equal(packet_parse_response(packet, &message), ST_OK);
    struct dns_walk walk = dns_walk_start(packet->exact, packet_length(packet), &message);
    assert_false(dns_walk_next(&walk, &record));
}

static void the_ttl_can_be_patched_where_the_record_says(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    struct dns_record record;
    packet_start(packet, DNS_FLAG_QR, 1, 1, 0, 0);
    packet_question(packet, "a.com", DNS_TYPE_A);
    packet_record(packet, DNS_TYPE_A, "1234", 4);
    assert_int_equal(packet_parse_response(packet, &message), ST_OK);
    struct dns_walk walk = dns_walk_start(packet->exact, packet_length(packet), &message);
    assert_true(dns_walk_next(&walk, &record));
    packet->exact[record.ttl_offset + 3] = 9;
    packet->exact[record.ttl_offset + 2] = 0;
    walk = dns_walk_start(packet->exact, packet_length(packet), &message);
    assert_true(dns_walk_next(&walk, &record));
    assert_int_equal(record.ttl, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        packet_test(records_come_in_order_with_their_sections),
        packet_test(a_message_without_records_is_at_its_end),
        packet_test(the_ttl_can_be_patched_where_the_record_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
