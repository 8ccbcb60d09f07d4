#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "message/dns_opt.h"

static size_t answer(uint8_t *out, size_t size, unsigned answers, unsigned soas, bool opt)
{
    struct dns_message query = {.header = {.id = 1, .flags = DNS_FLAG_RD}, .question_end = 1};
    assert_int_equal(dname_from_text(STR("www.example"), &query.question.name), ST_OK);
    query.question.type = DNS_TYPE_A;
    query.question.class = DNS_CLASS_IN;
    struct dns_build build = dns_build_response(out, size, &query, 0);
    for (unsigned i = 0; i < answers; i++)
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 300 - i, "\1\2\3\4", 4);
    for (unsigned i = 0; i < soas; i++)
        dns_build_record(&build, DNS_AUTHORITY, &query.question.name, i ? DNS_TYPE_NS : DNS_TYPE_SOA, 60 - i, "\0", 1);
    if (opt)
        dns_build_opt(&build, 1232, false, 0, DNS_EDE_BLOCKED, STR("why"));
    return dns_build_finish(&build);
}

static void options_are_added_to_the_opt_record_at_the_end(void **state)
{
    uint8_t out[512];
    struct dns_message message;
    struct str data;
    size_t offset, n = answer(out, sizeof out, 3, 0, true), before = n;
    (void)state;
    assert_int_equal(dns_opt_find(out, n, &offset), ST_OK);
    n = dns_opt_add(out, n, sizeof out, offset, DNS_OPTION_COOKIE, "cookie..", 8);
    n = dns_opt_add(out, n, sizeof out, offset, DNS_OPTION_PADDING, NULL, 5);
    assert_int_equal(n, before + 12 + 9);
    assert_int_equal(dns_response_parse(out, n, &message), ST_OK);
    assert_true(dns_option_find(message.edns.options, DNS_OPTION_COOKIE, &data));
    assert_true(str_eq(data, STR("cookie..")));
    assert_true(dns_option_find(message.edns.options, DNS_OPTION_PADDING, &data));
    assert_int_equal(data.length, 5);
    assert_memory_equal(data.data, "\0\0\0\0\0", 5);
    assert_false(dns_option_find(message.edns.options, DNS_OPTION_KEEPALIVE, &data));
}

static void what_does_not_fit_is_left_out(void **state)
{
    uint8_t out[512];
    size_t offset, n = answer(out, sizeof out, 1, 0, true);
    (void)state;
    assert_int_equal(dns_opt_find(out, n, &offset), ST_OK);
    assert_int_equal(dns_opt_add(out, n, n + 11, offset, DNS_OPTION_COOKIE, "cookie..", 8), n);
    assert_int_equal(dns_opt_add(out, n, n - 1, offset, DNS_OPTION_PADDING, NULL, 0), n);
    assert_int_equal(dns_opt_add(out, n, n + 12, offset, DNS_OPTION_COOKIE, "cookie..", 8), n + 12);
}

static void no_message_without_an_opt_at_its_end_has_one(void **state)
{
    uint8_t out[512];
    size_t offset, n = answer(out, sizeof out, 2, 1, false);
    (void)state;
    assert_int_equal(dns_opt_find(out, n, &offset), ST_NOT_FOUND);
    n = answer(out, sizeof out, 2, 1, true);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(dns_opt_find(out, cut, &offset), ST_NOT_FOUND);
    assert_int_equal(dns_opt_find(out, n + 1, &offset), ST_NOT_FOUND);
}

static void the_least_ttl_is_that_of_the_answers_or_the_soa(void **state)
{
    uint8_t out[512];
    (void)state;
    assert_int_equal(dns_least_ttl_s(out, answer(out, sizeof out, 3, 2, true)), 298);
    assert_int_equal(dns_least_ttl_s(out, answer(out, sizeof out, 0, 2, true)), 60);
    assert_int_equal(dns_least_ttl_s(out, answer(out, sizeof out, 0, 0, true)), 0);
    assert_int_equal(dns_least_ttl_s(out, 40), 0);
    assert_int_equal(dns_least_ttl_s(out, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_added_to_the_opt_record_at_the_end),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(no_message_without_an_opt_at_its_end_has_one),
        cmocka_unit_test(the_least_ttl_is_that_of_the_answers_or_the_soa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
