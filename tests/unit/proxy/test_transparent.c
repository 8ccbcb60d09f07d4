#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"

static int set_up_redirected(void **state)
{
    set_up(state);
    struct fixture *f = *state;
    f->proxy_addr = f->transparent_addr;
    redirected_from = addr_v4(0x7f000001, f->origin_port);
    return 0;
}

static void block(const char *host, const char *path)
{
    snprintf(rule.host, sizeof rule.host, "%s", host);
    snprintf(rule.path, sizeof rule.path, "%s", path);
    rule.action = ACTION_BLOCK;
}

/* HTTP */

static void a_request_goes_to_the_address_that_the_client_chose(void **state)
{
    struct fixture *f = *state;
    char text[DNAME_TEXT_SIZE];
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0); /* nobody is there */
    f->lookup_addrs[1] = addr_v4(0x7f000001, 0);
    f->lookup_count = 2;
    struct peer *client = ask(f, "GET /a?b=%25 HTTP/1.1\r\nHost: A.test\r\nX: y\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    assert_true(has(origin, "GET /a?b=%25 HTTP/1.1\r\nHost: A.test\r\nX: y\r\nVia: 1.1 ccward ("));
    dname_to_text(&f->looked_up, text);
    assert_string_equal(text, "A.test");
    assert_int_equal(rule.asked, 1);
    assert_int_equal(rule.asked_addr, 2); /* as in DNS, where the answer has both */
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, client, "\r\n\r\nok");
    assert_int_equal(recorded_count, 0);
}

static void each_request_of_a_connection_is_judged_by_its_own_host(void **state)
{
    struct fixture *f = *state;
    block("evil.test", "");
    struct peer *client = ask(f, "GET /1 HTTP/1.1\r\nHost: good.test\r\n\r\n"
                                 "GET /2 HTTP/1.1\r\nHost: evil.test\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "GET /1 ");
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_false(has(origin, "/2"));
    assert_int_equal(recorded_count, 1);
}

static void a_blocked_url_gets_the_page_and_is_recorded_whole(void **state)
{
    struct fixture *f = *state;
    block("shared.test", "/bad");
    struct peer *client = ask(f, "GET /bad/x HTTP/1.1\r\nHost: shared.test:81\r\nAccept: text/html\r\n\r\n");
    wait_for(f, client, "</html>");
    assert_true(has(client, "HTTP/1.1 403 ") && has(client, "hxxp://shared[.]test"));
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(recorded[0].channel, CHANNEL_HTTP);
    assert_int_equal(recorded[0].match, MATCH_URL);
    assert_int_equal(recorded[0].status, 403);
    assert_int_equal(recorded[0].local.port, f->origin_port); /* by which the client's program is found */
    /* Where it was going, whatever port the client writes. */
    assert_string_equal(recorded[0].subject, with_port(f, "http://shared.test:%P/bad/x"));
    assert_int_equal(rule.last.port, f->origin_port);
}

static void a_name_that_has_other_addresses_does_not_change_where_it_goes(void **state)
{
    struct fixture *f = *state;
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0);
    struct peer *client = ask(f, "GET / HTTP/1.1\r\nHost: www.test\r\n\r\n");
    wait_for(f, accept_origin(f), "Host: www.test\r\n");
    assert_open(f, client);
    assert_int_equal(rule.asked, 2);
    assert_string_equal(rule.last_host, "127.0.0.1"); /* as if that had been written */
    assert_int_equal(rule.asked_addr, 2);
}

static void a_good_name_does_not_open_a_bad_address(void **state)
{
    struct fixture *f = *state;
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0);
    block("127.0.0.1", "/gate.php"); /* a URL of the address */
    wait_for(f, ask(f, "GET /gate.php HTTP/1.1\r\nHost: www.good.test\r\n\r\n"), "HTTP/1.1 403 ");
    assert_int_equal(recorded[0].match, MATCH_URL);
    block("", "");
    snprintf(rule.addr, sizeof rule.addr, "127.0.0.1");
    wait_for(f, ask(f, "GET / HTTP/1.1\r\nHost: www.good.test\r\n\r\n"), "HTTP/1.1 403 ");
    assert_int_equal(recorded[1].match, MATCH_ORIGIN_IP);
    assert_int_equal(recorded[1].channel, CHANNEL_IP);
    assert_no_origin(f);
    assert_int_equal(recorded_count, 2);
}

static void what_an_allowed_name_leads_to_is_judged_where_the_client_goes_elsewhere(void **state)
{
    struct fixture *f = *state;
    rule.exempt = true;
    rule.action = ACTION_BLOCK;
    snprintf(rule.alias, sizeof rule.alias, "cdn.evil.test");
    fixture_add_alias(f, "cdn.evil.test");
    ask(f, "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n");
    wait_for(f, accept_origin(f), "Host: allowed.test");
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0);
    wait_for(f, ask(f, "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n"), "HTTP/1.1 403 ");
    assert_int_equal(recorded[0].match, MATCH_CNAME);
}

static void a_full_list_of_addresses_makes_room_for_the_clients(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < RESOLVER_MAX_ADDRS; i++)
        f->lookup_addrs[i] = addr_v4(0x7f000002 + i, 0);
    f->lookup_count = RESOLVER_MAX_ADDRS;
    ask(f, "GET / HTTP/1.1\r\nHost: www.test\r\n\r\n");
    wait_for(f, accept_origin(f), "Host: www.test\r\n");
    assert_int_equal(rule.asked_addr, RESOLVER_MAX_ADDRS);
}

static void without_an_answer_for_the_name_it_goes_where_it_was_going(void **state)
{
    struct fixture *f = *state;
    f->lookup_status = ST_TIMEOUT;
    ask(f, "GET / HTTP/1.1\r\nHost: www.test\r\n\r\n");
    wait_for(f, accept_origin(f), "Host: www.test\r\n");
}

static void an_address_that_nobody_may_reach_is_refused_whatever_the_name_has(void **state)
{
    struct fixture *f = *state;
    redirected_from = addr_v4(0xa9fea9fe, 80);
    wait_for(f, ask(f, "GET /latest HTTP/1.1\r\nHost: www.test\r\n\r\n"), "destination_ip_prohibited");
    assert_no_origin(f);
}

static void a_request_without_a_host_is_for_the_address(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask(f, "GET /x HTTP/1.0\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, with_port(f, "GET /x HTTP/1.1\r\nHost: 127.0.0.1:%P\r\n"));
    assert_int_equal(f->lookups, 0);
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_closed(f, client);
    block("127.0.0.1", "");
    redirected_from.port = 80;
    wait_for(f, ask(f, "GET /x HTTP/1.0\r\n\r\n"), " 403 ");
    assert_string_equal(recorded[0].subject, "http://127.0.0.1/x");
}

static void the_whole_url_may_be_written_and_an_asterisk(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET http://b.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    wait_for(f, accept_origin(f), "GET /x HTTP/1.1\r\nHost: b.test\r\n");
    assert_string_equal(rule.last_host, "b.test");
    ask(f, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
    wait_for(f, accept_origin(f), "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n");
}

static void what_is_not_for_a_server_is_refused(void **state)
{
    struct fixture *f = *state;
    wait_for(f, ask(f, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n"), "HTTP/1.1 501 ");
    wait_for(f, ask(f, "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n"), "HTTP/1.1 501 ");
    wait_for(f, ask(f, "GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 ");
    wait_for(f, ask(f, "SSH-2.0-client\r\n\r\n"), "HTTP/1.1 400 ");
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
}

static void h19_odd_spellings_of_a_host_are_refused(void **state)
{
    struct fixture *f = *state;
    wait_for(f, ask(f, "GET / HTTP/1.1\r\nHost: 127.1\r\n\r\n"), "HTTP/1.1 400 ");
    wait_for(f, ask(f, "GET / HTTP/1.1\r\nHost: 2130706433\r\n\r\n"), "HTTP/1.1 400 ");
    assert_no_origin(f);
}

static void h15_a_request_that_comes_back_is_a_loop(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    struct peer *again = new_client(f);
    say_bytes(f, again, origin->got.data, origin->got.length);
    wait_for(f, again, "HTTP/1.1 508 ");
}

/* TLS */

enum { HELLO_MAX = 400 };

/* A hello without a name where NAME is empty. */
static struct str hello_for(const char *name)
{
    static char bytes[HELLO_MAX];
    size_t n = strlen(name), ext = n ? n + 9 : 0, body = 2 + 32 + 1 + 4 + 2 + 2 + ext;
    struct wire wire = wire_into(bytes, sizeof bytes);
    wire_bytes(&wire, "\x16\3\1", 3);
    wire_u16(&wire, (uint16_t)(body + 4));
    wire_u16(&wire, 1 << 8);
    wire_u16(&wire, (uint16_t)body);
    wire_bytes(&wire, "\3\3abcdefghijklmnopqrstuvwxyz012345\0\0\2\x13\1\1\0", 2 + 32 + 1 + 4 + 2);
    wire_u16(&wire, (uint16_t)ext);
    if (n) {
        wire_u16(&wire, 0);
        wire_u16(&wire, (uint16_t)(n + 5));
        wire_u16(&wire, (uint16_t)(n + 3));
        wire_u8(&wire, 0);
        wire_u16(&wire, (uint16_t)n);
        wire_bytes(&wire, name, n);
    }
    assert_false(wire.failed);
    return (struct str){bytes, wire_length(&wire)};
}

static struct peer *greet(struct fixture *f, const char *name)
{
    struct peer *client = new_client(f);
    struct str hello = hello_for(name);
    say_bytes(f, client, hello.data, hello.length);
    return client;
}

static void expect_hello(struct fixture *f, struct peer *origin, const char *name)
{
    struct str hello = hello_for(name);
    int64_t end = real_ms() + WAIT_MS;
    while (origin->got.length < hello.length && real_ms() < end)
        turn(f);
    assert_int_equal(origin->got.length, hello.length);
    assert_memory_equal(origin->got.data, hello.data, hello.length);
}

static void tls_goes_on_byte_for_byte_to_where_it_was_going(void **state)
{
    struct fixture *f = *state;
    char text[DNAME_TEXT_SIZE];
    struct peer *client = greet(f, "www.test"), *origin = accept_origin(f);
    expect_hello(f, origin, "www.test");
    dname_to_text(&f->looked_up, text);
    assert_string_equal(text, "www.test");
    assert_string_equal(rule.last_host, "www.test");
    assert_int_equal(client->got.length, 0);
    say(f, origin, "the server's hello");
    wait_for(f, client, "the server's hello");
    assert_int_equal(client->got.length, 18);
    say(f, client, "more");
    wait_for(f, origin, "more");
    assert_int_equal(proxy_server_counters(f->proxy)->tunnels, 1);
}

static void a_hello_may_come_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    struct str hello = hello_for("www.test");
    for (size_t i = 0; i < hello.length; i++) {
        say_bytes(f, client, hello.data + i, 1);
        turn(f);
        turn(f);
        assert_int_equal(f->lookups, i + 1 == hello.length);
    }
    expect_hello(f, accept_origin(f), "www.test");
}

static void a_blocked_name_in_tls_is_closed_without_a_byte_and_recorded(void **state)
{
    struct fixture *f = *state;
    block("evil.test", "");
    struct peer *client = greet(f, "evil.test");
    wait_closed(f, client);
    assert_int_equal(client->got.length, 0);
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_TLS);
    assert_int_equal(recorded[0].match, MATCH_SNI);
    assert_int_equal(recorded[0].status, 0);
    assert_string_equal(recorded[0].method, "");
    assert_string_equal(recorded[0].subject, with_port(f, "evil.test:%P"));
}

static void tls_without_a_name_is_judged_by_its_address(void **state)
{
    struct fixture *f = *state;
    expect_hello(f, (greet(f, ""), accept_origin(f)), "");
    assert_int_equal(f->lookups, 0);
    assert_string_equal(rule.last_host, "127.0.0.1");
    snprintf(rule.addr, sizeof rule.addr, "127.0.0.1");
    rule.action = ACTION_BLOCK;
    wait_closed(f, greet(f, ""));
    assert_int_equal(recorded[0].channel, CHANNEL_IP);
    assert_int_equal(recorded[0].match, MATCH_ORIGIN_IP);
    assert_string_equal(recorded[0].subject, with_port(f, "127.0.0.1:%P"));
    assert_no_origin(f);
}

static void h22_a_good_name_in_tls_does_not_open_a_bad_address(void **state)
{
    struct fixture *f = *state;
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0);
    expect_hello(f, (greet(f, "www.test"), accept_origin(f)), "www.test");
    snprintf(rule.addr, sizeof rule.addr, "127.0.0.1");
    rule.action = ACTION_BLOCK;
    wait_closed(f, greet(f, "www.test"));
    assert_int_equal(recorded[0].channel, CHANNEL_IP);
    assert_no_origin(f);
}

static void a_hello_that_is_none_is_closed_without_a_byte(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    say(f, client, "\x16GET / HTTP/1.1\r\n");
    wait_closed(f, client);
    assert_int_equal(client->got.length, 0);
    wait_closed(f, greet(f, "127.1"));
    wait_closed(f, greet(f, "a..test"));
    assert_no_origin(f);
    assert_int_equal(proxy_server_counters(f->proxy)->malformed, 3);
}

static void h3_a_hello_has_the_time_of_a_head(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 0);
    struct peer *client = new_client(f);
    say_bytes(f, client, hello_for("www.test").data, 50);
    assert_open(f, client);
    clock_fake_advance(10001);
    wait_closed(f, client);
    assert_int_equal(client->got.length, 0);
}

static void who_was_not_redirected_is_told_and_sent_away(void **state)
{
    struct fixture *f = *state;
    redirected_from = (struct addr){0};
    struct peer *client = ask(f, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 400 ");
    wait_closed(f, client);
    assert_true(has(client, "firewall"));
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up_redirected, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_goes_to_the_address_that_the_client_chose),
        T(each_request_of_a_connection_is_judged_by_its_own_host),
        T(a_blocked_url_gets_the_page_and_is_recorded_whole),
        T(a_name_that_has_other_addresses_does_not_change_where_it_goes),
        T(a_good_name_does_not_open_a_bad_address),
        T(what_an_allowed_name_leads_to_is_judged_where_the_client_goes_elsewhere),
        T(a_full_list_of_addresses_makes_room_for_the_clients),
        T(without_an_answer_for_the_name_it_goes_where_it_was_going),
        T(an_address_that_nobody_may_reach_is_refused_whatever_the_name_has),
        T(a_request_without_a_host_is_for_the_address),
        T(the_whole_url_may_be_written_and_an_asterisk),
        T(what_is_not_for_a_server_is_refused),
        T(h19_odd_spellings_of_a_host_are_refused),
        T(h15_a_request_that_comes_back_is_a_loop),
        T(tls_goes_on_byte_for_byte_to_where_it_was_going),
        T(a_hello_may_come_byte_by_byte),
        T(a_blocked_name_in_tls_is_closed_without_a_byte_and_recorded),
        T(tls_without_a_name_is_judged_by_its_address),
        T(h22_a_good_name_in_tls_does_not_open_a_bad_address),
        T(a_hello_that_is_none_is_closed_without_a_byte),
        T(h3_a_hello_has_the_time_of_a_head),
        T(who_was_not_redirected_is_told_and_sent_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
