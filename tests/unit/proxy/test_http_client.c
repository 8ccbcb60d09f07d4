#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *const get = "GET http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n";

static void h17_pipelined_requests_are_answered_in_order_one_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET http://a.test:%P/1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "POST http://b.test:%P/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                 "GET http://a.test:%P/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    struct peer *first = accept_origin(f);
    wait_for(f, first, "GET /1 ");
    assert_no_origin(f);
    say(f, first, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    struct peer *second = accept_origin(f);
    wait_for(f, second, "\r\n\r\nbody");
    settle(f);
    assert_false(has(first, "GET /3 "));
    say(f, second, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    wait_for(f, first, "GET /3 ");
    say(f, first, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree");
    wait_for(f, client, "three");
    assert_int_equal(count_of(client, "HTTP/1.1 200 "), 3);
    assert_true(strstr(buf_text(&client->got), "one") < strstr(buf_text(&client->got), "two"));
    assert_true(strstr(buf_text(&client->got), "two") < strstr(buf_text(&client->got), "three"));
}

static void h17_a_bad_request_in_a_pipeline_ends_it(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET http://a.test:%P/1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "GET http://a.test:%P/2 HTTP/1.1\r\n\r\n"
                                 "GET http://a.test:%P/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "GET /1 ");
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 400 ");
    wait_closed(f, client);
    assert_false(has(origin, "GET /2"));
    assert_false(has(origin, "GET /3"));
}

static void many_pipelined_requests_are_all_answered(void **state)
{
    struct fixture *f = *state;
    enum { REQUESTS = 2000 };
    struct peer *client = new_client(f);
    for (int i = 0; i < REQUESTS; i++)
        say(f, client, "TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_count(f, client, "HTTP/1.1 405 ", REQUESTS);
    assert_open(f, client);
}

/* A client that asks without reading must not fill our memory with answers. */
static void a_client_that_does_not_read_its_answers_is_not_asked_for_more(void **state)
{
    struct fixture *f = *state;
    char bytes[4096];
    struct peer *client = new_client(f);
    size_t length = 0, sent = 0;
    while (length + 60 < sizeof bytes) {
        static const char request[] = "TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
        memcpy(bytes + length, request, sizeof request - 1);
        length += sizeof request - 1;
    }
    for (int idle = 0; idle < 100 && sent < 64 << 20;) {
        ssize_t n = send(client->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        loop_run_once(f->loop, false);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
    }
    assert_true(sent < 32 << 20);
    assert_false(proxy_server_idle(f->proxy));
}

static void h33_a_thousand_requests_go_over_one_connection_each_way(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, get);
    struct peer *origin = accept_origin(f);
    for (unsigned i = 1; i <= 1000; i++) {
        wait_count(f, origin, "GET / ", 1);
        buf_clear(&origin->got);
        say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        wait_count(f, client, "HTTP/1.1 200 ", 1);
        wait_for(f, client, "\r\n\r\nok");
        buf_clear(&client->got);
        if (i < 1000)
            say(f, client, with_port(f, get));
    }
    assert_null(try_accept(f));
    assert_int_equal(proxy_server_counters(f->proxy)->requests, 1000);
}

static void close_is_obeyed_and_said(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    assert_false(has(origin, "Connection"));
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_closed(f, client);
    assert_true(has(client, "Connection: close\r\n"));
    assert_true(has(client, "\r\n\r\nok"));
    assert_open(f, origin);
}

static void an_empty_line_before_a_request_is_skipped(void **state)
{
    struct fixture *f = *state;
    ask(f, "\r\nGET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET / ");
}

static void a_connection_that_ends_in_mid_head_is_closed_without_an_answer(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHos");
    shutdown(client->fd, SHUT_WR);
    wait_closed(f, client);
    assert_int_equal(client->got.length, 0);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(h17_pipelined_requests_are_answered_in_order_one_at_a_time),
        T(h17_a_bad_request_in_a_pipeline_ends_it),
        T(many_pipelined_requests_are_all_answered),
        T(a_client_that_does_not_read_its_answers_is_not_asked_for_more),
        T(h33_a_thousand_requests_go_over_one_connection_each_way),
        T(close_is_obeyed_and_said),
        T(an_empty_line_before_a_request_is_skipped),
        T(a_connection_that_ends_in_mid_head_is_closed_without_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
