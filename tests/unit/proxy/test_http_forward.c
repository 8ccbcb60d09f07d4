#include "proxy/http_forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct buf out;

static const char *request(const char *text)
{
    struct http_head head;
    enum http_reject reject;
    assert_int_equal(http_request_parse(str_of(text), &head, &reject), ST_OK);
    buf_clear(&out);
    http_forward_request(&out, &head, &(struct http_forward_request){.via_token = "TOKEN"});
    assert_false(out.failed);
    return buf_text(&out);
}

static const char *response(const char *text, const char *method, struct http_forward_response how)
{
    struct http_head head;
    enum http_reject reject;
    assert_int_equal(http_response_parse(str_of(text), str_of(method), &head, &reject), ST_OK);
    buf_clear(&out);
    http_forward_response(&out, &head, &how);
    assert_false(out.failed);
    return buf_text(&out);
}

static void the_target_becomes_origin_form_and_its_authority_the_host(void **state)
{
    (void)state;
    assert_string_equal(request("GET http://A.test:8080/%7e/../x?q=%20 HTTP/1.1\r\nX: 1\r\nHost: liar.test\r\n\r\n"),
                        "GET /%7e/../x?q=%20 HTTP/1.1\r\nHost: A.test:8080\r\nX: 1\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
    assert_string_equal(request("GET http://a.test HTTP/1.0\r\n\r\n"),
                        "GET / HTTP/1.1\r\nHost: a.test\r\nVia: 1.0 ccward (TOKEN)\r\n\r\n");
    assert_string_equal(request("GET http://a.test?x HTTP/1.1\r\nHost: a.test\r\n\r\n"),
                        "GET /?x HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
    assert_string_equal(request("OPTIONS http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n"),
                        "OPTIONS * HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
    assert_string_equal(request("OPTIONS http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"),
                        "OPTIONS / HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
}

static void h14_hop_by_hop_fields_stay_here(void **state)
{
    (void)state;
    assert_string_equal(request("POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\n"
                                "Connection: x-mine , keep-alive\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n"
                                "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\n"
                                "Trailer: X-T\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n"
                                "Authorization: Basic eDp5\r\n\r\n"),
                        "POST / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic eDp5\r\n"
                        "Transfer-Encoding: chunked\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
}

static void connection_cannot_name_what_frames_or_routes_the_message(void **state)
{
    (void)state;
    assert_string_equal(
        request("POST http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nVia: 1.1 x\r\nCache-Control: "
                "no-store\r\n"
                "Expect: 100-continue\r\nConnection: host, content-length, via, cache-control, expect, close\r\n\r\n"),
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nVia: 1.1 x\r\nCache-Control: no-store\r\n"
        "Expect: 100-continue\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
}

static void other_fields_keep_order_case_repetition_and_bytes(void **state)
{
    (void)state;
    assert_string_equal(request("GET http://a.test/ HTTP/1.1\r\nb: 2\r\nHost: a.test\r\nA: 1\r\nb:\t \xe9\"x\" ,; \r\n"
                                "Empty:\r\nForwarded: for=x\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"),
                        "GET / HTTP/1.1\r\nHost: a.test\r\nb: 2\r\nA: 1\r\nb: \xe9\"x\" ,;\r\nEmpty: \r\n"
                        "Forwarded: for=x\r\nX-Forwarded-For: 1.2.3.4\r\nVia: 1.1 ccward (TOKEN)\r\n\r\n");
}

static void h15_max_forwards_counts_down_for_options_alone(void **state)
{
    (void)state;
    assert_non_null(strstr(request("OPTIONS http://a.test/ HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 7\r\n\r\n"),
                           "\r\nMax-Forwards: 6\r\n"));
    assert_non_null(strstr(request("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 7\r\n\r\n"),
                           "\r\nMax-Forwards: 7\r\n"));
    assert_non_null(strstr(request("OPTIONS http://a.test/ HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: x\r\n\r\n"),
                           "\r\nMax-Forwards: x\r\n"));
}

static void a_response_is_framed_for_the_client(void **state)
{
    (void)state;
    struct http_forward_response how = {.framing = HTTP_BODY_CHUNKED, .keep_alive = true, .date = "NOW"};
    assert_string_equal(
        response("HTTP/1.0 200 Fine by me\r\nServer: x\r\nConnection: close, x-y\r\nX-Y: 1\r\n\r\n", "GET", how),
        "HTTP/1.1 200 Fine by me\r\nServer: x\r\nDate: NOW\r\nTransfer-Encoding: chunked\r\n"
        "Via: 1.0 ccward\r\n\r\n");
    how = (struct http_forward_response){.framing = HTTP_BODY_LENGTH, .date = "NOW"};
    assert_string_equal(response("HTTP/1.1 404\r\nDate: then\r\nContent-Length: 2\r\nKeep-Alive: x\r\n"
                                 "Proxy-Authenticate: Basic\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
                                 "GET", how),
                        "HTTP/1.1 404 \r\nDate: then\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
                        "Connection: close\r\nVia: 1.1 ccward\r\n\r\n");
}

static void a_login_at_the_proxy_is_not_told_of_and_a_date_is_never_lost(void **state)
{
    (void)state;
    struct http_forward_response how = {.keep_alive = true, .date = "NOW"};
    assert_string_equal(response("HTTP/1.1 204 No\r\nConnection: Date\r\nDate: then\r\n"
                                 "Proxy-Authentication-Info: x\r\n\r\n",
                                 "GET", how),
                        "HTTP/1.1 204 No\r\nDate: then\r\nVia: 1.1 ccward\r\n\r\n");
}

static void h28_a_status_without_content_has_no_length(void **state)
{
    (void)state;
    struct http_forward_response how = {.keep_alive = true, .date = "NOW"};
    assert_null(strstr(response("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "GET", how), "Length"));
    assert_non_null(strstr(response("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", "GET", how), "Length: 5"));
    assert_non_null(strstr(response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", how), "Length: 5"));
    how.date = NULL;
    assert_string_equal(response("HTTP/1.1 103 Early\r\nLink: </x>\r\nContent-Length: 5\r\n\r\n", "GET", how),
                        "HTTP/1.1 103 Early\r\nLink: </x>\r\nVia: 1.1 ccward\r\n\r\n");
}

static int free_out(void **state)
{
    (void)state;
    buf_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_becomes_origin_form_and_its_authority_the_host),
        cmocka_unit_test(h14_hop_by_hop_fields_stay_here),
        cmocka_unit_test(connection_cannot_name_what_frames_or_routes_the_message),
        cmocka_unit_test(other_fields_keep_order_case_repetition_and_bytes),
        cmocka_unit_test(h15_max_forwards_counts_down_for_options_alone),
        cmocka_unit_test(a_response_is_framed_for_the_client),
        cmocka_unit_test(a_login_at_the_proxy_is_not_told_of_and_a_date_is_never_lost),
        cmocka_unit_test(h28_a_status_without_content_has_no_length),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
