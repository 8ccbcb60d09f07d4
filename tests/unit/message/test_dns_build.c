#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet.h"

static struct dns_message parsed_query(struct packet *packet, uint16_t flags)
{
    struct dns_message query;
    packet_start(packet, flags, 1, 0, 0, 0);
    packet_question(packet, "eViL.example", DNS_TYPE_AAAA);
    assert_int_equal(packet_parse_query(packet, &query), ST_OK);
    return query;
}

static void a_response_repeats_id_opcode_rd_cd_and_question(void **state)
{
    struct packet *packet = *state;
    uint8_t out[512];
    struct dns_message response, query = parsed_query(packet, DNS_FLAG_RD | DNS_FLAG_CD | DNS_FLAG_AD | DNS_FLAG_TC);
    struct dns_build build = dns_build_response(out, sizeof out, &query, DNS_RCODE_NXDOMAIN);
    size_t n = dns_build_finish(&build);
    assert_int_equal(n, packet_length(packet));
    assert_int_equal(dns_response_parse(out, n, &response), ST_OK);
    assert_int_equal(response.header.id, 0x1234);
    assert_int_equal(response.header.flags, DNS_FLAG_QR | DNS_FLAG_RA | DNS_FLAG_RD | DNS_FLAG_CD | DNS_RCODE_NXDOMAIN);
    assert_memory_equal(out + 12, packet->bytes + 12, n - 12); /* the case of the name too */
}

static void the_opcode_is_repeated(void **state)
{
    struct packet *packet = *state;
    uint8_t out[512];
    struct dns_message query = parsed_query(packet, DNS_OPCODE_NOTIFY << 11);
    struct dns_build build = dns_build_response(out, sizeof out, &query, DNS_RCODE_NOTIMP);
    assert_int_not_equal(dns_build_finish(&build), 0);
    struct dns_header header;
    assert_int_equal(dns_header_parse(out, 12, &header), ST_OK);
    assert_int_equal(dns_header_opcode(&header), DNS_OPCODE_NOTIFY);
}

static void a_query_whose_question_was_not_read_gets_a_header(void **state)
{
    struct packet *packet = *state;
    uint8_t out[512];
    struct dns_message query;
    packet_start(packet, DNS_FLAG_RD, 1, 0, 0, 0);
    wire_bytes(&packet->wire, "\3www\0\0", 6); /* the type cut */
    assert_int_equal(packet_parse_query(packet, &query), ST_INVALID);
    struct dns_build build = dns_build_response(out, sizeof out, &query, DNS_RCODE_FORMERR);
    assert_int_equal(dns_build_finish(&build), 12);
    assert_memory_equal(out, "\x12\x34\x81\x81\0\0\0\0\0\0\0\0", 12);
}

static void records_are_written_and_counted(void **state)
{
    struct packet *packet = *state;
    uint8_t out[512];
    struct dns_message response, query = parsed_query(packet, DNS_FLAG_RD);
    struct dname zone = name_of("example");
    struct dns_build build = dns_build_response(out, sizeof out, &query, 0);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_AAAA, 10, "0123456789abcdef", 16);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_AAAA, 10, "fedcba9876543210", 16);
    dns_build_record(&build, DNS_AUTHORITY, &zone, DNS_TYPE_NS, 20, "\2ns\0", 4);
    dns_build_opt(&build, 1232, true, 0, -1, STR("unused"));
    size_t n = dns_build_finish(&build);
    assert_int_equal(dns_response_parse(out, n, &response), ST_OK);
    assert_int_equal(response.header.ancount, 2);
    assert_int_equal(response.header.nscount, 1);
    assert_int_equal(response.header.arcount, 1);
    assert_true(response.edns.present && response.edns.dnssec_ok);
    assert_int_equal(response.edns.options.length, 0);

    struct dns_record record;
    struct dns_walk walk = dns_walk_start(out, n, &response);
    assert_true(dns_walk_next(&walk, &record));
    assert_true(dname_equal(&record.owner, &query.question.name));
    assert_int_equal(record.ttl, 10);
    assert_memory_equal(out + record.rdata_offset, "0123456789abcdef", 16);
    assert_true(dns_walk_next(&walk, &record) && dns_walk_next(&walk, &record));
    assert_true(dname_equal(&record.owner, &zone));
}

static void what_does_not_fit_makes_no_message(void **state)
{
    struct packet *packet = *state;
    uint8_t out[64];
    struct dns_message query = parsed_query(packet, 0);
    size_t need = packet_length(packet) + 12 + 4;
    for (size_t size = 0; size <= need; size++) {
        struct dns_build build = dns_build_response(out, size, &query, 0);
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 10, "1234", 4);
        assert_int_equal(dns_build_finish(&build), size < need ? 0 : need);
    }
}

static void data_over_65535_bytes_makes_no_message(void **state)
{
    struct packet *packet = *state;
    static uint8_t out[70000], data[65536];
    struct dns_message query = parsed_query(packet, 0);
    struct dns_build build = dns_build_response(out, sizeof out, &query, 0);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_TXT, 10, data, sizeof data);
    assert_int_equal(dns_build_finish(&build), 0);
}

static void opt_carries_the_upper_rcode_and_the_extended_error(void **state)
{
    struct packet *packet = *state;
    uint8_t out[512];
    struct dns_message response, query = parsed_query(packet, 0);
    struct dns_build build = dns_build_response(out, sizeof out, &query, DNS_RCODE_BADVERS);
    dns_build_opt(&build, 1232, false, DNS_RCODE_BADVERS, DNS_EDE_BLOCKED, STR("emotet"));
    size_t n = dns_build_finish(&build);
    assert_int_equal(dns_response_parse(out, n, &response), ST_OK);
    assert_int_equal(response.header.flags, DNS_FLAG_QR | DNS_FLAG_RA); /* none of the upper bits */
    assert_int_equal(response.edns.extended_rcode, 1);
    assert_int_equal(response.edns.version, 0);
    assert_int_equal(response.edns.udp_size, 1232);
    assert_false(response.edns.dnssec_ok);
    assert_int_equal(response.edns.options.length, 12);
    assert_memory_equal(response.edns.options.data, "\0\17\0\10\0\17emotet", 12);
}

static void the_extended_error_is_cut_at_a_character_to_fit(void **state)
{
    struct packet *packet = *state;
    uint8_t out[512];
    struct dns_message response, query = parsed_query(packet, 0);
    size_t fixed = packet_length(packet) + 11;
    static const struct {
        size_t room, options;
    } cases[] = {{0, 0}, {5, 0}, {6, 6}, {7, 7}, {8, 7}, {9, 7}, {10, 10}, {11, 11}, {12, 11}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_build build = dns_build_response(out, fixed + cases[i].room, &query, 0);
        dns_build_opt(&build, 1232, false, 0, DNS_EDE_OTHER,
                      STR("a\xe2\x82\xac"
                          "b"));
        size_t n = dns_build_finish(&build);
        assert_int_equal(n, fixed + cases[i].options);
        assert_int_equal(dns_response_parse(out, n, &response), ST_OK);
    }
    struct dns_build build = dns_build_response(out, fixed - 1, &query, 0);
    dns_build_opt(&build, 1232, false, 0, DNS_EDE_OTHER, STR("text"));
    assert_int_equal(dns_build_finish(&build), 0);
}

static void a_query_asks_one_question_with_rd(void **state)
{
    (void)state;
    uint8_t out[512];
    struct dns_message query;
    struct dns_question question = {.name = name_of("a.Example"), .type = DNS_TYPE_HTTPS, .class = DNS_CLASS_IN};
    struct dns_build build = dns_build_query(out, sizeof out, 0xbeef, &question, DNS_FLAG_CD);
    dns_build_opt(&build, 1232, true, 0, -1, (struct str){0});
    size_t n = dns_build_finish(&build);
    assert_int_equal(dns_query_parse(out, n, &query), ST_OK);
    assert_int_equal(query.header.id, 0xbeef);
    assert_int_equal(query.header.flags, DNS_FLAG_RD | DNS_FLAG_CD);
    assert_int_equal(query.question.type, DNS_TYPE_HTTPS);
    assert_memory_equal(query.question.name.wire, question.name.wire, question.name.length);
    assert_int_equal(query.records_end, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        packet_test(a_response_repeats_id_opcode_rd_cd_and_question),
        packet_test(the_opcode_is_repeated),
        packet_test(a_query_whose_question_was_not_read_gets_a_header),
        packet_test(records_are_written_and_counted),
        packet_test(what_does_not_fit_makes_no_message),
        packet_test(data_over_65535_bytes_makes_no_message),
        packet_test(opt_carries_the_upper_rcode_and_the_extended_error),
        packet_test(the_extended_error_is_cut_at_a_character_to_fit),
        packet_test(a_query_asks_one_question_with_rd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
