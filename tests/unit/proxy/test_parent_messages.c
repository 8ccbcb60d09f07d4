#include "proxy/parent_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct origin_parent parent;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    parent = (struct origin_parent){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

static void give_login(const char *login)
{
    assert_int_equal(origin_parent_set_login(&parent, str_of(login), NULL), ST_OK);
}

static struct parent_target target(const char *addr, uint16_t port)
{
    struct parent_target target = {0};
    assert_int_equal(addr_parse_ip(str_of(addr), &target.addr), ST_OK);
    target.addr.port = port;
    return target;
}

static void assert_out(const void *expected, size_t n)
{
    assert_false(out.failed);
    assert_int_equal(out.length, n);
    assert_memory_equal(out.data, expected, n);
    buf_clear(&out);
}

static void a_connect_names_the_address_twice(void **state)
{
    (void)state;
    struct parent_target v4 = target("192.0.2.1", 443), v6 = target("2001:db8::1", 8443);
    parent_connect_build(&out, &parent, &v4);
    assert_string_equal(buf_text(&out), "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n\r\n");
    buf_clear(&out);
    parent_connect_build(&out, &parent, &v6);
    assert_string_equal(buf_text(&out), "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n");
}

static void a_connect_names_the_host_where_that_is_wanted(void **state)
{
    (void)state;
    struct parent_target named = {.name = STR("a.example"), .addr = {.port = 443}};
    give_login("Aladdin:open sesame");
    parent_connect_build(&out, &parent, &named);
    assert_string_equal(buf_text(&out), "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"
                                        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

static enum status hear(const char *text, unsigned *status, size_t *length)
{
    static struct http_head head;
    return parent_connect_parse(str_of(text), &head, status, length);
}

static void what_follows_a_connects_answer_is_left_to_the_tunnel(void **state)
{
    (void)state;
    unsigned status;
    size_t length;
    const char *text = "HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\nSSH-2.0-x";
    assert_int_equal(hear(text, &status, &length), ST_OK);
    assert_int_equal(status, 200);
    assert_string_equal(text + length, "SSH-2.0-x");
    assert_int_equal(hear("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 407 No\r\n\r\n", &status, &length), ST_OK);
    assert_int_equal(status, 407);
}

static void an_answer_to_connect_is_read_as_strictly_as_an_origins(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\x05",
                                        "SSH-2.0-OpenSSH\r\n\r\n",
                                        "HTTP/1.1 200 OK\n\n",
                                        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                                        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                                        "HTTP/2 200\r\n\r\n",
                                        "HTTP/1.1 99 Low\r\n\r\n"};
    unsigned status;
    size_t length;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (hear(wrong[i], &status, &length) != ST_INVALID)
            fail_msg("\"%s\" was taken", wrong[i]);
    assert_int_equal(hear("HTTP/1.1 200 OK\r\n", &status, &length), ST_TRUNCATED);
    assert_int_equal(hear("", &status, &length), ST_TRUNCATED);
    assert_int_equal(hear("HTTP/1.1 100 Continue\r\n\r\n", &status, &length), ST_TRUNCATED);
}

static void endless_interim_answers_are_no_answer(void **state)
{
    (void)state;
    struct buf many = {0};
    unsigned status;
    size_t length;
    for (int i = 0; i < 20; i++)
        buf_add_text(&many, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(hear(buf_text(&many), &status, &length), ST_INVALID);
    buf_free(&many);
}

static void a_socks_greeting_offers_a_login_only_where_there_is_one(void **state)
{
    (void)state;
    parent_socks_greeting_build(&out, &parent);
    assert_out("\x05\x01\x00", 3);
    give_login("user:pass");
    parent_socks_greeting_build(&out, &parent);
    assert_out("\x05\x02\x00\x02", 4);
    parent_socks_login_build(&out, &parent);
    assert_out("\x01\x04user\x04pass", 11);
}

static void a_socks_request_names_the_address_or_the_host(void **state)
{
    (void)state;
    struct parent_target v4 = target("192.0.2.1", 443), v6 = target("2001:db8::1", 80);
    struct parent_target named = {.name = STR("a.example"), .addr = {.port = 8080}};
    parent_socks_request_build(&out, &v4);
    assert_out("\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb", 10);
    parent_socks_request_build(&out, &v6);
    assert_out("\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50", 22);
    parent_socks_request_build(&out, &named);
    assert_out("\x05\x01\x00\x03\x09"
               "a.example\x1f\x90",
               16);
}

#define BYTES(text) ((struct str){(text), sizeof(text) - 1})

static void a_socks_method_is_one_of_those_offered(void **state)
{
    (void)state;
    uint8_t method;
    size_t length = 0;
    assert_int_equal(parent_socks_method_parse(BYTES("\x05\x00"), false, &method, &length), ST_OK);
    assert_int_equal(method, SOCKS_NO_LOGIN);
    assert_int_equal(length, 2);
    assert_int_equal(parent_socks_method_parse(BYTES("\x05\x02"), true, &method, &length), ST_OK);
    assert_int_equal(parent_socks_method_parse(BYTES("\x05\xff"), false, &method, &length), ST_OK);
    assert_int_equal(method, SOCKS_NO_METHOD);
    assert_int_equal(parent_socks_method_parse(BYTES("\x05\x02"), false, &method, &length), ST_INVALID);
    assert_int_equal(parent_socks_method_parse(BYTES("\x05\x01"), true, &method, &length), ST_INVALID);
    assert_int_equal(parent_socks_method_parse(BYTES("\x04"), true, &method, &length), ST_INVALID);
    assert_int_equal(parent_socks_method_parse(BYTES("H"), true, &method, &length), ST_INVALID);
    assert_int_equal(parent_socks_method_parse(BYTES("\x05"), true, &method, &length), ST_TRUNCATED);
    assert_int_equal(parent_socks_method_parse(BYTES(""), true, &method, &length), ST_TRUNCATED);
}

static void a_socks_login_is_taken_by_zero_alone(void **state)
{
    (void)state;
    size_t length = 0;
    assert_int_equal(parent_socks_login_parse(BYTES("\x01\x00rest"), &length), ST_OK);
    assert_int_equal(length, 2);
    assert_int_equal(parent_socks_login_parse(BYTES("\x01\x01"), &length), ST_DENIED);
    assert_int_equal(parent_socks_login_parse(BYTES("\x01\xff"), &length), ST_DENIED);
    assert_int_equal(parent_socks_login_parse(BYTES("\x05"), &length), ST_INVALID);
    assert_int_equal(parent_socks_login_parse(BYTES("\x01"), &length), ST_TRUNCATED);
}

static void a_socks_reply_ends_behind_its_address_of_any_kind(void **state)
{
    (void)state;
    uint8_t reply;
    size_t length = 0;
    assert_int_equal(parent_socks_reply_parse(BYTES("\x05\x00\x00\x01\x7f\0\0\x01\x1f\x90xyz"), &reply, &length),
                     ST_OK);
    assert_int_equal(length, 10);
    assert_int_equal(reply, 0);
    assert_int_equal(
        parent_socks_reply_parse(BYTES("\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x50z"), &reply, &length),
        ST_OK);
    assert_int_equal(length, 22);
    assert_int_equal(parent_socks_reply_parse(BYTES("\x05\x05\x00\x03\x03"
                                                    "a.b\0\x50"),
                                              &reply, &length),
                     ST_OK);
    assert_int_equal(reply, 5);
    assert_int_equal(length, 10);
    assert_int_equal(parent_socks_reply_parse(BYTES("\x05\x00\x00\x03\xff"
                                                    "a.b\0\x50"),
                                              &reply, &length),
                     ST_TRUNCATED);
    assert_int_equal(parent_socks_reply_parse(BYTES("\x05\x00\x01\x01\0\0\0\0\0\0"), &reply, &length), ST_INVALID);
    assert_int_equal(parent_socks_reply_parse(BYTES("\x05\x00\x00\x02\0\0\0\0\0\0"), &reply, &length), ST_INVALID);
    assert_int_equal(parent_socks_reply_parse(BYTES("\x00\x5a"), &reply, &length), ST_INVALID);
    for (size_t n = 0; n < 10; n++)
        assert_int_equal(
            parent_socks_reply_parse((struct str){"\x05\x00\x00\x01\x7f\0\0\x01\x1f\x90", n}, &reply, &length),
            ST_TRUNCATED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_connect_names_the_address_twice),
        T(a_connect_names_the_host_where_that_is_wanted),
        T(what_follows_a_connects_answer_is_left_to_the_tunnel),
        T(an_answer_to_connect_is_read_as_strictly_as_an_origins),
        T(endless_interim_answers_are_no_answer),
        T(a_socks_greeting_offers_a_login_only_where_there_is_one),
        T(a_socks_request_names_the_address_or_the_host),
        T(a_socks_method_is_one_of_those_offered),
        T(a_socks_login_is_taken_by_zero_alone),
        T(a_socks_reply_ends_behind_its_address_of_any_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
