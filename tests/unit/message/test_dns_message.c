#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"

static const uint8_t address[4] = {192, 0, 2, 1};

static void query(struct packet *packet, unsigned additional)
{
    packet_start(packet, DNS_FLAG_RD, 1, 0, 0, additional);
    packet_question(packet, "Www.example.com", DNS_TYPE_A);
}

static void response(struct packet *packet, unsigned an, unsigned ns, unsigned ar)
{
    packet_start(packet, DNS_FLAG_QR | DNS_FLAG_RA, 1, an, ns, ar);
    packet_question(packet, "www.example.com", DNS_TYPE_A);
}

static void assert_query(struct packet *packet, enum status expected)
{
    struct dns_message message;
    assert_int_equal(packet_parse_query(packet, &message), expected);
}

static void assert_response(struct packet *packet, enum status expected)
{
    struct dns_message message;
    assert_int_equal(packet_parse_response(packet, &message), expected);
}

static void less_than_a_header_is_truncated(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    struct dns_header header;
    query(packet, 0);
    for (size_t n = 0; n < DNS_HEADER_BYTES; n++) {
        assert_int_equal(dns_query_parse(packet->bytes, n, &message), ST_TRUNCATED);
        assert_int_equal(dns_response_parse(packet->bytes, n, &message), ST_TRUNCATED);
        assert_int_equal(dns_header_parse(packet->bytes, n, &header), ST_TRUNCATED);
    }
    assert_int_equal(dns_header_parse(packet->bytes, DNS_HEADER_BYTES, &header), ST_OK);
    assert_int_equal(header.id, 0x1234);
    assert_int_equal(header.qdcount, 1);
}

static void opcode_and_rcode_are_taken_from_the_flags(void **state)
{
    (void)state;
    struct dns_header header = {.flags = 0xaf83};
    assert_int_equal(dns_header_opcode(&header), 5);
    assert_int_equal(dns_header_rcode(&header), 3);
}

static void a_plain_query_is_read(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    query(packet, 0);
    assert_int_equal(packet_parse_query(packet, &message), ST_OK);
    assert_int_equal(message.header.id, 0x1234);
    assert_int_equal(message.question.type, DNS_TYPE_A);
    assert_int_equal(message.question.class, DNS_CLASS_IN);
    assert_memory_equal(message.question.name.wire, "\3Www", 4);
    assert_int_equal(message.question_end, packet_length(packet));
    assert_int_equal(message.records_end, packet_length(packet));
    assert_false(message.edns.present);
}

static void a_query_with_no_or_two_questions_is_refused_without_a_question(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    packet_start(packet, 0, 0, 0, 0, 0);
    assert_int_equal(packet_parse_query(packet, &message), ST_INVALID);
    assert_int_equal(message.question_end, 0);
    assert_int_equal(message.header.id, 0x1234);
    packet_start(packet, 0, 2, 0, 0, 0);
    packet_question(packet, "a.com", DNS_TYPE_A);
    packet_question(packet, "b.com", DNS_TYPE_A);
    assert_int_equal(packet_parse_query(packet, &message), ST_INVALID);
    assert_int_equal(message.question_end, 0);
}

static void every_cut_of_a_query_is_refused(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    query(packet, 1);
    size_t question_end = packet_length(packet);
    packet_opt(packet, 1232, 0, "\0\3\0\2ab", 6);
    for (size_t n = DNS_HEADER_BYTES; n < packet_length(packet); n++) {
        uint8_t *cut = malloc(n);
        memcpy(cut, packet->bytes, n);
        assert_int_equal(dns_query_parse(cut, n, &message), ST_INVALID);
        assert_int_equal(message.question_end, n < question_end ? 0 : question_end);
        free(cut);
    }
    assert_query(packet, ST_OK);
}

static void a_question_name_with_a_pointer_is_refused(void **state)
{
    struct packet *packet = *state;
    for (unsigned target = 0; target < 40; target++) {
        packet_start(packet, 0, 1, 0, 0, 0);
        wire_bytes(&packet->wire, "\1a", 2);
        wire_u16(&packet->wire, (uint16_t)(0xc000 | target));
        wire_u32(&packet->wire, 0x00010001);
        assert_query(packet, ST_INVALID);
    }
}

static void answer_and_authority_records_in_a_query_are_refused(void **state)
{
    struct packet *packet = *state;
    for (unsigned i = 0; i < 2; i++) {
        packet_start(packet, 0, 1, i == 0, i == 1, 0);
        packet_question(packet, "a.com", DNS_TYPE_A);
        packet_record(packet, DNS_TYPE_A, address, 4);
        assert_query(packet, ST_INVALID);
    }
}

static void d42_what_asks_for_a_difference_has_the_version_that_one_has(void **state)
{
    struct packet *packet = *state;
    static const uint8_t soa[22] = {0};
    for (unsigned i = 0; i < 3; i++) {
        packet_start(packet, 0, 1, i == 1, 1 + (i == 2), 0);
        packet_question(packet, "a.com", DNS_TYPE_IXFR);
        packet_record(packet, DNS_TYPE_SOA, soa, sizeof soa);
        if (i)
            packet_record(packet, DNS_TYPE_SOA, soa, sizeof soa);
        assert_query(packet, i ? ST_INVALID : ST_OK);
    }
}

static void counts_without_data_are_refused(void **state)
{
    struct packet *packet = *state;
    query(packet, 65535);
    assert_query(packet, ST_INVALID);
    query(packet, 1);
    assert_query(packet, ST_INVALID);
    response(packet, 65535, 65535, 65535);
    assert_response(packet, ST_INVALID);
    response(packet, 1, 0, 0);
    assert_response(packet, ST_INVALID);
}

static void more_records_than_we_look_at_are_refused(void **state)
{
    struct packet *packet = *state;
    response(packet, DNS_MAX_RECORDS, 0, 0);
    for (unsigned i = 0; i < DNS_MAX_RECORDS; i++)
        packet_record(packet, DNS_TYPE_A, address, 4);
    assert_response(packet, ST_OK);
    response(packet, DNS_MAX_RECORDS, 0, 1);
    for (unsigned i = 0; i <= DNS_MAX_RECORDS; i++)
        packet_record(packet, DNS_TYPE_A, address, 4);
    assert_response(packet, ST_INVALID);
}

static void trailing_bytes_are_ignored_in_a_query_and_refused_in_a_response(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    query(packet, 0);
    size_t n = packet_length(packet);
    wire_bytes(&packet->wire, "\0\0\0junk", 7);
    assert_int_equal(packet_parse_query(packet, &message), ST_OK);
    assert_int_equal(message.records_end, n);
    response(packet, 1, 0, 0);
    packet_record(packet, DNS_TYPE_A, address, 4);
    assert_response(packet, ST_OK);
    wire_u8(&packet->wire, 0);
    assert_response(packet, ST_INVALID);
}

static void odd_header_bits_in_a_query_are_ignored(void **state)
{
    struct packet *packet = *state;
    packet_start(packet, 0x07ff, 1, 0, 0, 0); /* AA, TC, RD, RA, Z, AD, CD and an rcode */
    packet_question(packet, "a.com", DNS_TYPE_A);
    assert_query(packet, ST_OK);
}

static void edns_is_read(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    query(packet, 1);
    packet_opt(packet, 4096, 0x01028000, "\0\12\0\2hi", 6);
    assert_int_equal(packet_parse_query(packet, &message), ST_OK);
    assert_true(message.edns.present);
    assert_int_equal(message.edns.udp_size, 4096);
    assert_int_equal(message.edns.extended_rcode, 1);
    assert_int_equal(message.edns.version, 2);
    assert_true(message.edns.dnssec_ok);
    assert_int_equal(message.edns.options.length, 6);
    assert_memory_equal(message.edns.options.data, "\0\12\0\2hi", 6);
}

static void ten_thousand_options_are_taken(void **state)
{
    struct packet *packet = *state;
    static const uint8_t options[40000];
    query(packet, 1);
    packet_opt(packet, 4096, 0, options, sizeof options);
    assert_query(packet, ST_OK);
}

static void two_opt_records_are_refused(void **state)
{
    struct packet *packet = *state;
    query(packet, 2);
    packet_opt(packet, 1232, 0, NULL, 0);
    packet_opt(packet, 1232, 0, NULL, 0);
    assert_query(packet, ST_INVALID);
    response(packet, 0, 0, 2);
    packet_opt(packet, 1232, 0, NULL, 0);
    packet_opt(packet, 1232, 0, NULL, 0);
    assert_response(packet, ST_INVALID);
}

static void an_opt_outside_the_additional_section_is_refused(void **state)
{
    struct packet *packet = *state;
    response(packet, 1, 0, 0);
    packet_opt(packet, 1232, 0, NULL, 0);
    assert_response(packet, ST_INVALID);
    response(packet, 0, 1, 0);
    packet_opt(packet, 1232, 0, NULL, 0);
    assert_response(packet, ST_INVALID);
}

static void an_opt_that_is_not_owned_by_the_root_is_refused(void **state)
{
    struct packet *packet = *state;
    query(packet, 1);
    packet_record(packet, DNS_TYPE_OPT, NULL, 0);
    assert_query(packet, ST_INVALID);
}

static void an_option_that_does_not_fit_its_opt_is_refused(void **state)
{
    struct packet *packet = *state;
    static const struct str options[] = {{"\0\3\0\3ab", 6}, {"\0\3\0", 3}, {"\0\3\0\0\1", 5}, {"\0", 1}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        query(packet, 1);
        packet_opt(packet, 1232, 0, options[i].data, options[i].length);
        assert_query(packet, ST_INVALID);
        response(packet, 0, 0, 1);
        packet_opt(packet, 1232, 0, options[i].data, options[i].length);
        assert_response(packet, ST_INVALID);
    }
}

/* Algorithm, time and fudge, a MAC of two bytes, id and error, no other data. */
static const uint8_t tsig[] = "\1a\0"
                              "\0\0\0\0\0\1\1\x2c"
                              "\0\2mm"
                              "\0\1\0\0"
                              "\0\0";
static const uint8_t sig0[24];

static void add_signature(struct packet *packet, uint16_t type, size_t cut)
{
    if (type == DNS_TYPE_TSIG) {
        wire_u8(&packet->wire, 0);
        packet_data(packet, type, DNS_CLASS_ANY, 0, tsig, sizeof tsig - 1 - cut);
    } else {
        packet_record(packet, type, sig0, sizeof sig0 - cut);
    }
}

static void a_signature_of_the_message_must_come_last(void **state)
{
    struct packet *packet = *state;
    static const uint16_t types[] = {DNS_TYPE_TSIG, DNS_TYPE_SIG};
    for (size_t i = 0; i < 2; i++) {
        query(packet, 2);
        packet_opt(packet, 1232, 0, NULL, 0);
        add_signature(packet, types[i], 0);
        assert_query(packet, ST_OK);
        query(packet, 2);
        add_signature(packet, types[i], 0);
        packet_opt(packet, 1232, 0, NULL, 0);
        assert_query(packet, ST_INVALID);
    }
}

static void a_signature_of_the_message_must_be_whole(void **state)
{
    struct packet *packet = *state;
    for (size_t cut = 1; cut < sizeof tsig; cut++) {
        query(packet, 1);
        add_signature(packet, DNS_TYPE_TSIG, cut);
        assert_query(packet, ST_INVALID);
    }
    query(packet, 1);
    add_signature(packet, DNS_TYPE_SIG, 6); /* no signer */
    assert_query(packet, ST_INVALID);
    query(packet, 1);
    packet_record(packet, DNS_TYPE_TSIG, tsig, sizeof tsig - 1); /* of class IN */
    assert_query(packet, ST_INVALID);
}

static void an_old_signature_of_records_may_stand_anywhere(void **state)
{
    struct packet *packet = *state;
    static const uint8_t covers_a[24] = {0, 1};
    query(packet, 2);
    packet_record(packet, DNS_TYPE_SIG, covers_a, sizeof covers_a);
    packet_opt(packet, 1232, 0, NULL, 0);
    assert_query(packet, ST_OK);
}

static void a_response_must_be_one(void **state)
{
    struct packet *packet = *state;
    query(packet, 0);
    assert_response(packet, ST_INVALID); /* QR clear */
    packet_start(packet, DNS_FLAG_QR | 4 << 11, 1, 0, 0, 0);
    packet_question(packet, "a.com", DNS_TYPE_A);
    assert_response(packet, ST_INVALID); /* NOTIFY */
    packet_start(packet, DNS_FLAG_QR, 0, 0, 0, 0);
    assert_response(packet, ST_INVALID);
    response(packet, 0, 0, 0);
    assert_response(packet, ST_OK);
}

static void every_cut_of_a_response_is_refused(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    response(packet, 2, 1, 1);
    packet_record(packet, DNS_TYPE_CNAME, "\1b\xc0\x10", 4);
    packet_record(packet, DNS_TYPE_A, address, 4);
    packet_record(packet, DNS_TYPE_NS, "\2ns\xc0\x10", 5);
    packet_opt(packet, 1232, 0, NULL, 0);
    for (size_t n = DNS_HEADER_BYTES; n < packet_length(packet); n++) {
        uint8_t *cut = malloc(n);
        memcpy(cut, packet->bytes, n);
        assert_int_equal(dns_response_parse(cut, n, &message), ST_INVALID);
        free(cut);
    }
    assert_response(packet, ST_OK);
}

static void an_owner_name_that_loops_is_refused(void **state)
{
    struct packet *packet = *state;
    response(packet, 1, 0, 0);
    size_t at = packet_length(packet);
    wire_u16(&packet->wire, (uint16_t)(0xc000 | at));
    packet_data(packet, DNS_TYPE_A, DNS_CLASS_IN, 1, address, 4);
    assert_response(packet, ST_INVALID);
}

static void a_transfer_message_may_lack_its_question_and_hold_more_records(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    struct dns_record record;
    enum { RECORDS = 4000 };
    packet_start(packet, DNS_FLAG_QR | DNS_FLAG_AA, 0, RECORDS, 0, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        wire_u8(&packet->wire, 0);
        packet_data(packet, DNS_TYPE_A, DNS_CLASS_IN, 60, "1234", 4);
    }
    assert_int_equal(dns_transfer_parse(packet_exact(packet), packet_length(packet), &message), ST_OK);
    assert_int_equal(message.question.name.length, 0);
    struct dns_walk walk = dns_walk_start(packet->exact, packet_length(packet), &message);
    unsigned count = 0;
    while (dns_walk_next(&walk, &record))
        count++;
    assert_int_equal(count, RECORDS);
    assert_int_equal(packet_parse_response(packet, &message), ST_INVALID);
}

static void a_transfer_message_is_else_checked_as_a_response(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    static const struct {
        uint16_t flags;
        unsigned questions;
        const char *rdata;
        size_t n;
        enum status expected;
    } cases[] = {
        {DNS_FLAG_QR, 1, "1234", 4, ST_OK},      {DNS_FLAG_QR, 1, "123", 3, ST_INVALID},
        {0, 1, "1234", 4, ST_INVALID},           {DNS_FLAG_QR | 4 << 11, 1, "1234", 4, ST_INVALID},
        {DNS_FLAG_QR, 2, "1234", 4, ST_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        packet_start(packet, cases[i].flags, cases[i].questions, 1, 0, 0);
        packet_question(packet, "rpz.example", DNS_TYPE_AXFR);
        packet_record(packet, DNS_TYPE_A, cases[i].rdata, cases[i].n);
        assert_int_equal(dns_transfer_parse(packet_exact(packet), packet_length(packet), &message), cases[i].expected);
        if (cases[i].expected == ST_OK)
            for (size_t cut = 0; cut < packet_length(packet); cut++)
                assert_int_not_equal(dns_transfer_parse(packet->exact, cut, &message), ST_OK);
    }
}

static void a_notify_may_bring_one_record_along(void **state)
{
    struct packet *packet = *state;
    struct dns_message message;
    static const uint8_t soa[22];
    for (unsigned answers = 0; answers < 3; answers++) {
        packet_start(packet, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA, 1, answers, 0, 1);
        packet_question(packet, "rpz.example", DNS_TYPE_SOA);
        for (unsigned i = 0; i < answers; i++)
            packet_record(packet, DNS_TYPE_SOA, soa, sizeof soa);
        packet_opt(packet, 1232, 0, NULL, 0);
        assert_int_equal(dns_notify_parse(packet_exact(packet), packet_length(packet), &message),
                         answers < 2 ? ST_OK : ST_INVALID);
        assert_int_equal(message.edns.present, answers < 2);
    }
    packet_start(packet, DNS_OPCODE_NOTIFY << 11, 1, 1, 0, 0);
    packet_question(packet, "rpz.example", DNS_TYPE_SOA);
    assert_int_equal(dns_notify_parse(packet_exact(packet), packet_length(packet), &message), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        packet_test(less_than_a_header_is_truncated),
        packet_test(opcode_and_rcode_are_taken_from_the_flags),
        packet_test(a_plain_query_is_read),
        packet_test(a_query_with_no_or_two_questions_is_refused_without_a_question),
        packet_test(every_cut_of_a_query_is_refused),
        packet_test(a_question_name_with_a_pointer_is_refused),
        packet_test(answer_and_authority_records_in_a_query_are_refused),
        packet_test(d42_what_asks_for_a_difference_has_the_version_that_one_has),
        packet_test(counts_without_data_are_refused),
        packet_test(more_records_than_we_look_at_are_refused),
        packet_test(trailing_bytes_are_ignored_in_a_query_and_refused_in_a_response),
        packet_test(odd_header_bits_in_a_query_are_ignored),
        packet_test(edns_is_read),
        packet_test(ten_thousand_options_are_taken),
        packet_test(two_opt_records_are_refused),
        packet_test(an_opt_outside_the_additional_section_is_refused),
        packet_test(an_opt_that_is_not_owned_by_the_root_is_refused),
        packet_test(an_option_that_does_not_fit_its_opt_is_refused),
        packet_test(a_signature_of_the_message_must_come_last),
        packet_test(a_signature_of_the_message_must_be_whole),
        packet_test(an_old_signature_of_records_may_stand_anywhere),
        packet_test(a_response_must_be_one),
        packet_test(every_cut_of_a_response_is_refused),
        packet_test(an_owner_name_that_loops_is_refused),
        packet_test(a_transfer_message_may_lack_its_question_and_hold_more_records),
        packet_test(a_transfer_message_is_else_checked_as_a_response),
        packet_test(a_notify_may_bring_one_record_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
