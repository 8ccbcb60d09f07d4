#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "message/http_head.h"

static struct http_head head;
static enum http_reject reject;

static enum status parse(const char *method, const char *text)
{
    reject = HTTP_REJECT_NONE;
    return http_response_parse(str_of(text), str_of(method), &head, &reject);
}

static void assert_refused(const char *text, enum http_reject expected)
{
    enum status status = parse("GET", text);
    if (status != ST_INVALID || reject != expected)
        fail_msg("status %d, \"%s\" for: %s", status, http_reject_text(reject), text);
}

static void assert_framing(const char *method, const char *text, enum http_framing expected)
{
    assert_int_equal(parse(method, text), ST_OK);
    assert_int_equal(head.framing, expected);
}

static void a_response_is_read(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 404 Not  Found \r\nContent-Length: 5\r\nHost: x, y\r\n\r\nhello";
    assert_int_equal(parse("GET", text), ST_OK);
    assert_false(head.is_request);
    assert_int_equal(head.status, 404);
    assert_true(str_eq(head.reason, STR("Not  Found ")));
    assert_int_equal(head.field_count, 2);
    assert_int_equal(head.framing, HTTP_BODY_LENGTH);
    assert_int_equal(head.content_length, 5);
    assert_int_equal(head.length, strlen(text) - strlen("hello"));
    assert_true(head.keep_alive);
}

static void a_reason_may_be_empty_missing_or_not_ascii(void **state)
{
    (void)state;
    assert_int_equal(parse("GET", "HTTP/1.1 200 \r\n\r\n"), ST_OK);
    assert_int_equal(head.reason.length, 0);
    assert_int_equal(parse("GET", "HTTP/1.1 200\r\n\r\n"), ST_OK);
    assert_int_equal(head.reason.length, 0);
    assert_int_equal(parse("GET", "HTTP/1.1 200 \xc3\xa4\r\n\r\n"), ST_OK);
    assert_int_equal(head.reason.length, 2);
}

static void malformed_status_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK",
        "HTTP/1.1 20 OK",   "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",  "HTTP/1.1 2x0 OK",
        "HTTP/1.1 +20 OK",  "HTTP/1.1 200\tOK",
        "HTTP/1.1",         "HTTP/1.10 200 OK",
        "HTTP/01.1 200 OK", "ICY 200 OK",
        "http/1.1 200 OK",  "",
        " HTTP/1.1 200 OK", "HTTP/1.1 ",
        "HTTP/0.9 200 OK",  "\x80",
    };
    char text[200];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(text, sizeof text, "%s\r\nContent-Length: 0\r\n\r\n", lines[i]);
        assert_refused(text, HTTP_REJECT_SYNTAX);
    }
    assert_refused("HTTP/2.0 200 OK\r\n\r\n", HTTP_REJECT_VERSION);
    assert_refused("HTTP/1.1 200 OK\n\n", HTTP_REJECT_BARE_LINE_END);
    assert_refused("HTTP/1.1 200 O\x01K\r\n\r\n", HTTP_REJECT_BARE_LINE_END);
}

static void fields_are_judged_as_in_requests(void **state)
{
    (void)state;
    assert_refused("HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n", HTTP_REJECT_FIELD);
    assert_refused("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", HTTP_REJECT_FIELD);
    assert_refused("HTTP/1.1 200 OK\r\nX: a\n\r\n", HTTP_REJECT_BARE_LINE_END);
    assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_REJECT_LENGTH);
    assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", HTTP_REJECT_LENGTH);
    assert_refused("HTTP/1.1 204 No\r\nContent-Length: x\r\n\r\n", HTTP_REJECT_LENGTH);
    assert_refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", HTTP_REJECT_ENCODING);
    assert_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_REJECT_ENCODING);
}

static void framing_follows_method_and_status(void **state)
{
    (void)state;
    static const char *const bodyless[] = {"100", "101", "103", "199", "204", "304"};
    char text[200];
    for (size_t i = 0; i < sizeof bodyless / sizeof *bodyless; i++) {
        snprintf(text, sizeof text, "HTTP/1.1 %s X\r\nContent-Length: 7\r\n\r\n", bodyless[i]);
        assert_framing("GET", text, HTTP_BODY_NONE);
        assert_int_equal(head.content_length, 7);
    }
    assert_framing("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", HTTP_BODY_NONE);
    assert_framing("HEAD", "HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BODY_NONE);
    assert_framing("CONNECT", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BODY_NONE);
    assert_framing("CONNECT", "HTTP/1.1 407 X\r\nContent-Length: 7\r\n\r\n", HTTP_BODY_LENGTH);
    assert_framing("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BODY_CHUNKED);
    assert_framing("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_BODY_LENGTH);
    assert_framing("GET", "HTTP/1.1 200 OK\r\n\r\n", HTTP_BODY_UNTIL_CLOSE);
    assert_framing("head", "HTTP/1.1 200 OK\r\n\r\n", HTTP_BODY_UNTIL_CLOSE); /* methods have case */
}

static void a_connection_stays_when_both_say_so_and_the_end_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\n\r\n", false},
        {"HTTP/1.1 204 No\r\n\r\n", true},
        {"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", false},
        {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", false},
        {"HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse("GET", cases[i].text), ST_OK);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
}

static void every_piece_of_a_head_asks_for_more(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\n";
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(http_response_parse((struct str){text, n}, STR("GET"), &head, &reject), ST_TRUNCATED);
    assert_int_equal(parse("GET", text), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_read),
        cmocka_unit_test(a_reason_may_be_empty_missing_or_not_ascii),
        cmocka_unit_test(malformed_status_lines_are_refused),
        cmocka_unit_test(fields_are_judged_as_in_requests),
        cmocka_unit_test(framing_follows_method_and_status),
        cmocka_unit_test(a_connection_stays_when_both_say_so_and_the_end_is_known),
        cmocka_unit_test(every_piece_of_a_head_asks_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
