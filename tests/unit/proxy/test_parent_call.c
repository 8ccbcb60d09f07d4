/* The scripted server plays the parent proxy. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/origin_parent.h"
#include "proxy/parent_watch.h"

static struct origin_parent parent;
static struct parent_watch *watch;

static const char *const get = "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\n\r\n";
static const char *const tunnel = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";

static int set_up_parent(void **state)
{
    set_up_closed(state);
    struct fixture *f = *state;
    parent = (struct origin_parent){.addr = addr_v4(0x7f000001, f->origin_port)};
    f->settings.parent = &parent;
    f->settings.parent_watch = watch = parent_watch_new();
    assert_non_null(watch);
    f->lookup_addrs[0] = addr_v4(0xc0000207, 0); /* 192.0.2.7 */
    return 0;
}

static int tear_down_parent(void **state)
{
    int failed = tear_down(state);
    parent_watch_free(watch);
    return failed;
}

static void open_with(struct fixture *f, enum parent_kind kind)
{
    parent.kind = kind;
    fixture_open(f);
}

#define SAY(f, peer, bytes) say_bytes((f), (peer), (bytes), sizeof(bytes) - 1)

static void wait_bytes(struct fixture *f, struct peer *peer, const void *bytes, size_t n)
{
    int64_t end = real_ms() + WAIT_MS;
    while (peer->got.length < n) {
        turn(f);
        assert_true(real_ms() < end);
    }
    assert_memory_equal(peer->got.data, bytes, n);
    buf_consume(&peer->got, n);
}

#define WAIT(f, peer, bytes) wait_bytes((f), (peer), (bytes), sizeof(bytes) - 1)

static void expect_502(struct fixture *f, struct peer *client, const char *error, const char *words)
{
    wait_for(f, client, "HTTP/1.1 502 ");
    wait_for(f, client, words);
    if (!has(client, error))
        fail_msg("no %s in %s", error, buf_text(&client->got));
}

/* HTTP */

static void an_http_parent_gets_a_plain_request_in_absolute_form(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(origin_parent_set_login(&parent, STR("me:pw"), NULL), ST_OK);
    open_with(f, PARENT_HTTP);
    struct peer *client = ask(f, get);
    struct peer *proxy = accept_origin(f);
    wait_for(f, proxy, "\r\n\r\n");
    assert_true(has(proxy, "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\n"
                           "Proxy-Authorization: Basic bWU6cHc=\r\nVia: 1.1 ccward ("));
    say(f, proxy, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    wait_for(f, client, "hello");
    assert_int_equal(f->lookups, 1); /* judged all the same */
    assert_int_equal(rule.asked_addr, 1);
    say(f, client, "OPTIONS http://b.test HTTP/1.1\r\nHost: x\r\n\r\n"); /* another host, the same connection */
    wait_for(f, proxy, "OPTIONS http://b.test HTTP/1.1\r\nHost: b.test\r\n");
}

static void a_clients_own_credentials_are_not_for_the_parent(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    ask(f, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic eDp5\r\n\r\n");
    struct peer *proxy = accept_origin(f);
    wait_for(f, proxy, "\r\n\r\n");
    assert_false(has(proxy, "Proxy-Authorization"));
}

static void an_http_parent_connects_to_the_address_that_was_judged(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    wait_for(f, proxy, "CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n\r\n");
    settle(f);
    assert_int_equal(client->got.length, 0); /* not before the parent has it */
    say(f, proxy, "HTTP/1.0 200 Connection established\r\n\r\nbanner");
    wait_for(f, client, "HTTP/1.1 200 Connection Established\r\n\r\nbanner");
    say(f, client, "hello");
    wait_for(f, proxy, "hello");
    hang_up(client);
    wait_closed(f, proxy);
    assert_int_equal(proxy_server_counters(f->proxy)->tunnels, 1);
}

static void a_websocket_goes_through_an_http_parent_as_a_tunnel(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    ask(f, "GET http://a.test/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    struct peer *proxy = accept_origin(f);
    wait_for(f, proxy, "CONNECT 192.0.2.7:80 HTTP/1.1\r\n");
    say(f, proxy, "HTTP/1.1 200 OK\r\n\r\n");
    wait_for(f, proxy, "GET /ws HTTP/1.1\r\nHost: a.test\r\n");
}

static void a_parent_that_wants_a_login_is_told_of_as_such(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    const char *answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                         "Content-Length: 0\r\n\r\n";
    const char *const requests[] = {get, tunnel};
    for (size_t i = 0; i < 2; i++) {
        struct peer *client = ask(f, requests[i]);
        struct peer *proxy = accept_origin(f);
        wait_for(f, proxy, "\r\n\r\n");
        say(f, proxy, answer);
        expect_502(f, client, "error=proxy_configuration_error", "proxy.parent-login");
        assert_false(has(client, "407"));
        wait_closed(f, proxy);
        assert_int_equal(parent_watch_trouble(watch), ORIGIN_PARENT_LOGIN);
    }
    ask(f, get);
    struct peer *proxy = accept_origin(f);
    wait_for(f, proxy, "\r\n\r\n");
    assert_int_equal(parent_watch_trouble(watch), ORIGIN_PARENT_LOGIN); /* it may say the same again */
    say(f, proxy, "HTTP/1.1 204 No Content\r\n\r\n");
    settle(f);
    assert_int_equal(parent_watch_trouble(watch), ORIGIN_CONNECTED);
}

static void one_that_refuses_all_hosts_is_in_trouble_until_it_serves_one(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    char request[100];
    for (char host = 'a'; host <= 'd'; host++) {
        bool served = host == 'd';
        snprintf(request, sizeof request, "CONNECT %c.test:443 HTTP/1.1\r\nHost: %c.test\r\n\r\n", host, host);
        struct peer *client = ask(f, request);
        struct peer *proxy = accept_origin(f);
        wait_for(f, proxy, "\r\n\r\n");
        say(f, proxy, served ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        wait_for(f, client, served ? "HTTP/1.1 200 " : "HTTP/1.1 502 ");
        assert_int_equal(parent_watch_trouble(watch), host == 'c' ? ORIGIN_PARENT_REFUSED : ORIGIN_CONNECTED);
    }
}

static void a_parent_that_refuses_is_502(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    wait_for(f, proxy, "\r\n\r\n");
    say(f, proxy, "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nnot so");
    expect_502(f, client, "error=connection_refused", "The parent proxy");
    assert_false(has(client, "not so"));
    assert_no_origin(f);
}

static void what_is_no_answer_of_a_parent_is_502(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    static const char *const wrong[] = {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\n\n",
                                        "HTTP/1.1 101 Switching Protocols\r\n\r\n", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct peer *client = ask(f, tunnel);
        struct peer *proxy = accept_origin(f);
        wait_for(f, proxy, "\r\n\r\n");
        say(f, proxy, wrong[i]);
        hang_up(proxy);
        expect_502(f, client, "error=http_protocol_error", "parent proxy");
    }
    struct peer *client = ask(f, tunnel);
    hang_up_hard(accept_origin(f));
    expect_502(f, client, "error=", "parent proxy");
}

/* SOCKS5 */

static void a_socks_parent_gets_the_address_that_was_judged(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_SOCKS5);
    struct peer *client = ask(f, get);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\x00");
    WAIT(f, proxy, "\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50");
    SAY(f, proxy, "\x05\x00\x00\x01\0\0\0\0\0\0");
    wait_for(f, proxy, "GET /x?y HTTP/1.1\r\nHost: a.test\r\n");
    say(f, proxy, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, client, "ok");
    say(f, client, get); /* kept for the same host at the same address */
    wait_count(f, proxy, "GET /x?y ", 2);
    ask(f, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
    WAIT(f, accept_origin(f), "\x05\x01\x00");
}

static void a_socks_answer_may_come_in_single_bytes(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(origin_parent_set_login(&parent, STR("me:pw"), NULL), ST_OK);
    open_with(f, PARENT_SOCKS5);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x02\x00\x02");
    SAY(f, proxy, "\x05");
    settle(f);
    SAY(f, proxy, "\x02");
    WAIT(f, proxy, "\x01\x02me\x02pw");
    SAY(f, proxy, "\x01");
    settle(f);
    SAY(f, proxy, "\x00");
    WAIT(f, proxy, "\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb");
    static const char reply[] = "\x05\x00\x00\x03\x03"
                                "a.b\x00\x50";
    for (size_t i = 0; i < sizeof reply - 1; i++) {
        say_bytes(f, proxy, &reply[i], 1);
        settle(f);
        assert_int_equal(client->got.length > 0, i == sizeof reply - 2);
    }
    wait_for(f, client, " 200 ");
    say(f, proxy, "banner");
    wait_for(f, client, "banner");
}

static void a_socks_login_that_is_not_taken_is_told(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_SOCKS5);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\xff");
    expect_502(f, client, "error=proxy_configuration_error", "proxy.parent-login");
    assert_int_equal(origin_parent_set_login(&parent, STR("me:no"), NULL), ST_OK);
    client = ask(f, tunnel);
    proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x02\x00\x02");
    SAY(f, proxy, "\x05\x02");
    WAIT(f, proxy, "\x01\x02me\x02no");
    SAY(f, proxy, "\x01\x01");
    expect_502(f, client, "error=proxy_configuration_error", "proxy.parent-login");
}

/* What is refused by rule is not asked for at another address. */
static void a_socks_refusal_by_rule_is_final(void **state)
{
    struct fixture *f = *state;
    f->lookup_addrs[1] = addr_v4(0xc0000208, 0);
    f->lookup_count = 2;
    open_with(f, PARENT_SOCKS5);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\x00");
    WAIT(f, proxy, "\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb");
    SAY(f, proxy, "\x05\x02\x00\x01\0\0\0\0\0\0");
    expect_502(f, client, "error=connection_refused", "The parent proxy");
    assert_no_origin(f);
}

static void a_server_that_is_out_of_the_parents_reach_is_asked_for_at_its_next_address(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(addr_parse_ip(STR("2001:db8::7"), &f->lookup_addrs[0]), ST_OK);
    f->lookup_addrs[1] = addr_v4(0xc0000207, 0);
    f->lookup_count = 2;
    open_with(f, PARENT_SOCKS5);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\x00");
    WAIT(f, proxy, "\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb"); /* IPv4 first */
    SAY(f, proxy, "\x05\x05\x00\x01\0\0\0\0\0\0");
    wait_closed(f, proxy);
    proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\x00");
    WAIT(f, proxy, "\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x01\xbb");
    SAY(f, proxy, "\x05\x04\x00\x01\0\0\0\0\0\0");
    expect_502(f, client, "error=destination_unavailable", "The server refused the connection");
    assert_no_origin(f);
}

static void what_is_no_socks_is_502(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_SOCKS5);
    static const char *const wrong[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x04\x5a", "\x05\x02", "\x05\x01"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct peer *client = ask(f, tunnel);
        struct peer *proxy = accept_origin(f);
        WAIT(f, proxy, "\x05\x01\x00");
        say(f, proxy, wrong[i]);
        expect_502(f, client, "error=http_protocol_error", "parent proxy");
        wait_closed(f, proxy);
    }
}

/* Both */

static void a_parent_that_is_not_there_is_502_and_a_silent_one_504(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_SOCKS5);
    clock_fake(1000, 1000000);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    clock_fake_advance(9999);
    assert_open(f, client);
    clock_fake_advance(1);
    wait_for(f, client, "HTTP/1.1 504 ");
    assert_true(has(client, "error=connection_timeout"));
    assert_true(has(client, "proxy.parent"));
    wait_closed(f, proxy);
    assert_int_equal(parent_watch_trouble(watch), ORIGIN_CONNECTED); /* the server may be what is silent */
    close(f->origin_fd);
    client = ask(f, tunnel);
    expect_502(f, client, "error=destination_unavailable", "The parent proxy");
    assert_int_equal(parent_watch_trouble(watch), ORIGIN_PARENT_UNREACHABLE);
    struct addr addr = addr_v4(0x7f000001, f->origin_port);
    f->origin_fd = make_listener(&addr);
}

static void names_and_addresses_are_judged_before_the_parent_hears_of_them(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_HTTP);
    rule = (struct rule){.host = "evil.test", .action = ACTION_BLOCK};
    wait_for(f, ask(f, "GET http://evil.test/ HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 403 ");
    rule = (struct rule){.addr = "192.0.2.7", .action = ACTION_BLOCK};
    wait_for(f, ask(f, get), "HTTP/1.1 403 ");
    rule = (struct rule){.action = ACTION_ALLOW};
    f->lookup_addrs[0] = addr_v4(0xa9fea9fe, 0);
    struct peer *client = ask(f, tunnel);
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_true(has(client, "error=destination_ip_prohibited"));
    assert_no_origin(f);
}

static void a_name_that_cannot_be_looked_up_is_not_the_parents_to_look_up(void **state)
{
    struct fixture *f = *state;
    f->lookup_status = ST_NOT_FOUND;
    open_with(f, PARENT_HTTP);
    expect_502(f, ask(f, get), "error=dns_error", "The host has no address");
    expect_502(f, ask(f, tunnel), "error=dns_error", "The host has no address");
    assert_no_origin(f);
}

static void a_parent_that_gets_names_looks_up_what_nobody_here_can(void **state)
{
    struct fixture *f = *state;
    f->lookup_status = ST_NOT_FOUND;
    parent.by_name = true;
    open_with(f, PARENT_HTTP);
    ask(f, tunnel);
    wait_for(f, accept_origin(f), "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
    ask(f, get);
    wait_for(f, accept_origin(f), "GET http://a.test/x?y HTTP/1.1\r\n");
    rule = (struct rule){.host = "a.test", .action = ACTION_BLOCK};
    wait_for(f, ask(f, tunnel), "HTTP/1.1 403 ");
}

static void a_socks_parent_that_gets_names_gets_addresses_for_addresses(void **state)
{
    struct fixture *f = *state;
    parent.by_name = true;
    open_with(f, PARENT_SOCKS5);
    ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\x00");
    WAIT(f, proxy,
         "\x05\x01\x00\x03\x06"
         "a.test\x01\xbb");
    ask(f, "CONNECT 192.0.2.9:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    SAY(f, proxy, "\x05\x00");
    WAIT(f, proxy, "\x05\x01\x00\x01\xc0\x00\x02\x09\x01\xbb");
}

/* Private addresses are refused with names passed on, too, where they were found. */
static void a_parent_that_gets_names_does_not_undo_a_refusal(void **state)
{
    struct fixture *f = *state;
    parent.by_name = true;
    f->lookup_addrs[0] = addr_v4(0xa9fea9fe, 0);
    open_with(f, PARENT_SOCKS5);
    wait_for(f, ask(f, tunnel), "HTTP/1.1 403 ");
    assert_no_origin(f);
}

static void what_goes_past_the_parent_is_dialled(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(origin_parent_parse(STR("http://192.0.2.250:3128"), &parent, NULL), ST_OK);
    assert_int_equal(origin_parent_add_direct(&parent, STR("local.test")), ST_OK);
    assert_int_equal(origin_parent_add_direct(&parent, STR("127.0.0.0/8")), ST_OK);
    fixture_open(f);
    f->lookup_addrs[0] = addr_v4(0x7f000001, 0);
    ask(f, "GET http://www.local.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET / HTTP/1.1\r\n");
    f->lookup_addrs[0] = addr_v4(0xc0000207, 0); /* of two addresses one goes past: that alone is taken */
    f->lookup_addrs[1] = addr_v4(0x7f000001, 0);
    f->lookup_count = 2;
    struct peer *client = ask(f, "CONNECT other.test:%P HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 200 ");
    assert_non_null(accept_origin(f));
    free(parent.direct_networks);
    free(parent.direct_domains);
}

static void a_parents_name_is_looked_up_like_any(void **state)
{
    struct fixture *f = *state;
    char text[DNAME_TEXT_SIZE];
    assert_int_equal(dname_from_text(STR("proxy.example"), &parent.name), ST_OK);
    parent.addr = (struct addr){.port = f->origin_port};
    open_with(f, PARENT_HTTP);
    f->lookup_addrs[0] = addr_v4(0x7f000001, 0);
    ask(f, "CONNECT 192.0.2.9:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "CONNECT 192.0.2.9:443 HTTP/1.1\r\n");
    dname_to_text(&f->looked_up, text);
    assert_string_equal(text, "proxy.example");
    f->lookup_status = ST_NOT_FOUND;
    expect_502(f, ask(f, "CONNECT 192.0.2.9:443 HTTP/1.1\r\nHost: x\r\n\r\n"), "error=destination_unavailable",
               "The parent proxy");
}

static void a_client_that_goes_ends_what_is_said_to_the_parent(void **state)
{
    struct fixture *f = *state;
    open_with(f, PARENT_SOCKS5);
    struct peer *client = ask(f, tunnel);
    struct peer *proxy = accept_origin(f);
    WAIT(f, proxy, "\x05\x01\x00");
    hang_up_hard(client);
    wait_closed(f, proxy);
    assert_int_equal(dname_from_text(STR("proxy.example"), &parent.name), ST_OK);
    f->lookup_late = true;
    client = ask(f, "CONNECT 192.0.2.9:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_no_origin(f);
    hang_up_hard(client);
    settle(f);
    assert_int_equal(f->cancels, 1);
    assert_true(proxy_server_idle(f->proxy));
}

static void a_parent_that_is_ourselves_is_not_asked(void **state)
{
    struct fixture *f = *state;
    f->settings.own = &parent.addr;
    f->settings.own_count = 1;
    open_with(f, PARENT_HTTP);
    expect_502(f, ask(f, tunnel), "error=destination_unavailable", "The parent proxy");
    assert_no_origin(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up_parent, tear_down_parent)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_http_parent_gets_a_plain_request_in_absolute_form),
        T(a_clients_own_credentials_are_not_for_the_parent),
        T(an_http_parent_connects_to_the_address_that_was_judged),
        T(a_websocket_goes_through_an_http_parent_as_a_tunnel),
        T(a_parent_that_wants_a_login_is_told_of_as_such),
        T(one_that_refuses_all_hosts_is_in_trouble_until_it_serves_one),
        T(a_parent_that_refuses_is_502),
        T(what_is_no_answer_of_a_parent_is_502),
        T(a_socks_parent_gets_the_address_that_was_judged),
        T(a_socks_answer_may_come_in_single_bytes),
        T(a_socks_login_that_is_not_taken_is_told),
        T(a_socks_refusal_by_rule_is_final),
        T(a_server_that_is_out_of_the_parents_reach_is_asked_for_at_its_next_address),
        T(what_is_no_socks_is_502),
        T(a_parent_that_is_not_there_is_502_and_a_silent_one_504),
        T(names_and_addresses_are_judged_before_the_parent_hears_of_them),
        T(a_name_that_cannot_be_looked_up_is_not_the_parents_to_look_up),
        T(a_parent_that_gets_names_looks_up_what_nobody_here_can),
        T(a_socks_parent_that_gets_names_gets_addresses_for_addresses),
        T(a_parent_that_gets_names_does_not_undo_a_refusal),
        T(what_goes_past_the_parent_is_dialled),
        T(a_parents_name_is_looked_up_like_any),
        T(a_client_that_goes_ends_what_is_said_to_the_parent),
        T(a_parent_that_is_ourselves_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
