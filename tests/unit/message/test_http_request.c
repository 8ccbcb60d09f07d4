#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/http_head.h"

static struct http_head head;

/* Parses TEXT from memory of its exact size, also in every shorter piece, which may only say "more" or the same. */
static enum status parse(const char *text, size_t n, enum http_reject *reject)
{
    char *exact = malloc(n ? n : 1);
    memcpy(exact, text, n);
    enum status whole = http_request_parse((struct str){exact, n}, &head, reject);
    for (size_t cut = 0; cut < n; cut++) {
        static struct http_head part;
        enum http_reject part_reject;
        enum status status = http_request_parse((struct str){exact, cut}, &part, &part_reject);
        if (status == ST_OK)
            assert_true(whole == ST_OK && cut >= part.length);
        else if (status != ST_TRUNCATED)
            assert_true(status == whole && part_reject == *reject);
    }
    free(exact);
    return whole;
}

static void assert_refused(const char *text, enum http_reject expected)
{
    enum http_reject reject = HTTP_REJECT_NONE;
    enum status status = parse(text, strlen(text), &reject);
    if ((status != ST_INVALID && status != ST_TOO_LARGE) || reject != expected)
        fail_msg("status %d, \"%s\" instead of \"%s\" for: %s", status, http_reject_text(reject),
                 http_reject_text(expected), text);
}

static void assert_taken(const char *text)
{
    enum http_reject reject;
    enum status status = parse(text, strlen(text), &reject);
    if (status != ST_OK)
        fail_msg("status %d, \"%s\" for: %s", status, http_reject_text(reject), text);
    /* The views must outlive parse()'s copy in the tests below. */
    assert_int_equal(http_request_parse(str_of(text), &head, &reject), ST_OK);
    assert_int_equal(head.length, strlen(text));
}

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_of(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)actual.length, actual.data, expected);
}

static void an_origin_form_request_is_read(void **state)
{
    (void)state;
    assert_taken("GET /a?b=c HTTP/1.1\r\nHost: www.example.com:8080\r\nAccept:  text/html, */*\t\r\nX:\r\n\r\n");
    assert_true(head.is_request);
    assert_str(head.method, "GET");
    assert_str(head.target, "/a?b=c");
    assert_str(head.path, "/a?b=c");
    assert_str(head.authority, "www.example.com:8080");
    assert_str(head.host, "www.example.com");
    assert_int_equal(head.form, HTTP_TARGET_ORIGIN);
    assert_int_equal(head.port, 8080);
    assert_int_equal(head.version_minor, 1);
    assert_int_equal(head.field_count, 3);
    assert_str(head.fields[1].name, "Accept");
    assert_str(head.fields[1].value, "text/html, */*");
    assert_str(head.fields[2].value, "");
    assert_int_equal(head.framing, HTTP_BODY_NONE);
    assert_true(head.keep_alive);
    assert_false(head.upgrade || head.expect_continue);
}

static void an_absolute_form_request_is_read_and_its_authority_wins(void **state)
{
    (void)state;
    assert_taken("GET http://evil.example:81/a/b?c HTTP/1.1\r\nHost: good.example\r\n\r\n");
    assert_int_equal(head.form, HTTP_TARGET_ABSOLUTE);
    assert_str(head.scheme, "http");
    assert_str(head.authority, "evil.example:81");
    assert_str(head.host, "evil.example");
    assert_int_equal(head.port, 81);
    assert_str(head.path, "/a/b?c");
    assert_taken("OPTIONS HTTP://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_str(head.path, "");
    assert_int_equal(head.port, 0);
    assert_taken("GET http://a.example?q HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_str(head.path, "?q");
    assert_taken("GET http://[2001:db8::1]:8080/ HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n");
    assert_str(head.host, "[2001:db8::1]");
    assert_int_equal(head.port, 8080);
    assert_taken("GET http://[2001:db8::1]:/ HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_str(head.authority, "[2001:db8::1]");
    assert_int_equal(head.port, 0);
    assert_taken("GET http://192.0.2.1/@a:b HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n");
    assert_str(head.host, "192.0.2.1");
}

static void connect_takes_authority_form_with_a_port(void **state)
{
    (void)state;
    assert_taken("CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n");
    assert_int_equal(head.form, HTTP_TARGET_AUTHORITY);
    assert_str(head.host, "www.example.com");
    assert_int_equal(head.port, 443);
    assert_taken("CONNECT [::1]:443 HTTP/1.0\r\n\r\n");
    assert_str(head.host, "[::1]");
    assert_refused("CONNECT www.example.com HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("CONNECT www.example.com: HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("CONNECT :443 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("CONNECT http://www.example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("CONNECT www.example.com:443/ HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("CONNECT u@www.example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
}

static void connect_has_no_content(void **state)
{
    (void)state;
    assert_taken("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(head.framing, HTTP_BODY_NONE);
    assert_refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 5\r\n\r\n", HTTP_REJECT_LENGTH);
    assert_refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_REJECT_ENCODING);
}

static void forms_that_do_not_fit_the_method_are_refused(void **state)
{
    (void)state;
    assert_taken("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(head.form, HTTP_TARGET_ASTERISK);
    assert_str(head.host, "a");
    assert_refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("GET www.example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("GET a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
    assert_refused("GET ?q HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_TARGET);
}

static void bad_targets_are_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "http://user@a/",  "http://user:pass@a/", "http://@a/",         "http:///path",
        "http://",         "http://?q",           "http:/a/",           "http:a",
        "://a/",           "1http://a/",          "ht_tp://a/",         "http://:/",
        "http://a:0/",     "http://a:65536/",     "http://a:080/",      "http://a:8a/",
        "http://a:+80/",   "http://a:80:80/",     "http://[::1/",       "http://[::1]a/",
        "http://[::1]80/", "http://[1.2.3.4]/",   "http://[::1%25lo]/", "http://[v1.a]/",
        "http://[]/",      "http://a%2eb/",       "http://a,b/",        "http://a\\b/",
        "http://a!b/",     "http://::1/",         "http://a/#fragment", "/#",
        "/a\x7f",          "/\xc3\xa4",           "http://\xc3\xa4/",   "/a\tb",
    };
    char text[200];
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
        enum http_reject reject = HTTP_REJECT_NONE;
        if (parse(text, strlen(text), &reject) != ST_INVALID)
            fail_msg("taken: %s", targets[i]);
        bool control = strchr(targets[i], '\x7f');
        assert_int_equal(reject, control ? HTTP_REJECT_BARE_LINE_END : HTTP_REJECT_TARGET);
    }
}

static void the_request_line_has_single_spaces_and_three_parts(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /",
        "GET",
        "",
        "GET /a b HTTP/1.1",
        "GET HTTP/1.1",
        "G(T / HTTP/1.1",
        " / HTTP/1.1",
    };
    char text[200];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(text, sizeof text, "\r\n%s\r\nHost: a\r\n\r\n", lines[i]);
        assert_refused(text, HTTP_REJECT_SYNTAX);
    }
}

static void versions_are_judged(void **state)
{
    (void)state;
    assert_taken("GET / HTTP/1.0\r\n\r\n");
    assert_int_equal(head.version_minor, 0);
    assert_false(head.keep_alive);
    assert_str(head.host, "");
    assert_taken("GET / HTTP/1.2\r\nHost: a\r\n\r\n");
    assert_int_equal(head.version_minor, 1);
    static const char *const malformed[] = {"http/1.1",  "HTTP/0.9", "HTTP/1",   "HTTP/01.1", "HTTP/1.10",
                                            "HTTP/ 1.1", "HTTP/1,1", "HTTP/a.1", "HTTPS/1.1", "ICE/1.0"};
    char text[200];
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        snprintf(text, sizeof text, "GET / %s\r\nHost: a\r\n\r\n", malformed[i]);
        assert_refused(text, HTTP_REJECT_SYNTAX);
    }
    assert_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", HTTP_REJECT_VERSION);
    assert_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_REJECT_VERSION);
}

static void one_empty_line_before_the_request_is_skipped(void **state)
{
    (void)state;
    assert_taken("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_str(head.method, "GET");
    assert_refused("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_SYNTAX);
    assert_refused("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_BARE_LINE_END);
    assert_refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_REJECT_BARE_LINE_END);
}

static void bare_line_ends_and_control_bytes_are_refused(void **state)
{
    (void)state;
    assert_refused("GET / HTTP/1.1\nHost: a\r\n\r\n", HTTP_REJECT_BARE_LINE_END);
    assert_refused("GET / HTTP/1.1\rHost: a\r\r", HTTP_REJECT_BARE_LINE_END);
    assert_refused("GET / HTTP/1.1\r\nHost: a\n\r\n", HTTP_REJECT_BARE_LINE_END);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", HTTP_REJECT_BARE_LINE_END);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\n", HTTP_REJECT_FIELD);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", HTTP_REJECT_BARE_LINE_END);
    for (int c = 0; c < 256; c++) {
        char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a.b\r\n\r\n";
        enum http_reject reject = HTTP_REJECT_NONE;
        text[29] = (char)c;
        bool control = (c < 32 && c != '\t') || c == 127;
        assert_int_equal(parse(text, sizeof text - 1, &reject), control ? ST_INVALID : ST_OK);
        assert_int_equal(reject, control ? HTTP_REJECT_BARE_LINE_END : HTTP_REJECT_NONE);
    }
}

static void malformed_fields_are_refused(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "X : a", "X\t: a", ": a", "no colon", " folded", "\tfolded", "X[y]: a", "X: a\r\n b", "\xc3\xa4: a", "X y: a",
    };
    char text[200];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", fields[i]);
        assert_refused(text, HTTP_REJECT_FIELD);
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\nHost: a\r\n\r\n", fields[i]);
        assert_refused(text, HTTP_REJECT_FIELD);
    }
}

static void host_is_needed_once_and_valid(void **state)
{
    (void)state;
    assert_refused("GET / HTTP/1.1\r\n\r\n", HTTP_REJECT_HOST);
    assert_refused("GET http://a/ HTTP/1.1\r\n\r\n", HTTP_REJECT_HOST);
    assert_refused("CONNECT a:443 HTTP/1.1\r\n\r\n", HTTP_REJECT_HOST);
    assert_refused("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", HTTP_REJECT_HOST);
    assert_refused("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", HTTP_REJECT_HOST);
    static const char *const hosts[] = {"",    "u@a",     "a/b",   "a b",  "a, b", ":",
                                        "a:0", "a:99999", "a%2eb", "[::1", "::1",  "http://a"};
    char text[200];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        assert_refused(text, HTTP_REJECT_HOST);
        snprintf(text, sizeof text, "GET http://a/ HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        assert_refused(text, HTTP_REJECT_HOST);
    }
    assert_taken("GET / HTTP/1.1\r\nhOST:\t[2001:db8::1]:81 \r\n\r\n");
    assert_str(head.host, "[2001:db8::1]");
    assert_int_equal(head.port, 81);
}

static void an_empty_port_is_as_good_as_none(void **state)
{
    (void)state;
    static const char *const requests[] = {"GET http://a:/ HTTP/1.1\r\nHost: b\r\n\r\n",
                                           "GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
                                           "GET http://a/ HTTP/1.1\r\nHost: b:\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        assert_taken(requests[i]);
        assert_str(head.authority, "a");
        assert_str(head.host, "a");
        assert_int_equal(head.port, 0);
    }
    assert_taken("CONNECT a:443 HTTP/1.1\r\nHost: a:\r\n\r\n");
}

static void content_length_is_one_plain_number(void **state)
{
    (void)state;
    assert_taken("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n");
    assert_int_equal(head.framing, HTTP_BODY_LENGTH);
    assert_true(head.content_length == INT64_MAX);
    assert_taken("POST / HTTP/1.1\r\nHost: a\r\ncontent-length:0\r\n\r\n");
    assert_int_equal(head.framing, HTTP_BODY_LENGTH);
    static const char *const lengths[] = {
        "",
        "+3",
        "-3",
        "-0",
        "0x3",
        "3, 3",
        "3,4",
        "3 3",
        "3.0",
        "1_0",
        "9223372036854775808",
        "3\xa0",
        "0o5",
        "abc",
        "3;",
        "99999999999999999999",
        "010",
        "00",
        "5\r\nContent-Length: 5",
        "5\r\nX: y\r\ncontent-length: 6",
    };
    char text[200];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n", lengths[i]);
        assert_refused(text, HTTP_REJECT_LENGTH);
    }
}

/* A head with TIMES lines `Connection: LIST`. */
static const char *with_connection(const char *list, int times)
{
    static char text[8192];
    int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < times; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "Connection: %s\r\n", list);
    snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    return text;
}

static void connection_has_few_options(void **state)
{
    (void)state;
    char list[1100];
    assert_taken(with_connection("a,b,c,close", 8));
    assert_false(head.keep_alive);
    assert_refused(with_connection("a,b,c,d", 9), HTTP_REJECT_HEAD_TOO_LARGE);
    assert_taken(with_connection(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", 1)); /* 32, all empty */
    assert_refused(with_connection(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", 1), HTTP_REJECT_HEAD_TOO_LARGE);
    assert_taken(with_connection("", 32));
    assert_refused(with_connection("", 33), HTTP_REJECT_HEAD_TOO_LARGE);
    snprintf(list, sizeof list, "a,%1022s", "b");
    assert_taken(with_connection(list, 1));
    snprintf(list, sizeof list, "a,%1023s", "b");
    assert_refused(with_connection(list, 1), HTTP_REJECT_HEAD_TOO_LARGE);
    snprintf(list, sizeof list, "a,%511s", "b");
    assert_refused(with_connection(list, 2), HTTP_REJECT_HEAD_TOO_LARGE);
}

static void transfer_encoding_is_exactly_chunked(void **state)
{
    (void)state;
    assert_taken("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\n\r\n");
    assert_int_equal(head.framing, HTTP_BODY_CHUNKED);
    static const char *const codings[] = {
        "",
        "xchunked",
        "chunkedx",
        "gzip, chunked",
        "chunked, gzip",
        "identity",
        "chunked, chunked",
        ", chunked",
        "chunked,",
        "chunked;a=b",
        "\"chunked\"",
        "\xa0 chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "gzip\r\nTransfer-Encoding: chunked",
    };
    char text[200];
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n", codings[i]);
        assert_refused(text, HTTP_REJECT_ENCODING);
    }
    assert_refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_REJECT_ENCODING);
}

static void length_and_encoding_together_are_refused(void **state)
{
    (void)state;
    assert_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                   HTTP_REJECT_LENGTH);
    assert_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: y\r\nContent-Length: 3\r\n\r\n",
                   HTTP_REJECT_LENGTH);
}

static void expectations_other_than_100_continue_are_refused(void **state)
{
    (void)state;
    assert_taken("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
    assert_true(head.expect_continue);
    assert_taken("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_false(head.expect_continue);
    assert_refused("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", HTTP_REJECT_EXPECTATION);
}

static void connection_says_whether_to_stay(void **state)
{
    (void)state;
    assert_taken("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n");
    assert_false(head.keep_alive);
    assert_taken("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-close\r\nConnection: keep-alive,\r\n\r\n");
    assert_true(head.keep_alive);
    assert_taken("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_false(head.keep_alive); /* RFC 9112 section 9.3: not by a proxy */
}

static void upgrade_must_be_named_in_connection(void **state)
{
    (void)state;
    assert_taken("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Keep-Alive , Upgrade\r\n\r\n");
    assert_true(head.upgrade);
    assert_taken("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");
    assert_false(head.upgrade);
    assert_taken("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n");
    assert_false(head.upgrade);
    assert_taken("GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    assert_false(head.upgrade);
}

/* START, then N times FILLER, then END. */
static enum status parse_long(const char *start, const char *filler, size_t n, const char *end,
                              enum http_reject *reject)
{
    size_t length = strlen(start) + n * strlen(filler) + strlen(end);
    char *text = malloc(length + 1), *at = stpcpy(text, start);
    for (size_t i = 0; i < n; i++)
        at = stpcpy(at, filler);
    strcpy(at, end);
    *reject = HTTP_REJECT_NONE;
    enum status status = http_request_parse((struct str){text, length}, &head, reject);
    free(text);
    return status;
}

static void a_request_line_is_taken_up_to_8192_bytes(void **state)
{
    (void)state;
    enum http_reject reject;
    size_t n = HTTP_MAX_REQUEST_LINE - strlen("GET / HTTP/1.1");
    assert_int_equal(parse_long("GET /", "a", n, " HTTP/1.1\r\nHost: a\r\n\r\n", &reject), ST_OK);
    assert_int_equal(parse_long("GET /", "a", n + 1, " HTTP/1.1\r\nHost: a\r\n\r\n", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_LINE_TOO_LONG);
    assert_int_equal(parse_long("GET /", "a", HTTP_MAX_REQUEST_LINE - 5, "", &reject), ST_TRUNCATED);
    assert_int_equal(parse_long("GET /", "a", HTTP_MAX_REQUEST_LINE - 4, "", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_LINE_TOO_LONG);
}

static void a_head_is_taken_up_to_32768_bytes(void **state)
{
    (void)state;
    enum http_reject reject;
    static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    static char start[HTTP_MAX_HEAD];
    size_t length = sizeof begin - 1;
    memcpy(start, begin, length);
    for (unsigned i = 0; i < 4; i++) {
        length += (size_t)snprintf(start + length, sizeof start - length, "X: ");
        memset(start + length, 'a', 8100);
        memcpy(start + length + 8100, "\r\n", 3);
        length += 8102;
    }
    snprintf(start + length, sizeof start - length, "X: ");
    size_t n = HTTP_MAX_HEAD - strlen(start) - 4;
    assert_int_equal(parse_long(start, "a", n, "\r\n\r\n", &reject), ST_OK);
    assert_int_equal(head.length, HTTP_MAX_HEAD);
    assert_int_equal(parse_long(start, "a", n + 1, "\r\n\r\n", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_HEAD_TOO_LARGE);
    assert_int_equal(parse_long(start, "a", n + 3, "", &reject), ST_TRUNCATED);
    assert_int_equal(parse_long(start, "a", n + 4, "", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_HEAD_TOO_LARGE);
}

static void a_field_is_taken_up_to_8192_bytes(void **state)
{
    (void)state;
    enum http_reject reject;
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    char named[64];
    snprintf(named, sizeof named, "%sX: ", start);
    size_t n = HTTP_MAX_FIELD_LINE - strlen("X: ");
    assert_int_equal(parse_long(named, "a", n, "\r\n\r\n", &reject), ST_OK);
    assert_int_equal(head.fields[1].value.length, n);
    assert_int_equal(parse_long(named, "a", n + 1, "\r\n\r\n", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_FIELD_TOO_LARGE);
    assert_int_equal(parse_long(named, " ", n + 1, "\r\n\r\n", &reject), ST_TOO_LARGE);
    assert_int_equal(parse_long(named, "a", n, "", &reject), ST_TRUNCATED);
    assert_int_equal(parse_long(named, "a", n + 1, "", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_FIELD_TOO_LARGE);
    assert_int_equal(parse_long(start, "X", HTTP_MAX_FIELD_LINE - 1, ":\r\n\r\n", &reject), ST_OK);
    assert_int_equal(parse_long(start, "X", HTTP_MAX_FIELD_LINE, ":\r\n\r\n", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_FIELD_TOO_LARGE);
    assert_int_equal(parse_long(start, "X", HTTP_MAX_FIELD_LINE, "", &reject), ST_TOO_LARGE);
}

static void a_hundred_fields_are_taken(void **state)
{
    (void)state;
    enum http_reject reject;
    assert_int_equal(parse_long("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", 99, "\r\n", &reject), ST_OK);
    assert_int_equal(head.field_count, HTTP_MAX_FIELDS);
    assert_int_equal(parse_long("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", 100, "\r\n", &reject), ST_TOO_LARGE);
    assert_int_equal(reject, HTTP_REJECT_HEAD_TOO_LARGE);
}

static void what_follows_the_head_is_not_looked_at(void **state)
{
    (void)state;
    enum http_reject reject;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\n\x01junk";
    assert_int_equal(parse(text, sizeof text - 1, &reject), ST_OK);
    assert_int_equal(head.length, 27);
}

static void nothing_yet_is_no_fault(void **state)
{
    (void)state;
    enum http_reject reject;
    assert_int_equal(http_request_parse((struct str){0}, &head, &reject), ST_TRUNCATED);
    assert_int_equal(reject, HTTP_REJECT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_form_request_is_read),
        cmocka_unit_test(an_absolute_form_request_is_read_and_its_authority_wins),
        cmocka_unit_test(connect_takes_authority_form_with_a_port),
        cmocka_unit_test(connect_has_no_content),
        cmocka_unit_test(forms_that_do_not_fit_the_method_are_refused),
        cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(the_request_line_has_single_spaces_and_three_parts),
        cmocka_unit_test(versions_are_judged),
        cmocka_unit_test(one_empty_line_before_the_request_is_skipped),
        cmocka_unit_test(bare_line_ends_and_control_bytes_are_refused),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(host_is_needed_once_and_valid),
        cmocka_unit_test(an_empty_port_is_as_good_as_none),
        cmocka_unit_test(content_length_is_one_plain_number),
        cmocka_unit_test(connection_has_few_options),
        cmocka_unit_test(transfer_encoding_is_exactly_chunked),
        cmocka_unit_test(length_and_encoding_together_are_refused),
        cmocka_unit_test(expectations_other_than_100_continue_are_refused),
        cmocka_unit_test(connection_says_whether_to_stay),
        cmocka_unit_test(upgrade_must_be_named_in_connection),
        cmocka_unit_test(a_request_line_is_taken_up_to_8192_bytes),
        cmocka_unit_test(a_head_is_taken_up_to_32768_bytes),
        cmocka_unit_test(a_field_is_taken_up_to_8192_bytes),
        cmocka_unit_test(a_hundred_fields_are_taken),
        cmocka_unit_test(what_follows_the_head_is_not_looked_at),
        cmocka_unit_test(nothing_yet_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
