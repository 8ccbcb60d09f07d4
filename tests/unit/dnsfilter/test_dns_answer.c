#include "dnsfilter/dns_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct addr page[] = {
    {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 80}},
    {.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x80}},
};

static struct dns_settings settings_for(enum block_answer answer)
{
    struct dns_settings settings = {.page = page, .page_count = 2, .block_ttl_s = 10};
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        settings.answers[i] = answer;
    return settings;
}

static struct dns_message query_for(const char *name, uint16_t type, bool edns)
{
    struct dns_message query = {
        .header = {.id = 0x1234, .flags = DNS_FLAG_RD | DNS_FLAG_AD, .qdcount = 1},
        .question = {.type = type, .class = DNS_CLASS_IN},
        .edns = {.present = edns, .udp_size = 4096},
        .question_end = DNS_HEADER_BYTES + 1,
    };
    assert_int_equal(dname_from_text(str_of(name), &query.question.name), ST_OK);
    return query;
}

static struct verdict verdict_of(const char *family, const char *sources)
{
    struct verdict verdict = {.action = ACTION_BLOCK, .matched = true, .category = CATEGORY_C2};
    text_copy(verdict.family, sizeof verdict.family, str_of(family));
    text_copy(verdict.sources, sizeof verdict.sources, str_of(sources));
    return verdict;
}

static size_t blocked(enum block_answer answer, uint16_t type, struct dns_message *parsed, uint8_t out[512])
{
    struct dns_settings settings = settings_for(answer);
    struct dns_message query = query_for("evil.example", type, true);
    struct verdict verdict = verdict_of("conficker", "test-hosts,urlhaus");
    size_t n = dns_answer_blocked(out, 512, &query, &settings, &verdict);
    if (n)
        assert_int_equal(dns_response_parse(out, n, parsed), ST_OK);
    return n;
}

static void every_type_gets_a_well_formed_block_answer_of_every_kind(void **state)
{
    (void)state;
    for (int answer = BLOCK_PAGE; answer < BLOCK_DROP; answer++)
        for (unsigned type = 0; type <= 300; type++) {
            uint8_t out[512];
            struct dns_message message;
            assert_true(blocked((enum block_answer)answer, (uint16_t)type, &message, out) > 0);
            bool address = type == DNS_TYPE_A || type == DNS_TYPE_AAAA;
            bool filled = address && (answer == BLOCK_PAGE || answer == BLOCK_NULL);
            unsigned rcode = answer == BLOCK_NXDOMAIN  ? DNS_RCODE_NXDOMAIN
                             : answer == BLOCK_REFUSED ? DNS_RCODE_REFUSED
                                                       : DNS_RCODE_NOERROR;
            assert_int_equal(dns_header_rcode(&message.header), rcode);
            assert_int_equal(message.header.ancount, filled);
            assert_int_equal(message.header.nscount, !filled && answer != BLOCK_REFUSED); /* the SOA */
            assert_int_equal(message.header.id, 0x1234);
            assert_int_equal(message.header.flags & ~15, DNS_FLAG_QR | DNS_FLAG_RD | DNS_FLAG_RA); /* not AA, not AD */
            assert_int_equal(message.question.type, type);
            assert_true(message.edns.present);
        }
}

static void a_dropped_block_has_no_answer(void **state)
{
    (void)state;
    uint8_t out[512];
    struct dns_message message;
    assert_int_equal(blocked(BLOCK_DROP, DNS_TYPE_A, &message, out), 0);
}

static void the_reason_names_family_and_sources(void **state)
{
    (void)state;
    uint8_t out[512];
    struct dns_message message;
    blocked(BLOCK_NXDOMAIN, DNS_TYPE_A, &message, out);
    static const char expected[] = "\0\x0f\0\x2a\0\x0f"
                                   "c2: conficker (test-hosts, urlhaus)";
    struct str options = message.edns.options;
    assert_int_equal(options.length, 6 + strlen("c2: conficker (test-hosts, urlhaus)"));
    assert_memory_equal(options.data + 4, expected + 4, options.length - 4);
}

static void a_reason_with_control_bytes_and_of_any_length_stays_harmless(void **state)
{
    (void)state;
    struct dns_settings settings = settings_for(BLOCK_NXDOMAIN);
    struct dns_message query = query_for("evil.example", DNS_TYPE_A, true), message;
    struct verdict verdict = verdict_of("a\033[31m\r\nb", "");
    memset(verdict.sources, ',', sizeof verdict.sources - 1);
    uint8_t out[512];
    size_t n = dns_answer_blocked(out, sizeof out, &query, &settings, &verdict);
    assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
    assert_true(message.edns.options.length < 200);
    assert_null(memchr(message.edns.options.data + 6, '\033', message.edns.options.length - 6));
    assert_null(memchr(message.edns.options.data + 6, '\n', message.edns.options.length - 6));
}

static void no_opt_goes_to_a_client_that_sent_none(void **state)
{
    (void)state;
    struct dns_settings settings = settings_for(BLOCK_PAGE);
    struct dns_message query = query_for("evil.example", DNS_TYPE_A, false), message;
    struct verdict verdict = verdict_of("", "s");
    uint8_t out[512];
    size_t n = dns_answer_blocked(out, sizeof out, &query, &settings, &verdict);
    assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
    assert_false(message.edns.present);
    assert_int_equal(message.header.arcount, 0);
}

static void the_longest_name_fits_512_bytes_in_every_kind(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'a', sizeof name);
    name[63] = name[127] = name[191] = '.';
    name[253] = '\0';
    for (int answer = BLOCK_PAGE; answer < BLOCK_DROP; answer++) {
        struct dns_settings settings = settings_for((enum block_answer)answer);
        struct dns_message query = query_for(name, DNS_TYPE_TXT, true), message;
        struct verdict verdict = verdict_of("", "");
        memset(verdict.family, 'f', sizeof verdict.family - 1);
        memset(verdict.sources, 's', sizeof verdict.sources - 1);
        uint8_t out[512];
        size_t n = dns_answer_blocked(out, sizeof out, &query, &settings, &verdict);
        assert_true(n > 0);
        assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
    }
}

static void error_replies_are_a_header_alone(void **state)
{
    (void)state;
    struct dns_message query = query_for("www.example", DNS_TYPE_A, true);
    uint8_t out[512];
    assert_int_equal(dns_answer_error(out, sizeof out, &query, DNS_RCODE_FORMERR), DNS_HEADER_BYTES);
    static const uint8_t expected[] = {0x12, 0x34, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(out, expected, sizeof expected);
}

static void the_limit_is_what_client_and_path_take(void **state)
{
    (void)state;
    static const struct {
        uint16_t size;
        size_t limit;
    } cases[] = {{0, 512}, {511, 512}, {512, 512}, {800, 800}, {1232, 1232}, {1233, 1232}, {65535, 1232}};
    struct dns_message query = query_for("www.example", DNS_TYPE_A, false);
    assert_int_equal(dns_answer_limit(&query, true), 512);
    assert_int_equal(dns_answer_limit(&query, false), DNS_MESSAGE_MAX);
    query.edns.present = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        query.edns.udp_size = cases[i].size;
        assert_int_equal(dns_answer_limit(&query, true), cases[i].limit);
    }
}

static void the_words_of_the_config_are_read_and_written(void **state)
{
    (void)state;
    for (int i = BLOCK_PAGE; i <= BLOCK_DROP; i++) {
        enum block_answer answer;
        assert_int_equal(block_answer_parse(str_of(block_answer_text((enum block_answer)i)), &answer), ST_OK);
        assert_int_equal(answer, i);
    }
    enum block_answer answer;
    assert_int_equal(block_answer_parse(STR("Page"), &answer), ST_INVALID);
    assert_int_equal(block_answer_parse(STR(""), &answer), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_gets_a_well_formed_block_answer_of_every_kind),
        cmocka_unit_test(a_dropped_block_has_no_answer),
        cmocka_unit_test(the_reason_names_family_and_sources),
        cmocka_unit_test(a_reason_with_control_bytes_and_of_any_length_stays_harmless),
        cmocka_unit_test(no_opt_goes_to_a_client_that_sent_none),
        cmocka_unit_test(the_longest_name_fits_512_bytes_in_every_kind),
        cmocka_unit_test(error_replies_are_a_header_alone),
        cmocka_unit_test(the_limit_is_what_client_and_path_take),
        cmocka_unit_test(the_words_of_the_config_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
