#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const connect_a = "CONNECT a.test:%P HTTP/1.1\r\nHost: a.test:%P\r\n\r\n";

struct ends {
    struct peer *client, *origin;
};

static struct ends tunnel(struct fixture *f)
{
    struct ends ends = {.client = ask(f, connect_a)};
    ends.origin = accept_origin(f);
    wait_for(f, ends.client, "\r\n\r\n");
    buf_clear(&ends.client->got);
    return ends;
}

static void expect_refusal(struct fixture *f, const char *request, const char *status)
{
    struct peer *client = ask(f, request);
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    wait_for(f, client, line);
    wait_closed(f, client);
    assert_true(has(client, "Connection: close\r\n"));
    assert_no_origin(f);
}

static void bytes_pass_both_ways_unread(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, connect_a);
    struct peer *origin = accept_origin(f);
    wait_for(f, client, "\r\n\r\n");
    assert_string_equal(buf_text(&client->got), "HTTP/1.1 200 Connection Established\r\n\r\n");
    assert_int_equal(origin->got.length, 0);
    say_bytes(f, client, "\x16\x03\x01\0\r\n\r\nGET", 11);
    wait_for(f, origin, "GET");
    assert_memory_equal(origin->got.data, "\x16\x03\x01\0\r\n\r\nGET", 11);
    say(f, origin, "HTTP/1.1 999 x\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 999 x\r\n\r\n");
    assert_int_equal(proxy_server_counters(f->proxy)->tunnels, 1);
}

static void bytes_sent_early_are_not_lost(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: a.test:%P\r\n\r\nearly bytes");
    wait_for(f, accept_origin(f), "early bytes");
    wait_for(f, client, " 200 ");
}

static void an_origin_may_speak_first(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, connect_a);
    struct peer *origin = accept_origin(f);
    say(f, origin, "220 hello");
    wait_for(f, client, "Established\r\n\r\n220 hello");
}

static void success_is_said_after_the_connection_is_there(void **state)
{
    struct fixture *f = *state;
    close(f->origin_fd);
    struct peer *client = ask(f, connect_a);
    wait_for(f, client, "HTTP/1.1 502 ");
    assert_false(has(client, " 200 "));
    wait_closed(f, client);
    struct addr addr = addr_v4(0x7f000001, f->origin_port);
    f->origin_fd = make_listener(&addr);
}

/* H25 */
static void each_direction_ends_by_itself(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f);
    say(f, e.client, "question");
    shutdown(e.client->fd, SHUT_WR);
    wait_for(f, e.origin, "question");
    wait_closed(f, e.origin);
    assert_true(e.origin->eof);
    assert_false(e.client->eof);
    say(f, e.origin, "answer");
    wait_for(f, e.client, "answer");
    say(f, e.origin, " and more");
    hang_up(e.origin);
    wait_for(f, e.client, "answer and more");
    wait_closed(f, e.client);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

static void what_came_before_a_reset_is_passed_on(void **state)
{
    struct fixture *f = *state;
    struct ends e = tunnel(f);
    say(f, e.origin, "last words");
    settle(f);
    hang_up_hard(e.origin);
    wait_for(f, e.client, "last words");
    wait_closed(f, e.client);
    e = tunnel(f);
    hang_up_hard(e.client);
    wait_closed(f, e.origin);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

/* H32 */
static void an_idle_tunnel_is_closed(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct ends e = tunnel(f);
    clock_fake_advance(599000);
    assert_open(f, e.client);
    say(f, e.origin, "x");
    wait_for(f, e.client, "x");
    clock_fake_advance(599000);
    assert_open(f, e.client);
    clock_fake_advance(2000);
    wait_closed(f, e.client);
    wait_closed(f, e.origin);
}

static void a_tunnel_half_closed_and_silent_is_closed_sooner(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct ends e = tunnel(f);
    shutdown(e.client->fd, SHUT_WR);
    wait_closed(f, e.origin);
    clock_fake_advance(29000);
    say(f, e.origin, "x");
    wait_for(f, e.client, "x");
    clock_fake_advance(29000);
    assert_open(f, e.client);
    clock_fake_advance(2000);
    wait_closed(f, e.client);
}

static void a_slow_end_slows_the_other_down(void **state)
{
    struct fixture *f = *state;
    static char bytes[65536];
    enum { TOTAL = 64 << 20 };
    struct ends e = tunnel(f);
    size_t sent = 0, received = 0;
    for (int idle = 0; idle < 50 && sent < TOTAL;) {
        ssize_t n = send(e.origin->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        loop_run_once(f->loop, false);
        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
    }
    assert_true(sent < TOTAL / 2);
    shutdown(e.origin->fd, SHUT_WR);
    for (int64_t end = real_ms() + 20000; received < sent && real_ms() < end;) {
        loop_run_once(f->loop, false);
        ssize_t n = recv(e.client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        received += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(received, sent);
    wait_closed(f, e.client);
}

/* H18 */
static void connect_goes_to_the_allowed_ports_alone(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, "CONNECT a.test:25 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_true(has(&f->peers[0], "proxy.connect-ports"));
    assert_true(has(&f->peers[0], "Proxy-Status: ccward; error=http_request_denied"));
    expect_refusal(f, "CONNECT a.test HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    expect_refusal(f, "CONNECT a.test:0 HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    expect_refusal(f, "CONNECT a.test: HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    expect_refusal(f, "CONNECT http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "400");
    expect_refusal(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", "400");
    expect_refusal(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "400");
    assert_int_equal(f->lookups, 0);
}

static void a_blocked_host_is_403_and_recorded(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.host = "evil.test", .action = ACTION_BLOCK};
    expect_refusal(f, "CONNECT evil.test:%P HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_CONNECT);
    assert_int_equal(recorded[0].match, MATCH_HOST);
    assert_string_equal(recorded[0].subject, with_port(f, "evil.test:%P"));
    assert_string_equal(recorded[0].method, "CONNECT");
    assert_int_equal(recorded[0].status, 403);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(rule.last.port, f->origin_port);
}

static void a_callback_to_a_port_that_is_not_allowed_is_recorded_all_the_same(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.host = "evil.test", .action = ACTION_BLOCK};
    expect_refusal(f, "CONNECT evil.test:4444 HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(recorded_count, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bytes_pass_both_ways_unread),        T(bytes_sent_early_are_not_lost),
        T(an_origin_may_speak_first),          T(success_is_said_after_the_connection_is_there),
        T(each_direction_ends_by_itself),      T(what_came_before_a_reset_is_passed_on),
        T(an_idle_tunnel_is_closed),           T(a_tunnel_half_closed_and_silent_is_closed_sooner),
        T(a_slow_end_slows_the_other_down),    T(connect_goes_to_the_allowed_ports_alone),
        T(a_blocked_host_is_403_and_recorded), T(a_callback_to_a_port_that_is_not_allowed_is_recorded_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
