#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"

/* Two answer RRsets (100 A records, then TXT), authority, and OPT with an option. */
static void big_response(struct packet *packet)
{
    packet_start(packet, DNS_FLAG_QR, 1, 102, 1, 2);
    packet_question(packet, "www.example.com", DNS_TYPE_A);
    packet_record(packet, DNS_TYPE_CNAME, "\1c\xc0\x10", 4);
    for (unsigned i = 0; i < 100; i++) {
        wire_u16(&packet->wire, 0xc02d); /* c.example.com, in the CNAME's data */
        packet_data(packet, DNS_TYPE_A, DNS_CLASS_IN, 60, "1234", 4);
    }
    wire_u16(&packet->wire, 0xc02d);
    packet_data(packet, DNS_TYPE_TXT, DNS_CLASS_IN, 60, "\1x", 2);
    packet_record(packet, DNS_TYPE_NS, "\2ns\xc0\x10", 5);
    packet_opt(packet, 1232, 0x8000, "\0\12\0\2hi", 6);
    packet_record(packet, DNS_TYPE_A, "1234", 4);
}

static struct dns_message truncated(struct packet *packet, size_t limit, size_t *n)
{
    struct dns_message message;
    *n = dns_truncate(packet->bytes, packet_length(packet), limit);
    assert_true(*n <= limit);
    assert_int_equal(dns_response_parse(packet->bytes, *n, &message), ST_OK);
    return message;
}

static void what_fits_is_left_alone(void **state)
{
    struct packet *packet = *state;
    size_t n;
    big_response(packet);
    packet_exact(packet);
    struct dns_message message = truncated(packet, packet_length(packet), &n);
    assert_int_equal(n, packet_length(packet));
    assert_memory_equal(packet->bytes, packet->exact, n);
    assert_false(message.header.flags & DNS_FLAG_TC);
}

static void whole_rrsets_go_and_question_and_opt_stay(void **state)
{
    struct packet *packet = *state;
    size_t n;
    static const size_t limits[] = {512, 1232};
    for (size_t i = 0; i < 2; i++) {
        big_response(packet);
        struct dns_message message = truncated(packet, limits[i], &n);
        assert_true(message.header.flags & DNS_FLAG_TC);
        assert_int_equal(message.header.ancount, 1); /* none of the 100 addresses without the others */
        assert_int_equal(message.header.nscount, 0);
        assert_int_equal(message.header.arcount, 1);
        assert_int_equal(message.question.type, DNS_TYPE_A);
        assert_true(message.edns.present && message.edns.dnssec_ok);
        assert_int_equal(message.edns.options.length, 6);
        assert_memory_equal(message.edns.options.data, "\0\12\0\2hi", 6);
    }
}

static void an_rrset_that_just_fits_stays(void **state)
{
    struct packet *packet = *state;
    size_t n;
    big_response(packet);
    struct dns_message message = truncated(packet, 12 + 21 + 16 + 1600 + 17, &n);
    assert_int_equal(message.header.ancount, 101);
    assert_int_equal(message.header.arcount, 1);
    assert_int_equal(n, 12 + 21 + 16 + 1600 + 17);
    big_response(packet);
    message = truncated(packet, 12 + 21 + 16 + 1600 + 16, &n);
    assert_int_equal(message.header.ancount, 1);
}

static void additional_records_alone_go_without_tc(void **state)
{
    struct packet *packet = *state;
    size_t n;
    big_response(packet);
    struct dns_message message = truncated(packet, packet_length(packet) - 1, &n);
    assert_int_equal(message.header.ancount, 102);
    assert_int_equal(message.header.nscount, 1);
    assert_int_equal(message.header.arcount, 1);
    assert_true(message.edns.present);
    assert_false(message.header.flags & DNS_FLAG_TC);
}

static void records_behind_the_opt_stay_as_long_as_they_fit(void **state)
{
    struct packet *packet = *state;
    size_t n;
    packet_start(packet, DNS_FLAG_QR, 1, 0, 0, 3);
    packet_question(packet, "www.example.com", DNS_TYPE_A);
    packet_opt(packet, 1232, 0, NULL, 0);
    packet_record(packet, DNS_TYPE_A, "1234", 4);
    size_t fits = packet_length(packet);
    packet_record(packet, DNS_TYPE_TXT, "\1x", 2);
    struct dns_message message = truncated(packet, fits, &n);
    assert_int_equal(n, fits);
    assert_int_equal(message.header.arcount, 2);
    assert_true(message.edns.present);
}

static void every_limit_gives_a_message_that_parses(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    big_response(packet);
    size_t whole = packet_length(packet);
    for (size_t limit = DNS_HEADER_BYTES; limit < whole; limit++) {
        big_response(packet);
        size_t n = dns_truncate(packet->bytes, whole, limit);
        assert_true(n <= limit);
        if (limit < 12 + 21) {
            assert_int_equal(n, DNS_HEADER_BYTES);
            continue;
        }
        assert_int_equal(dns_response_parse(packet->bytes, n, &message), ST_OK);
        assert_int_equal(message.edns.present, limit >= 12 + 21 + 17);
    }
}

static void of_a_message_that_does_not_parse_the_header_is_left(void **state)
{
    struct packet *packet = *state;
    big_response(packet);
    wire_u8(&packet->wire, 0);
    assert_int_equal(dns_truncate(packet->bytes, packet_length(packet), 512), DNS_HEADER_BYTES);
    assert_memory_equal(packet->bytes, "\x12\x34\x82\0\0\0\0\0\0\0\0\0", DNS_HEADER_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        packet_test(what_fits_is_left_alone),
        packet_test(whole_rrsets_go_and_question_and_opt_stay),
        packet_test(an_rrset_that_just_fits_stays),
        packet_test(additional_records_alone_go_without_tc),
        packet_test(records_behind_the_opt_stay_as_long_as_they_fit),
        packet_test(every_limit_gives_a_message_that_parses),
        packet_test(of_a_message_that_does_not_parse_the_header_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
