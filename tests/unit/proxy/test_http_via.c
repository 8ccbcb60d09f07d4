#include "proxy/http_via.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The reference vectors of SipHash-2-4's authors: key 00..0f; the empty text and the bytes 00..07. */
static void the_token_is_siphash_of_the_host(void **state)
{
    (void)state;
    struct http_via via = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    char token[HTTP_VIA_TOKEN_SIZE];
    http_via_token(&via, STR(""), token);
    assert_string_equal(token, "726fdb47dd0e0e31");
    http_via_token(&via, STR("\0\1\2\3\4\5\6\7"), token);
    assert_string_equal(token, "93f5f5799a932462");
    http_via_token(&via, STR("\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e"), token);
    assert_string_equal(token, "a129ca6149be45e5");
}

static void the_token_differs_by_host_and_by_key_but_not_by_case(void **state)
{
    (void)state;
    struct http_via one, other;
    char a[HTTP_VIA_TOKEN_SIZE], b[HTTP_VIA_TOKEN_SIZE];
    assert_int_equal(http_via_init(&one), ST_OK);
    assert_int_equal(http_via_init(&other), ST_OK);
    http_via_token(&one, STR("a.test"), a);
    http_via_token(&one, STR("A.Test"), b);
    assert_string_equal(a, b);
    http_via_token(&one, STR("b.test"), b);
    assert_string_not_equal(a, b);
    http_via_token(&other, STR("a.test"), b);
    assert_string_not_equal(a, b);
}

static bool is_loop(const char *fields, const char *token)
{
    char text[256];
    struct http_head head;
    enum http_reject reject;
    text_copy(text, sizeof text, str_of("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"));
    strncat(text, fields, sizeof text - strlen(text) - 1);
    strncat(text, "\r\n", sizeof text - strlen(text) - 1);
    assert_int_equal(http_request_parse(str_of(text), &head, &reject), ST_OK);
    return http_via_is_loop(&head, token);
}

static void only_our_own_token_in_via_is_a_loop(void **state)
{
    (void)state;
    const char *token = "0123456789abcdef";
    assert_true(is_loop("Via: 1.1 ccward (0123456789abcdef)\r\n", token));
    assert_true(is_loop("Via: 1.0 x, 1.1 ccward (0123456789abcdef), 1.1 y\r\n", token));
    assert_true(is_loop("Via: 1.1 x\r\nvia: 1.1 ccward (0123456789abcdef)\r\n", token));
    assert_false(is_loop("Via: 1.1 ccward (0123456789abcdee)\r\n", token));
    assert_false(is_loop("Via: 1.1 ccward\r\n", token));
    assert_false(is_loop("Via:\r\n", token));
    assert_false(is_loop("X-Via: 1.1 ccward (0123456789abcdef)\r\n", token));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_siphash_of_the_host),
        cmocka_unit_test(the_token_differs_by_host_and_by_key_but_not_by_case),
        cmocka_unit_test(only_our_own_token_in_via_is_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
