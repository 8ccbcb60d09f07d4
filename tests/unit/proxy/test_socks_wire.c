#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "proxy/socks_wire.h"

static enum status greeting(struct str input, struct socks_greeting *result)
{
    return socks_greeting_parse(input, result);
}

/* Every beginning of INPUT is said to be too short, and the whole is taken without what follows it. */
#define assert_whole(parse, input, ...)                                                                                \
    do {                                                                                                               \
        struct str whole = input;                                                                                      \
        for (size_t n = 0; n < whole.length; n++)                                                                      \
            assert_int_equal(parse((struct str){whole.data, n}, __VA_ARGS__), ST_TRUNCATED);                           \
        assert_int_equal(parse(whole, __VA_ARGS__), ST_OK);                                                            \
    } while (0)

static void a_greeting_tells_which_methods_are_offered(void **state)
{
    (void)state;
    struct socks_greeting result;
    assert_whole(greeting, STR("\5\1\0"), &result);
    assert_true(result.takes_none && !result.takes_password && result.length == 3);
    assert_whole(greeting, STR("\5\3\1\2\0"), &result);
    assert_true(result.takes_none && result.takes_password && result.length == 5);
    assert_whole(greeting, STR("\5\1\2"), &result);
    assert_true(!result.takes_none && result.takes_password);
    assert_int_equal(greeting(STR("\5\1\1\0\2"), &result), ST_OK); /* what follows is no method */
    assert_true(!result.takes_none && !result.takes_password && result.length == 3);
}

static void a_greeting_of_another_kind_or_without_methods_is_refused(void **state)
{
    (void)state;
    struct socks_greeting result;
    assert_int_equal(greeting(STR("GET / HTTP/1.1\r\n"), &result), ST_INVALID);
    assert_int_equal(greeting(STR("G"), &result), ST_INVALID);
    assert_int_equal(greeting(STR("\4\1\0\120"), &result), ST_INVALID);
    assert_int_equal(greeting(STR("\5\0"), &result), ST_INVALID);
    assert_int_equal(greeting(STR("\5\0\0"), &result), ST_INVALID);
    assert_int_equal(result.length, 0);
}

static void a_login_has_a_user_and_a_password(void **state)
{
    (void)state;
    struct socks_login login;
    assert_whole(socks_login_parse, STR("\1\4user\6secret"), &login);
    assert_true(str_eq(login.user, STR("user")) && str_eq(login.password, STR("secret")) && login.length == 13);
    assert_whole(socks_login_parse, STR("\1\1u\0"), &login);
    assert_true(str_eq(login.user, STR("u")) && !login.password.length && login.length == 4);
    assert_int_equal(socks_login_parse(STR("\5\1u\1p"), &login), ST_INVALID);
    assert_int_equal(socks_login_parse(STR("\1\0"), &login), ST_INVALID);
}

static void a_request_names_an_address_or_a_name(void **state)
{
    (void)state;
    struct socks_request request;
    char text[ADDR_TEXT_SIZE];
    assert_whole(socks_request_parse, STR("\5\1\0\1\300\0\2\1\1\273"), SOCKS_5, &request);
    addr_format_ip(&request.addr, text);
    assert_string_equal(text, "192.0.2.1");
    assert_true(request.command == SOCKS_CONNECT && request.port == 443 && !request.name.length);
    assert_int_equal(request.length, 10);

    assert_whole(socks_request_parse, STR("\5\2\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\120"), SOCKS_5, &request);
    addr_format_ip(&request.addr, text);
    assert_string_equal(text, "2001:db8::1");
    assert_true(request.command == SOCKS_BIND && request.port == 80 && request.length == 22);

    assert_whole(socks_request_parse, STR("\5\3\0\3\6a.test\0\120"), SOCKS_5, &request);
    assert_true(request.command == SOCKS_UDP_ASSOCIATE && str_eq(request.name, STR("a.test")) && request.port == 80);
    assert_int_equal(socks_request_parse(STR("\5\1\0\3\1a\0\120tail"), SOCKS_5, &request), ST_OK);
    assert_int_equal(request.length, 8);
}

static void a_request_that_breaks_the_form_is_refused_as_soon_as_it_is_seen(void **state)
{
    (void)state;
    struct socks_request request;
    assert_int_equal(socks_request_parse(STR("\5\1\1"), SOCKS_5, &request), ST_INVALID);
    assert_int_equal(socks_request_parse(STR("\4"), SOCKS_5, &request), ST_INVALID);
    assert_int_equal(socks_request_parse(STR("\5\1\0\3\0"), SOCKS_5, &request), ST_INVALID);
    assert_int_equal(socks_request_parse(STR("\5\1\0\2"), SOCKS_5, &request), ST_UNSUPPORTED);
    assert_int_equal(socks_request_parse(STR("\5\1\0\0"), SOCKS_5, &request), ST_UNSUPPORTED);
    assert_int_equal(socks_request_parse(STR("\5\1\0\377"), SOCKS_5, &request), ST_UNSUPPORTED);
    assert_int_equal(socks_request_parse(STR("\5"), SOCKS_4, &request), ST_INVALID);
}

static void a_name_may_have_255_bytes(void **state)
{
    (void)state;
    char bytes[5 + 255 + 2] = {5, 1, 0, 3, (char)255};
    struct socks_request request;
    memset(bytes + 5, 'a', 255);
    assert_whole(socks_request_parse, ((struct str){bytes, sizeof bytes}), SOCKS_5, &request);
    assert_int_equal(request.name.length, 255);
}

static void socks_4_names_an_address_and_4a_a_name_behind_it(void **state)
{
    (void)state;
    struct socks_request request;
    char text[ADDR_TEXT_SIZE];
    assert_whole(socks_request_parse, STR("\4\1\1\273\300\0\2\1me\0"), SOCKS_4, &request);
    addr_format_ip(&request.addr, text);
    assert_string_equal(text, "192.0.2.1");
    assert_true(request.command == SOCKS_CONNECT && request.port == 443 && !request.name.length);
    assert_whole(socks_request_parse, STR("\4\1\0\120\0\0\0\7\0a.test\0"), SOCKS_4, &request);
    assert_true(str_eq(request.name, STR("a.test")) && request.port == 80 && request.length == 16);
    /* No address, and no name either: it is the address 0.0.0.0, and what follows is not ours. */
    assert_int_equal(socks_request_parse(STR("\4\1\0\120\0\0\0\0\0a.test\0"), SOCKS_4, &request), ST_OK);
    assert_true(!request.name.length && request.length == 9 && addr_is_unspecified(&request.addr));
    assert_int_equal(socks_request_parse(STR("\4\1\0\120\0\0\0\1\0\0"), SOCKS_4, &request), ST_INVALID);
}

static void socks_4_without_an_end_is_refused(void **state)
{
    (void)state;
    char bytes[8 + 600] = {4, 1, 0, 80, 0, 0, 0, 1};
    struct socks_request request;
    memset(bytes + 8, 'u', 600);
    assert_int_equal(socks_request_parse((struct str){bytes, 8 + 255}, SOCKS_4, &request), ST_TRUNCATED);
    assert_int_equal(socks_request_parse((struct str){bytes, 8 + 256}, SOCKS_4, &request), ST_INVALID);
    bytes[8 + 255] = '\0';
    assert_int_equal(socks_request_parse((struct str){bytes, 8 + 256 + 255}, SOCKS_4, &request), ST_TRUNCATED);
    assert_int_equal(socks_request_parse((struct str){bytes, 8 + 256 + 256}, SOCKS_4, &request), ST_INVALID);
    bytes[8 + 256 + 255] = '\0';
    assert_int_equal(socks_request_parse((struct str){bytes, 8 + 256 + 256}, SOCKS_4, &request), ST_OK);
    assert_int_equal(request.name.length, 255);
}

static void replies_have_the_form_of_their_version(void **state)
{
    (void)state;
    struct buf out = {0};
    socks_reply_build(&out, SOCKS_5, SOCKS_REPLY_NOT_ALLOWED);
    assert_true(str_eq((struct str){out.data, out.length}, STR("\5\2\0\1\0\0\0\0\0\0")));
    buf_clear(&out);
    socks_reply_build(&out, SOCKS_4, SOCKS_REPLY_SUCCEEDED);
    socks_reply_build(&out, SOCKS_4, SOCKS_REPLY_NOT_ALLOWED);
    assert_true(str_eq((struct str){out.data, out.length}, STR("\0\x5a\0\0\0\0\0\0\0\x5b\0\0\0\0\0\0")));
    buf_clear(&out);
    socks_method_build(&out, SOCKS_METHOD_UNACCEPTABLE);
    socks_login_reply_build(&out, true);
    socks_login_reply_build(&out, false);
    assert_true(str_eq((struct str){out.data, out.length}, STR("\5\xff\1\0\1\1")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greeting_tells_which_methods_are_offered),
        cmocka_unit_test(a_greeting_of_another_kind_or_without_methods_is_refused),
        cmocka_unit_test(a_login_has_a_user_and_a_password),
        cmocka_unit_test(a_request_names_an_address_or_a_name),
        cmocka_unit_test(a_request_that_breaks_the_form_is_refused_as_soon_as_it_is_seen),
        cmocka_unit_test(a_name_may_have_255_bytes),
        cmocka_unit_test(socks_4_names_an_address_and_4a_a_name_behind_it),
        cmocka_unit_test(socks_4_without_an_end_is_refused),
        cmocka_unit_test(replies_have_the_form_of_their_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
