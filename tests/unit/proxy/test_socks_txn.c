#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int set_up_socks(void **state)
{
    set_up(state);
    struct fixture *f = *state;
    f->proxy_addr = f->socks_addr;
    return 0;
}

static void wait_bytes(struct fixture *f, struct peer *peer, struct str wanted)
{
    int64_t end = real_ms() + WAIT_MS;
    while (peer->got.length < wanted.length && !peer->eof && !peer->reset && real_ms() < end)
        turn(f);
    assert_int_equal(peer->got.length, wanted.length);
    assert_memory_equal(peer->got.data, wanted.data, wanted.length);
    buf_clear(&peer->got);
}

/* Bytes of a SOCKS 5 CONNECT to NAME. */
static struct str request_to(const char *name, uint16_t port)
{
    static char bytes[8 + 255];
    size_t n = strlen(name);
    const char head[] = {5, 1, 0, 3, (char)n};
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, name, n);
    bytes[sizeof head + n] = (char)(port >> 8);
    bytes[sizeof head + n + 1] = (char)port;
    return (struct str){bytes, sizeof head + n + 2};
}

static void say_str(struct fixture *f, struct peer *peer, struct str bytes)
{
    say_bytes(f, peer, bytes.data, bytes.length);
}

static struct peer *greeted(struct fixture *f)
{
    struct peer *client = new_client(f);
    say_str(f, client, STR("\5\1\0"));
    wait_bytes(f, client, STR("\5\0"));
    return client;
}

static struct peer *ask_for(struct fixture *f, const char *name)
{
    struct peer *client = greeted(f);
    say_str(f, client, request_to(name, f->origin_port));
    return client;
}

#define SUCCESS   STR("\5\0\0\1\0\0\0\0\0\0")
#define FORBIDDEN STR("\5\2\0\1\0\0\0\0\0\0")

/* It is told so and closed, and no server heard of it. */
static void expect_reply(struct fixture *f, struct peer *client, uint8_t reply)
{
    const char bytes[] = {5, (char)reply, 0, 1, 0, 0, 0, 0, 0, 0};
    wait_bytes(f, client, (struct str){bytes, sizeof bytes});
    wait_closed(f, client);
    assert_no_origin(f);
}

static void assert_tunnel(struct fixture *f, struct peer *client, struct peer *origin)
{
    say(f, client, "to the server");
    wait_for(f, origin, "to the server");
    say(f, origin, "to the client");
    wait_for(f, client, "to the client");
    assert_int_equal(proxy_server_counters(f->proxy)->tunnels, 1);
}

static void a_name_is_resolved_dialled_and_then_answered(void **state)
{
    struct fixture *f = *state;
    char text[DNAME_TEXT_SIZE];
    f->lookup_late = true;
    struct peer *client = ask_for(f, "A.test");
    assert_no_origin(f);
    dname_to_text(&f->looked_up, text);
    assert_string_equal(text, "A.test");
    assert_int_equal(client->got.length, 0);
    fixture_answer_lookup(f);
    struct peer *origin = accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_tunnel(f, client, origin);
    assert_int_equal(rule.asked, 1);
    assert_string_equal(rule.last_host, "A.test");
    assert_int_equal(rule.asked_addr, 1);
    assert_int_equal(recorded_count, 0);
}

static void everything_may_come_at_once_and_what_follows_is_the_servers(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    char bytes[400] = {5, 2, 2, 0};
    struct str request = request_to("a.test", f->origin_port);
    memcpy(bytes + 4, request.data, request.length);
    memcpy(bytes + 4 + request.length, "hello", 5);
    say_bytes(f, client, bytes, 4 + request.length + 5);
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "hello");
    wait_bytes(f, client, STR("\5\0\5\0\0\1\0\0\0\0\0\0"));
    assert_tunnel(f, client, origin);
}

static void it_may_come_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    struct str request = request_to("a.test", f->origin_port);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(client->got.length, 0);
        say_bytes(f, client, "\5\1\0" + i, 1);
        settle(f);
    }
    wait_bytes(f, client, STR("\5\0"));
    for (size_t i = 0; i < request.length; i++) {
        assert_no_origin(f);
        say_bytes(f, client, request.data + i, 1);
        settle(f);
    }
    struct peer *origin = accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_tunnel(f, client, origin);
}

static void a_server_may_speak_first(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask_for(f, "mail.test"), *origin = accept_origin(f);
    say(f, origin, "220 ready");
    wait_bytes(f, client,
               STR("\5\0\0\1\0\0\0\0\0\0"
                   "220 ready"));
}

static void an_address_is_dialled_without_a_look_up(void **state)
{
    struct fixture *f = *state;
    const char v4[] = {5, 1, 0, 1, 127, 0, 0, 1, (char)(f->origin_port >> 8), (char)f->origin_port};
    const char mapped[] = {5,
                           1,
                           0,
                           4,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0,
                           (char)0xff,
                           (char)0xff,
                           127,
                           0,
                           0,
                           1,
                           (char)(f->origin_port >> 8),
                           (char)f->origin_port};
    struct peer *client = greeted(f);
    say_bytes(f, client, v4, sizeof v4);
    accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_string_equal(rule.last_host, "127.0.0.1");
    client = greeted(f);
    say_bytes(f, client, mapped, sizeof mapped);
    accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_string_equal(rule.last_host, "127.0.0.1"); /* the same in another form */
    assert_int_equal(f->lookups, 0);
}

static void an_address_written_as_a_name_is_an_address(void **state)
{
    struct fixture *f = *state;
    struct peer *client = ask_for(f, "127.0.0.1");
    accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_int_equal(f->lookups, 0);
    snprintf(rule.host, sizeof rule.host, "[2001:db8::1]");
    rule.action = ACTION_BLOCK;
    expect_reply(f, ask_for(f, "2001:DB8:0::1"), 2);
    assert_string_equal(recorded[0].subject, with_port(f, "[2001:db8::1]:%P"));
}

static void h19_odd_spellings_of_an_address_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const odd[] = {"127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1.",
                                      "a b",   "a/b",    "a%2e",       "..",         "caf\xc3\xa9.test"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        expect_reply(f, ask_for(f, odd[i]), 1);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(rule.asked, 0);
    assert_int_equal(proxy_server_counters(f->proxy)->malformed, sizeof odd / sizeof *odd);
}

static void a_name_with_a_nul_in_it_is_refused(void **state)
{
    struct fixture *f = *state;
    struct peer *client = greeted(f);
    say_str(f, client, STR("\5\1\0\3\15a.test\0b.test\0\120"));
    expect_reply(f, client, 1);
    assert_int_equal(f->lookups, 0);
}

static void a_blocked_name_is_not_allowed_and_recorded(void **state)
{
    struct fixture *f = *state;
    snprintf(rule.host, sizeof rule.host, "evil.test");
    rule.action = ACTION_BLOCK;
    expect_reply(f, ask_for(f, "evil.test"), 2);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_SOCKS);
    assert_int_equal(recorded[0].match, MATCH_HOST);
    assert_int_equal(recorded[0].status, 0);
    assert_string_equal(recorded[0].method, "");
    assert_string_equal(recorded[0].subject, with_port(f, "evil.test:%P"));
    assert_true(addr_is_loopback(&recorded[0].client) && recorded[0].client.port);
    assert_int_equal(proxy_server_counters(f->proxy)->blocked, 1);
}

static void a_blocked_alias_or_address_is_not_allowed(void **state)
{
    struct fixture *f = *state;
    fixture_add_alias(f, "tracker.evil.test");
    snprintf(rule.alias, sizeof rule.alias, "tracker.evil.test");
    rule.action = ACTION_BLOCK;
    expect_reply(f, ask_for(f, "www.test"), 2);
    assert_int_equal(recorded[0].match, MATCH_CNAME);
    assert_int_equal(recorded[0].channel, CHANNEL_SOCKS);
    f->lookup_alias_count = 0;
    snprintf(rule.addr, sizeof rule.addr, "127.0.0.1");
    expect_reply(f, ask_for(f, "www.test"), 2);
    assert_int_equal(recorded[1].match, MATCH_ORIGIN_IP);
    assert_int_equal(recorded[1].channel, CHANNEL_IP);
}

static void what_is_only_logged_is_recorded_once_and_passes(void **state)
{
    struct fixture *f = *state;
    snprintf(rule.host, sizeof rule.host, "odd.test");
    rule.action = ACTION_LOG;
    struct peer *client = ask_for(f, "odd.test"), *origin = accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_tunnel(f, client, origin);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].verdict.action, ACTION_LOG);
}

static void h18_a_port_that_is_not_listed_is_not_allowed(void **state)
{
    struct fixture *f = *state;
    struct peer *client = greeted(f);
    say_str(f, client, request_to("a.test", 25));
    expect_reply(f, client, 2);
    client = greeted(f);
    say_str(f, client, request_to("a.test", 0));
    expect_reply(f, client, 2);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 2);
    /* A contact is one all the same. */
    snprintf(rule.host, sizeof rule.host, "evil.test");
    rule.action = ACTION_BLOCK;
    client = greeted(f);
    say_str(f, client, request_to("evil.test", 25));
    expect_reply(f, client, 2);
    assert_string_equal(recorded[0].subject, "evil.test:25");
}

static void h19_an_address_that_nobody_may_reach_is_not_allowed(void **state)
{
    struct fixture *f = *state;
    expect_reply(f, ask_for(f, "169.254.169.254"), 2);
    expect_reply(f, ask_for(f, "::1"), 2);
    f->lookup_addrs[0] = addr_v4(0xa9fea9fe, 0);
    expect_reply(f, ask_for(f, "rebound.test"), 2);
    assert_int_equal(recorded_count, 0);
}

static void a_listener_of_ours_is_not_allowed(void **state)
{
    struct fixture *f;
    void *inner;
    static struct addr own[1];
    set_up_closed(&inner);
    f = *state = inner;
    own[0] = addr_v4(0x7f000001, f->origin_port);
    f->settings.own = own;
    f->settings.own_count = 1;
    fixture_open(f);
    f->proxy_addr = f->socks_addr;
    expect_reply(f, ask_for(f, "a.test"), 2);
}

static void failures_are_told_by_their_kind(void **state)
{
    struct fixture *f = *state;
    f->lookup_status = ST_NOT_FOUND;
    expect_reply(f, ask_for(f, "nowhere.test"), 4);
    f->lookup_status = ST_TIMEOUT;
    expect_reply(f, ask_for(f, "slow.test"), 4);
    f->lookup_status = ST_OK;
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0); /* nobody listens there */
    expect_reply(f, ask_for(f, "down.test"), 5);
    assert_int_equal(proxy_server_counters(f->proxy)->failed, 3);
}

static void other_commands_and_kinds_of_address_are_told_to_be_unknown(void **state)
{
    struct fixture *f = *state;
    struct peer *client = greeted(f);
    say_str(f, client, STR("\5\2\0\1\177\0\0\1\1\273"));
    expect_reply(f, client, 7);
    client = greeted(f);
    say_str(f, client, STR("\5\3\0\1\0\0\0\0\0\0"));
    expect_reply(f, client, 7);
    client = greeted(f);
    say_str(f, client, STR("\5\1\0\5"));
    expect_reply(f, client, 8);
    client = greeted(f);
    say_str(f, client, STR("\5\1\1\3"));
    expect_reply(f, client, 1);
    assert_int_equal(proxy_server_counters(f->proxy)->malformed, 4);
}

static void socks_4_and_4a_are_the_same_in_fewer_words(void **state)
{
    struct fixture *f = *state;
    const char v4[] = {4, 1, (char)(f->origin_port >> 8), (char)f->origin_port, 127, 0, 0, 1, 'm', 'e', 0};
    const char v4a[] = {4, 1, (char)(f->origin_port >> 8), (char)f->origin_port, 0, 0, 0, 9, 0, 'e', '.', 't', 0};
    struct peer *client = new_client(f);
    say_bytes(f, client, v4, sizeof v4);
    struct peer *origin = accept_origin(f);
    wait_bytes(f, client, STR("\0\x5a\0\0\0\0\0\0"));
    assert_tunnel(f, client, origin);
    assert_int_equal(f->lookups, 0);
    snprintf(rule.host, sizeof rule.host, "e.t");
    rule.action = ACTION_BLOCK;
    client = new_client(f);
    say_bytes(f, client, v4a, sizeof v4a);
    wait_bytes(f, client, STR("\0\x5b\0\0\0\0\0\0"));
    wait_closed(f, client);
    assert_int_equal(recorded[0].channel, CHANNEL_SOCKS);
    client = new_client(f);
    say_str(f, client, STR("\4\2\0\120\177\0\0\1\0")); /* BIND */
    wait_bytes(f, client, STR("\0\x5b\0\0\0\0\0\0"));
    wait_closed(f, client);
}

static void a_client_that_insists_on_a_login_is_let_in_with_any(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    say_str(f, client, STR("\5\1\2"));
    wait_bytes(f, client, STR("\5\2"));
    say_str(f, client, STR("\1\4user\6sec"));
    settle(f);
    assert_int_equal(client->got.length, 0);
    say_str(f, client, STR("ret"));
    wait_bytes(f, client, STR("\1\0"));
    say_str(f, client, request_to("a.test", f->origin_port));
    accept_origin(f);
    wait_bytes(f, client, SUCCESS);
}

static struct peer *log_in(struct fixture *f, struct str login)
{
    struct peer *client = new_client(f);
    say_str(f, client, STR("\5\2\0\2"));
    wait_bytes(f, client, STR("\5\2"));
    say_str(f, client, login);
    return client;
}

static void where_users_have_to_log_in_socks_asks_too(void **state)
{
    struct fixture *f;
    void *inner;
    struct password_checker *checker;
    set_up_closed(&inner);
    f = *state = inner;
    struct proxy_users *users = open_with_users(f, &checker);
    f->proxy_addr = f->socks_addr;
    struct peer *client = log_in(f, STR("\1\2me\13open sesame"));
    wait_bytes(f, client, STR("\1\0"));
    say_str(f, client, request_to("a.test", f->origin_port));
    struct peer *origin = accept_origin(f);
    wait_bytes(f, client, SUCCESS);
    assert_tunnel(f, client, origin);
    client = log_in(f, STR("\1\2me\13open sasame"));
    wait_bytes(f, client, STR("\1\1"));
    wait_closed(f, client);
    client = new_client(f); /* without a login, and in a version that has none */
    say_str(f, client, STR("\5\1\0"));
    wait_bytes(f, client, STR("\5\xff"));
    client = new_client(f);
    say_str(f, client, STR("\4\1\0\120\177\0\0\1\0"));
    wait_bytes(f, client, STR("\0\x5b\0\0\0\0\0\0"));
    assert_int_equal(f->lookups, 1);
    assert_no_origin(f);
    close_with_users(f, users, checker);
}

static void a_client_that_offers_nothing_we_know_is_sent_away(void **state)
{
    struct fixture *f = *state;
    struct peer *client = new_client(f);
    say_str(f, client, STR("\5\1\1"));
    wait_bytes(f, client, STR("\5\xff"));
    wait_closed(f, client);
}

static void what_is_no_socks_is_closed_without_a_word(void **state)
{
    struct fixture *f = *state;
    static const char *const lines[] = {"GET http://a.test/ HTTP/1.1\r\n", "\x16\x03\x01", "\x01\x01"};
    for (size_t i = 0; i < 3; i++) {
        struct peer *client = new_client(f);
        say(f, client, lines[i]);
        wait_closed(f, client);
        assert_int_equal(client->got.length, 0);
    }
    struct peer *client = new_client(f);
    say_str(f, client, STR("\5\1\2"));
    wait_bytes(f, client, STR("\5\2"));
    say_str(f, client, STR("\5\1\0\3")); /* no login */
    wait_closed(f, client);
    assert_int_equal(client->got.length, 0);
    assert_int_equal(proxy_server_counters(f->proxy)->malformed, 4);
}

/* Neither silence nor drops of bytes keep a connection. */
static void h3_a_handshake_has_the_time_of_a_head(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 0);
    struct peer *silent = new_client(f), *slow = new_client(f), *asking = greeted(f);
    say_str(f, slow, STR("\5"));
    say_str(f, asking, STR("\5\1\0\3\377a"));
    settle(f);
    clock_fake_advance(9000);
    say_str(f, asking, STR("b"));
    assert_open(f, slow);
    assert_open(f, asking);
    clock_fake_advance(1001);
    wait_closed(f, slow);
    assert_int_equal(slow->got.length, 0);
    wait_bytes(f, asking, STR("\5\1\0\1\0\0\0\0\0\0"));
    wait_closed(f, asking);
    assert_open(f, silent);
    clock_fake_advance(50001);
    wait_closed(f, silent);
}

static void a_client_that_hangs_up_is_forgotten(void **state)
{
    struct fixture *f = *state;
    f->lookup_late = true;
    struct peer *early = new_client(f);
    say_str(f, early, STR("\5"));
    shutdown(early->fd, SHUT_WR);
    wait_closed(f, early);
    assert_int_equal(early->got.length, 0);
    struct peer *late = ask_for(f, "a.test");
    settle(f);
    hang_up_hard(late);
    settle(f);
    assert_int_equal(f->cancels, 1);
    assert_true(proxy_server_idle(f->proxy));
}

static void its_clients_count_with_those_of_http(void **state)
{
    struct fixture *f;
    void *inner;
    set_up_closed(&inner);
    f = *state = inner;
    f->max_clients = 2;
    fixture_open(f);
    struct peer *http = new_client(f);
    f->proxy_addr = f->socks_addr;
    struct peer *socks = greeted(f);
    struct peer *third = new_client(f);
    wait_closed(f, third);
    assert_int_equal(third->got.length, 0);
    assert_open(f, http);
    assert_open(f, socks);
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 1);
}

static void a_connection_is_one_request(void **state)
{
    struct fixture *f = *state;
    rule.action = ACTION_BLOCK;
    snprintf(rule.host, sizeof rule.host, "evil.test");
    struct peer *client = new_client(f);
    char bytes[400] = {5, 1, 0};
    struct str request = request_to("evil.test", f->origin_port);
    memcpy(bytes + 3, request.data, request.length);
    memcpy(bytes + 3 + request.length, bytes, 3 + request.length);
    say_bytes(f, client, bytes, 2 * (3 + request.length));
    wait_bytes(f, client, STR("\5\0\5\2\0\1\0\0\0\0\0\0"));
    wait_closed(f, client);
    assert_int_equal(recorded_count, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up_socks, tear_down)
#define C(name) cmocka_unit_test_setup_teardown(name, NULL, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_name_is_resolved_dialled_and_then_answered),
        T(everything_may_come_at_once_and_what_follows_is_the_servers),
        T(it_may_come_byte_by_byte),
        T(a_server_may_speak_first),
        T(an_address_is_dialled_without_a_look_up),
        T(an_address_written_as_a_name_is_an_address),
        T(h19_odd_spellings_of_an_address_are_refused),
        T(a_name_with_a_nul_in_it_is_refused),
        T(a_blocked_name_is_not_allowed_and_recorded),
        T(a_blocked_alias_or_address_is_not_allowed),
        T(what_is_only_logged_is_recorded_once_and_passes),
        T(h18_a_port_that_is_not_listed_is_not_allowed),
        T(h19_an_address_that_nobody_may_reach_is_not_allowed),
        C(a_listener_of_ours_is_not_allowed),
        T(failures_are_told_by_their_kind),
        T(other_commands_and_kinds_of_address_are_told_to_be_unknown),
        T(socks_4_and_4a_are_the_same_in_fewer_words),
        T(a_client_that_insists_on_a_login_is_let_in_with_any),
        C(where_users_have_to_log_in_socks_asks_too),
        T(a_client_that_offers_nothing_we_know_is_sent_away),
        T(what_is_no_socks_is_closed_without_a_word),
        T(h3_a_handshake_has_the_time_of_a_head),
        T(a_client_that_hangs_up_is_forgotten),
        C(its_clients_count_with_those_of_http),
        T(a_connection_is_one_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
