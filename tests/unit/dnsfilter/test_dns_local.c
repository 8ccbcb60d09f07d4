/* Local data that no zone should have, and answers that do not fit; the usual cases are in tests/replay. */
#include "dnsfilter/dns_local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t out[DNS_MESSAGE_MAX];

static struct dns_message query_for(const char *name, uint16_t type)
{
    struct dns_message query = {
        .header = {.id = 0x1234, .flags = DNS_FLAG_RD, .qdcount = 1},
        .question = {.type = type, .class = DNS_CLASS_IN},
        .question_end = DNS_HEADER_BYTES + 1,
    };
    assert_int_equal(dname_from_text(str_of(name), &query.question.name), ST_OK);
    return query;
}

static void add(struct wire *data, uint16_t type, uint32_t ttl_s, const void *rdata, size_t n)
{
    wire_u16(data, type);
    wire_u32(data, ttl_s);
    wire_u16(data, (uint16_t)n);
    wire_bytes(data, rdata, n);
    assert_false(data->failed);
}

static struct str text_of(const struct wire *wire)
{
    return (struct str){(const char *)wire->start, wire_length(wire)};
}

/* The answer to a query for a.example, which must be well-formed. */
static struct dns_message answer_from(struct str data, uint16_t type)
{
    static const struct dns_settings settings = {.block_ttl_s = 10};
    static const struct verdict verdict = {.action = ACTION_BLOCK, .answer = RECORD_ANSWER_DATA};
    struct dns_message query = query_for("a.example", type), answer;
    size_t n = dns_local_answer(out, sizeof out, sizeof out, &query, data, &settings, &verdict);
    assert_int_equal(dns_response_parse(out, n, &answer), ST_OK);
    return answer;
}

static void data_that_breaks_off_is_given_as_far_as_it_is_whole(void **state)
{
    uint8_t bytes[64];
    struct wire data = wire_into(bytes, sizeof bytes);
    add(&data, DNS_TYPE_A, 60, "1234", 4);
    size_t whole = wire_length(&data);
    add(&data, DNS_TYPE_A, 60, "5678", 4);
    for (size_t n = 0; n <= wire_length(&data); n++) {
        struct dns_message answer = answer_from((struct str){(const char *)bytes, n}, DNS_TYPE_A);
        assert_int_equal(answer.header.ancount, n / whole);
        assert_int_equal(answer.header.nscount, n < whole);
    }
    assert_null(*state);
}

static void data_that_its_type_does_not_allow_is_left_out(void **state)
{
    uint8_t bytes[256];
    struct wire data = wire_into(bytes, sizeof bytes);
    add(&data, DNS_TYPE_A, 60, "123", 3);
    add(&data, DNS_TYPE_NS, 60, "\xc0\x0c", 2); /* a pointer would lead somewhere in the answer */
    add(&data, DNS_TYPE_HTTPS, 60, "\0\1", 2);
    add(&data, DNS_TYPE_CNAME, 60, "\1a", 2);
    add(&data, DNS_TYPE_MX, 60, "\0\1\1m\0", 5);
    assert_int_equal(answer_from(text_of(&data), DNS_TYPE_A).header.ancount, 0);
    assert_int_equal(answer_from(text_of(&data), DNS_TYPE_NS).header.ancount, 0);
    assert_int_equal(answer_from(text_of(&data), DNS_TYPE_HTTPS).header.ancount, 0);
    assert_int_equal(answer_from(text_of(&data), DNS_TYPE_MX).header.ancount, 1);
    assert_null(*state);
}

static void times_are_cut_at_an_hour(void **state)
{
    uint8_t bytes[64];
    struct wire data = wire_into(bytes, sizeof bytes);
    struct dns_record record;
    add(&data, DNS_TYPE_A, UINT32_MAX, "1234", 4);
    struct dns_message answer = answer_from(text_of(&data), DNS_TYPE_A);
    struct dns_walk walk = dns_walk_start(out, answer.records_end, &answer);
    assert_true(dns_walk_next(&walk, &record));
    assert_int_equal(record.ttl, 3600);
    assert_null(*state);
}

static void an_alias_is_none_for_who_asks_for_aliases_or_for_all(void **state)
{
    static const uint16_t types[] = {DNS_TYPE_CNAME, DNS_TYPE_ANY, DNS_TYPE_A, DNS_TYPE_HTTPS, 65280};
    uint8_t bytes[64];
    struct wire data = wire_into(bytes, sizeof bytes);
    struct dns_alias alias;
    add(&data, DNS_TYPE_CNAME, 60, "\1*\4wall\0", 8);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct dns_message query = query_for("A.example", types[i]);
        assert_int_equal(dns_local_alias(text_of(&data), &query.question, &alias), i >= 2);
    }
    char text[DNAME_TEXT_SIZE];
    dname_to_text(&alias.target, text);
    assert_string_equal(text, "A.example.wall");
    assert_int_equal(alias.ttl_s, 60);
    struct dns_message query = query_for("a.example", DNS_TYPE_A);
    assert_false(dns_local_alias((struct str){0}, &query.question, &alias));
    assert_null(*state);
}

/* A response for "wall" with COUNT records that name it by pointers, which take more room once they are written out. */
static size_t make_response(uint8_t *response, size_t size, unsigned count)
{
    struct dns_message query = query_for("wall", DNS_TYPE_MX);
    struct dns_build build = dns_build_response(response, size, &query, 0);
    for (unsigned i = 0; i < count; i++)
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_MX, 300, "\0\1\xc0\x0c", 4);
    return dns_build_finish(&build);
}

static struct dns_alias alias_to_wall(void)
{
    struct dns_alias alias = {.ttl_s = 60, .why = "c2 (zone)"};
    assert_int_equal(dname_from_text(STR("wall"), &alias.target), ST_OK);
    return alias;
}

static void the_targets_records_follow_with_their_names_written_out(void **state)
{
    static uint8_t response[DNS_MESSAGE_MAX];
    struct dns_message query = query_for("a.example", DNS_TYPE_MX), answer;
    struct dns_alias alias = alias_to_wall();
    size_t n = dns_local_join(out, sizeof out, sizeof out, &query, &alias, response, make_response(response, 512, 2));
    assert_int_equal(dns_response_parse(out, n, &answer), ST_OK);
    assert_int_equal(answer.header.ancount, 3);
    struct dns_walk walk = dns_walk_start(out, n, &answer);
    struct dns_record record;
    assert_true(dns_walk_next(&walk, &record) && record.type == DNS_TYPE_CNAME);
    assert_true(dns_walk_next(&walk, &record) && record.type == DNS_TYPE_MX);
    assert_true(dname_equal(&record.owner, &alias.target));
    assert_memory_equal(out + record.rdata_offset, "\0\1\4wall\0", 8);
    assert_null(*state);
}

static void what_does_not_fit_is_cut_or_no_answer(void **state)
{
    static uint8_t response[DNS_MESSAGE_MAX];
    struct dns_message query = query_for("a.example", DNS_TYPE_MX), answer;
    struct dns_alias alias = alias_to_wall();
    size_t n = make_response(response, sizeof response, 2000);
    assert_true(n > 0);
    size_t cut = dns_local_join(out, sizeof out, 512, &query, &alias, response, n);
    assert_in_range(cut, DNS_HEADER_BYTES, 512);
    assert_int_equal(dns_response_parse(out, cut, &answer), ST_OK);
    assert_true(answer.header.flags & DNS_FLAG_TC);
    assert_int_equal(dns_local_join(out, 1024, 512, &query, &alias, response, n), 0);
    assert_int_equal(dns_local_join(out, sizeof out, 512, &query, &alias, response, n - 1), 0); /* malformed */
    assert_null(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_breaks_off_is_given_as_far_as_it_is_whole),
        cmocka_unit_test(data_that_its_type_does_not_allow_is_left_out),
        cmocka_unit_test(times_are_cut_at_an_hour),
        cmocka_unit_test(an_alias_is_none_for_who_asks_for_aliases_or_for_all),
        cmocka_unit_test(the_targets_records_follow_with_their_names_written_out),
        cmocka_unit_test(what_does_not_fit_is_cut_or_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
