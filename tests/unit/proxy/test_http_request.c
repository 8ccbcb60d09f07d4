#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/proxy_auth.h"

static void expect_refusal(struct fixture *f, const char *request, const char *status)
{
    struct peer *client = ask(f, request);
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %s ", status);
    wait_for(f, client, "\r\n\r\n");
    if (!str_starts((struct str){client->got.data, client->got.length}, str_of(line)))
        fail_msg("%s\nwas answered\n%s\nnot %s", request, buf_text(&client->got), status);
    assert_no_origin(f);
}

static void an_ambiguous_request_never_reaches_the_server(void **state)
{
    static const struct {
        const char *fields, *status;
    } cases[] = {
        {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "400"},
        {"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "400"},
        {"Transfer-Encoding: xchunked\r\n", "400"},
        {"Transfer-Encoding: gzip, chunked\r\n", "400"},
        {"Transfer-Encoding: chunked, identity\r\n", "400"},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "400"},
        {"Transfer-Encoding : chunked\r\n", "400"},
        {"Transfer-Encoding:\x0b chunked\r\n", "400"},
        {"Transfer-Encoding:\r\n chunked\r\n", "400"},
        {"Content-Length: 3\r\nContent-Length: 3\r\n", "400"},
        {"Content-Length: 3\r\nContent-Length: 4\r\n", "400"},
        {"Content-Length: 3, 3\r\n", "400"},
        {"Content-Length: +3\r\n", "400"},
        {"Content-Length: 0x3\r\n", "400"},
        {"Content-Length: 3 3\r\n", "400"},
        {"Content-Length: 99999999999999999999\r\n", "400"},
        {"Content-Length : 3\r\n", "400"},
        {"Host: a.test\r\n", "400"},
        {" X: folded\r\n", "400"},
        {": no name\r\n", "400"},
        {"no colon\r\n", "400"},
        {"X: a\rb\r\n", "400"},
        {"X: a\nY: b\r\n", "400"},
        {"Expect: banana\r\n", "417"},
    };
    struct fixture *f = *state;
    char request[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(request, sizeof request, "POST http://a.test:%%P/ HTTP/1.1\r\nHost: a.test\r\n%s\r\nabc",
                 cases[i].fields);
        expect_refusal(f, request, cases[i].status);
    }
    assert_int_equal(rule.asked, 0);
    assert_int_equal(proxy_server_counters(f->proxy)->malformed, sizeof cases / sizeof *cases);
}

static void a_request_line_that_is_wrong_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, "GET http://a.test:%P/\r\n\r\n", "400");
    expect_refusal(f, "GET  http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "400");
    expect_refusal(f, "GET http://a.test:%P/ HTTP/2.0\r\nHost: a.test\r\n\r\n", "505");
    expect_refusal(f, "GET http://a.test:%P/ http/1.1\r\nHost: a.test\r\n\r\n", "400");
    expect_refusal(f, "GET http://a.test:%P/ HTTP/1.1\r\n\r\n", "400");
    expect_refusal(f, "GET http://u:p@a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "400");
    expect_refusal(f, "GET http://a.test:99999/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "400");
    expect_refusal(f, "GET http:///x HTTP/1.1\r\nHost: a.test\r\n\r\n", "400");
    expect_refusal(f, "GET / HTTP/1.0\n\n", "400");
    expect_refusal(f, "\r\n\r\nGET http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "400");
}

static void what_is_not_for_a_proxy_is_told_so(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "400");
    assert_true(has(&f->peers[0], "This is an HTTP proxy"));
    assert_true(has(&f->peers[0], "Content-Type: text/plain"));
    expect_refusal(f, "GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "501");
    expect_refusal(f, "GET ftp://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "501");
    expect_refusal(f, "TRACE http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n", "405");
    expect_refusal(f, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "200");
    expect_refusal(f, "OPTIONS http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n", "200");
    assert_int_equal(rule.asked, 0);
}

static void h1_h2_a_head_or_line_that_is_too_long_is_refused_before_it_ends(void **state)
{
    struct fixture *f = *state;
    static char text[40000];
    memset(text, 'x', sizeof text - 1);
    struct peer *line = ask(f, "GET http://a.test/");
    say_bytes(f, line, text, 9000);
    wait_for(f, line, "HTTP/1.1 414 ");
    wait_closed(f, line);
    struct peer *head = ask(f, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: ");
    say_bytes(f, head, text, 34000);
    wait_for(f, head, "HTTP/1.1 431 ");
    wait_closed(f, head);
    struct peer *fields = ask(f, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n");
    for (int i = 0; i < 101; i++)
        say(f, fields, "a:\r\n");
    wait_for(f, fields, "HTTP/1.1 431 ");
    wait_closed(f, fields);
    assert_int_equal(rule.asked, 0);
}

static void h3_a_head_that_does_not_come_in_time_is_408(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct peer *client = ask(f, "GET http://a.te");
    for (int i = 0; i < 9; i++) { /* a drop now and then does not help */
        settle(f);
        assert_int_equal(client->got.length, 0);
        clock_fake_advance(1050);
        say(f, client, "s");
    }
    settle(f);
    clock_fake_advance(1050);
    wait_for(f, client, "HTTP/1.1 408 ");
    wait_closed(f, client);
}

static void h33_a_client_that_says_nothing_is_hung_up_on_without_an_answer(void **state)
{
    struct fixture *f = *state;
    clock_fake(1000, 1000000);
    struct peer *client = new_client(f);
    assert_open(f, client);
    clock_fake_advance(59000);
    assert_open(f, client);
    clock_fake_advance(2000);
    wait_closed(f, client);
    assert_int_equal(client->got.length, 0);
}

/* H19 */
static void a_host_in_an_odd_spelling_is_refused_before_anything_is_asked(void **state)
{
    static const char *const hosts[] = {"127.1",      "2130706433", "0x7f.1",    "0177.0.0.1",
                                        "0x7f000001", "127.0.0.1.", "1.1.1.1.1", "256.0.0.1"};
    struct fixture *f = *state;
    char request[256];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        snprintf(request, sizeof request, "GET http://%s:%%P/ HTTP/1.1\r\nHost: x\r\n\r\n", hosts[i]);
        expect_refusal(f, request, "400");
        snprintf(request, sizeof request, "CONNECT %s:%%P HTTP/1.1\r\nHost: x\r\n\r\n", hosts[i]);
        expect_refusal(f, request, "400");
    }
    assert_int_equal(f->lookups, 0);
    assert_int_equal(rule.asked, 0);
}

static void loopback_is_refused_unless_it_is_allowed(void **state)
{
    struct fixture *f = *state;
    f->settings.allow_destination_count = 0;
    fixture_open(f);
    expect_refusal(f, "GET http://127.0.0.1:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_true(has(&f->peers[0], "error=destination_ip_prohibited"));
    assert_true(has(&f->peers[0], "proxy.allow-destinations"));
    expect_refusal(f, "GET http://[::1]:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    expect_refusal(f, "GET http://[::ffff:127.0.0.1]:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    expect_refusal(f, "GET http://0.0.0.0:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    expect_refusal(f, "CONNECT 127.0.0.1:%P HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    expect_refusal(f, "GET http://localhost:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(f->lookups, 1);
    assert_int_equal(recorded_count, 0);
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 6);
}

/* H20 */
static void of_a_mixed_answer_only_the_allowed_addresses_are_dialled(void **state)
{
    struct fixture *f = *state;
    struct network one;
    assert_int_equal(network_parse(STR("127.0.0.1"), &one), ST_OK);
    f->settings.allow_destinations = &one;
    fixture_open(f);
    struct addr trap = addr_v4(0x7f000002, f->origin_port);
    int trap_fd = make_listener(&trap);
    f->lookup_addrs[0] = addr_v4(0x7f000002, 0);
    f->lookup_addrs[1] = addr_v4(0x7f000001, 0);
    f->lookup_count = 2;
    ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    accept_origin(f);
    settle(f);
    assert_int_equal(accept(trap_fd, NULL, NULL), -1);
    close(trap_fd);
}

/* What a name led to a moment ago says nothing of what it leads to now. */
static void h20_a_name_that_moves_into_a_private_network_is_refused(void **state)
{
    struct fixture *f = *state;
    f->settings.private_networks = EGRESS_NOBODY;
    fixture_open(f);
    const char *request = "GET http://rebind.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n";
    struct peer *client = ask(f, request);
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "GET / ");
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_for(f, client, "ok");
    f->lookup_addrs[0] = addr_v4(0x0a000001, 0); /* the connection to the old address waits in the pool */
    say(f, client, with_port(f, request));
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_true(has(client, "error=destination_ip_prohibited"));
    assert_true(has(client, "proxy.private-networks"));
    assert_int_equal(f->lookups, 2);
    assert_int_equal(count_of(origin, "GET / "), 1);
    expect_refusal(f, "CONNECT rebind.test:%P HTTP/1.1\r\nHost: x\r\n\r\n", "403");
}

static void a_listener_of_ours_is_never_dialled(void **state)
{
    struct fixture *f = *state;
    struct addr own = addr_v4(0x7f000001, f->origin_port);
    f->settings.own = &own;
    f->settings.own_count = 1;
    fixture_open(f);
    expect_refusal(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_true(has(&f->peers[0], "error=destination_ip_prohibited"));
    assert_true(has(&f->peers[0], "ccward's own"));
    assert_false(has(&f->peers[0], "allow-destinations"));
}

static void a_blocked_host_gets_the_page_before_it_is_looked_up(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.host = "evil.test", .action = ACTION_BLOCK};
    struct peer *client = ask(f, "GET http://Evil.test:%P/x?y HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_open(f, client);
    assert_no_origin(f);
    assert_int_equal(f->lookups, 0);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_HTTP);
    assert_int_equal(recorded[0].match, MATCH_HOST);
    assert_int_equal(recorded[0].status, 403);
    assert_int_equal(recorded[0].count, 1);
    assert_string_equal(recorded[0].method, "GET");
    assert_string_equal(recorded[0].subject, with_port(f, "http://Evil.test:%P/x?y"));
    assert_true(addr_is_loopback(&recorded[0].client) && recorded[0].client.port);
    assert_int_equal(recorded[0].local.port, f->proxy_addr.port);
    assert_int_equal(proxy_server_counters(f->proxy)->blocked, 1);
}

static void policy_is_asked_with_what_the_client_sent(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET http://A.test:%P/%2e%2E/?q HTTP/1.1\r\nHost: other.test\r\n\r\n");
    accept_origin(f);
    assert_string_equal(rule.last_host, "A.test");
    assert_int_equal(rule.asked, 1);
    assert_int_equal(rule.asked_addr, 1);
    assert_int_equal(rule.last.addr.port, f->origin_port);
}

static void a_blocked_url_leaves_the_rest_of_its_host_alone(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.host = "shared.test", .path = "/bad", .action = ACTION_BLOCK};
    struct peer *bad = ask(f, "GET http://shared.test:%P/bad/x HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, bad, "HTTP/1.1 403 ");
    assert_int_equal(recorded[0].match, MATCH_URL);
    ask(f, "GET http://shared.test:%P/good HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET /good ");
    assert_int_equal(recorded_count, 1);
}

static void a_logged_host_is_recorded_and_passed_on(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.host = "odd.test", .action = ACTION_LOG};
    ask(f, "GET http://odd.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET / ");
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].status, 0);
    assert_int_equal(recorded[0].verdict.action, ACTION_LOG);
}

static void an_address_of_the_origin_is_logged_once_and_passed_on(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.addr = "127.0.0.1", .action = ACTION_LOG};
    f->lookup_addrs[1] = f->lookup_addrs[0];
    f->lookup_count = 2;
    ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    accept_origin(f);
    assert_int_equal(rule.asked_addr, 2);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_IP);
    assert_int_equal(recorded[0].match, MATCH_ORIGIN_IP);
    assert_string_equal(recorded[0].subject, with_port(f, "http://a.test:%P/"));
}

static void a_blocked_address_stops_the_request_before_it_is_dialled(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.addr = "127.0.0.9", .action = ACTION_BLOCK};
    f->lookup_addrs[1] = addr_v4(0x7f000009, 0);
    f->lookup_count = 2;
    expect_refusal(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_IP);
    assert_int_equal(recorded[0].status, 403);
    assert_string_equal(recorded[0].subject, with_port(f, "http://a.test:%P/"));
}

static void a_literal_address_is_judged_as_an_address_too(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.addr = "127.0.0.1", .action = ACTION_BLOCK};
    expect_refusal(f, "GET http://127.0.0.1:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    expect_refusal(f, "CONNECT 127.0.0.1:%P HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(f->lookups, 0);
    assert_int_equal(rule.asked, 2);
    assert_int_equal(recorded_count, 2);
}

static void a_post_to_a_blocked_host_is_answered_at_once_and_its_body_not_kept(void **state)
{
    struct fixture *f = *state;
    static char body[300000];
    rule = (struct rule){.host = "evil.test", .action = ACTION_BLOCK};
    struct peer *client = ask(f, "POST http://evil.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    wait_for(f, client, "Reference: CC-00000001");
    assert_true(has(client, "Connection: close\r\n"));
    say_bytes(f, client, body, sizeof body);
    wait_closed(f, client);
    assert_false(client->reset);
    assert_no_origin(f);
}

#define RIGHT "Proxy-Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n"
#define WRONG "Proxy-Authorization: Basic bWU6c2VzYW1l\r\n"

static void without_a_login_everything_is_407(void **state)
{
    struct fixture *f = *state;
    struct password_checker *checker;
    struct proxy_users *users = open_with_users(f, &checker);
    static const char *const requests[] = {
        "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n" WRONG "\r\n",
        "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\n" WRONG "\r\n",
        "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n" RIGHT RIGHT "\r\n",
        "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n\r\n",
        "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Bearer x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct peer *client = ask(f, requests[i]);
        wait_for(f, client, "HTTP/1.1 407 Proxy Authentication Required\r\n");
        wait_for(f, client, "Proxy-Authenticate: Basic realm=\"ccward\", charset=\"UTF-8\"\r\n");
    }
    assert_open(f, &f->peers[0]); /* for the next try */
    assert_int_equal(f->lookups, 0);
    assert_int_equal(rule.asked, 0);
    assert_no_origin(f);
    close_with_users(f, users, checker);
}

/* H14 */
static void a_right_login_opens_the_proxy_and_goes_no_further(void **state)
{
    struct fixture *f = *state;
    struct password_checker *checker;
    struct proxy_users *users = open_with_users(f, &checker);
    struct peer *client = ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 407 ");
    say(f, client,
        with_port(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n" RIGHT "Authorization: Basic b3JpZ2lu\r\n\r\n"));
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    assert_false(has(origin, "Proxy-Authorization"));
    assert_true(has(origin, "Authorization: Basic b3JpZ2lu\r\n"));
    struct peer *tunnel = ask(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\n" RIGHT "\r\n");
    wait_for(f, tunnel, "HTTP/1.1 200 ");
    close_with_users(f, users, checker);
}

static void a_guesser_is_429_after_ten_guesses(void **state)
{
    struct fixture *f = *state;
    struct password_checker *checker;
    struct proxy_users *users = open_with_users(f, &checker);
    clock_fake(1000, 1000000);
    struct peer *client = new_client(f);
    for (unsigned i = 0; i < AUTH_MAX_FAILURES; i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "GET http://a.test/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic bWU6MDA%c\r\n\r\n", 'g' + i);
        say(f, client, request);
        wait_count(f, client, "HTTP/1.1 407 ", i + 1);
    }
    say(f, client, "GET http://a.test/ HTTP/1.1\r\nHost: x\r\n" RIGHT "\r\n");
    wait_for(f, client, "HTTP/1.1 429 ");
    assert_true(has(client, "Retry-After: 60\r\n"));
    close_with_users(f, users, checker);
}

static void a_client_that_goes_while_its_password_is_checked_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct password_checker *checker;
    struct proxy_users *users = open_with_users(f, &checker);
    struct peer *client = ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n" RIGHT "\r\n");
    turn(f);
    hang_up_hard(client);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
    close_with_users(f, users, checker);
}

static void a_name_without_address_is_502_and_a_silent_resolver_504(void **state)
{
    struct fixture *f = *state;
    f->lookup_status = ST_NOT_FOUND;
    expect_refusal(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "502");
    assert_true(has(&f->peers[0], "error=dns_error"));
    f->lookup_status = ST_TIMEOUT;
    expect_refusal(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "504");
    assert_true(has(&f->peers[1], "error=dns_timeout"));
    f->lookup_status = ST_UNAVAILABLE;
    expect_refusal(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "503");
    assert_true(has(&f->peers[2], "Retry-After: "));
    assert_open(f, &f->peers[2]);
    assert_int_equal(proxy_server_counters(f->proxy)->failed, 3);
}

static void an_answer_of_the_resolver_may_come_later(void **state)
{
    struct fixture *f = *state;
    char text[DNAME_TEXT_SIZE];
    f->lookup_late = true;
    ask(f, "GET http://Late.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_no_origin(f);
    assert_int_equal(f->lookups, 1);
    dname_to_text(&f->looked_up, text);
    assert_string_equal(text, "Late.test");
    fixture_answer_lookup(f);
    wait_for(f, accept_origin(f), "GET / ");
}

static void a_client_that_goes_cancels_its_lookup(void **state)
{
    struct fixture *f = *state;
    f->lookup_late = true;
    struct peer *client = ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_no_origin(f);
    hang_up_hard(client);
    settle(f);
    assert_int_equal(f->cancels, 1);
    assert_true(proxy_server_idle(f->proxy));
}

static void a_host_that_is_an_alias_of_a_blocked_name_is_blocked(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.example", .action = ACTION_BLOCK};
    fixture_add_alias(f, "cdn.test");
    fixture_add_alias(f, "evil.example");
    fixture_add_alias(f, "last.test");
    struct peer *client = ask(f, "GET http://cloaked.test:%P/x HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 403 ");
    wait_for(f, client, "Reference: CC-00000001");
    assert_no_origin(f);
    assert_int_equal(rule.asked_name, 2);
    assert_int_equal(rule.asked_addr, 0);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_HTTP);
    assert_int_equal(recorded[0].match, MATCH_CNAME);
    assert_int_equal(recorded[0].status, 403);
    assert_string_equal(recorded[0].subject, with_port(f, "http://cloaked.test:%P/x"));
    assert_int_equal(proxy_server_counters(f->proxy)->blocked, 1);
}

static void a_tunnel_to_an_alias_of_a_blocked_name_is_refused_late_as_well(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.example", .action = ACTION_BLOCK};
    fixture_add_alias(f, "evil.example");
    f->lookup_late = true;
    struct peer *client = ask(f, "CONNECT cloaked.test:%P HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_no_origin(f);
    fixture_answer_lookup(f);
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_no_origin(f);
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].channel, CHANNEL_CONNECT);
    assert_int_equal(recorded[0].match, MATCH_CNAME);
    assert_string_equal(recorded[0].subject, with_port(f, "cloaked.test:%P"));
}

static void every_alias_of_the_longest_answer_is_judged(void **state)
{
    struct fixture *f = *state;
    char name[16];
    rule = (struct rule){.alias = "a31.test", .action = ACTION_BLOCK};
    for (unsigned i = 0; i < RESOLVER_MAX_ALIASES; i++) {
        snprintf(name, sizeof name, "a%u.test", i);
        fixture_add_alias(f, name);
    }
    expect_refusal(f, "GET http://cloaked.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(rule.asked_name, RESOLVER_MAX_ALIASES);
}

static void a_blocked_alias_without_an_address_is_a_contact_too(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.example", .action = ACTION_BLOCK};
    fixture_add_alias(f, "evil.example");
    f->lookup_status = ST_NOT_FOUND;
    expect_refusal(f, "GET http://cloaked.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "403");
    assert_int_equal(recorded[0].match, MATCH_CNAME);
    rule.alias[0] = '\0';
    expect_refusal(f, "GET http://cloaked.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "502");
    assert_int_equal(recorded_count, 1);
}

static void an_alias_that_is_only_logged_is_recorded_once_and_passed_on(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "odd.example", .addr = "127.0.0.1", .action = ACTION_LOG};
    fixture_add_alias(f, "odd.example");
    ask(f, "GET http://cloaked.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET / ");
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded[0].match, MATCH_CNAME);
    assert_int_equal(recorded[0].channel, CHANNEL_HTTP);
    assert_int_equal(recorded[0].status, 0);
    assert_int_equal(recorded[0].verdict.action, ACTION_LOG);
    assert_int_equal(rule.asked_addr, 1);
}

static void the_aliases_of_a_host_that_a_list_allows_are_not_judged(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.example", .action = ACTION_BLOCK, .exempt = true};
    fixture_add_alias(f, "evil.example");
    ask(f, "GET http://allowed.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET / ");
    ask(f, "CONNECT allowed.test:%P HTTP/1.1\r\nHost: x\r\n\r\n");
    accept_origin(f);
    assert_int_equal(rule.asked_name, 0);
    assert_int_equal(recorded_count, 0);
}

static void a_request_after_an_exempt_one_is_judged_again(void **state)
{
    struct fixture *f = *state;
    rule = (struct rule){.alias = "evil.example", .action = ACTION_BLOCK, .exempt = true};
    fixture_add_alias(f, "evil.example");
    struct peer *client = ask(f, "GET http://allowed.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    say(f, accept_origin(f), "HTTP/1.1 204 No Content\r\n\r\n");
    wait_for(f, client, "HTTP/1.1 204 ");
    rule.exempt = false;
    say(f, client, with_port(f, "GET http://cloaked.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(f, client, "HTTP/1.1 403 ");
    assert_int_equal(recorded_count, 1);
}

static void one_empty_line_before_a_request_is_ignored_and_two_are_not(void **state)
{
    struct fixture *f = *state;
    ask(f, "\r\nGET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, accept_origin(f), "GET / ");
    expect_refusal(f, "\r\n\r\nGET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n", "400");
}

static void h15_a_request_that_comes_back_is_508(void **state)
{
    struct fixture *f = *state;
    char request[512], via[128];
    ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    const char *at = strstr(buf_text(&origin->got), "Via: ");
    assert_non_null(at);
    text_copy(via, sizeof via, str_of(at));
    snprintf(request, sizeof request, "GET http://a.test:%%P/ HTTP/1.1\r\nHost: x\r\n%s", via);
    expect_refusal(f, request, "508");
    ask(f, "GET http://a.test:%P/ HTTP/1.1\r\nHost: x\r\nVia: 1.1 ccward (of another)\r\n\r\n");
    accept_origin(f);
}

static void the_answer_to_a_head_has_no_body(void **state)
{
    struct fixture *f = *state;
    f->lookup_status = ST_NOT_FOUND;
    struct peer *client = ask(f, "HEAD http://a.test:%P/ HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, client, "\r\n\r\n");
    settle(f);
    assert_memory_equal(client->got.data + client->got.length - 4, "\r\n\r\n", 4);
    assert_false(has(client, "Content-Length: 0"));
}

#define T(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, set_up_closed, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_ambiguous_request_never_reaches_the_server),
        T(a_request_line_that_is_wrong_is_refused),
        T(what_is_not_for_a_proxy_is_told_so),
        T(h1_h2_a_head_or_line_that_is_too_long_is_refused_before_it_ends),
        T(h3_a_head_that_does_not_come_in_time_is_408),
        T(h33_a_client_that_says_nothing_is_hung_up_on_without_an_answer),
        T(a_host_in_an_odd_spelling_is_refused_before_anything_is_asked),
        CLOSED(loopback_is_refused_unless_it_is_allowed),
        CLOSED(of_a_mixed_answer_only_the_allowed_addresses_are_dialled),
        CLOSED(h20_a_name_that_moves_into_a_private_network_is_refused),
        CLOSED(a_listener_of_ours_is_never_dialled),
        T(a_blocked_host_gets_the_page_before_it_is_looked_up),
        T(policy_is_asked_with_what_the_client_sent),
        T(a_blocked_url_leaves_the_rest_of_its_host_alone),
        T(a_logged_host_is_recorded_and_passed_on),
        T(an_address_of_the_origin_is_logged_once_and_passed_on),
        T(a_blocked_address_stops_the_request_before_it_is_dialled),
        T(a_literal_address_is_judged_as_an_address_too),
        T(a_post_to_a_blocked_host_is_answered_at_once_and_its_body_not_kept),
        CLOSED(without_a_login_everything_is_407),
        CLOSED(a_right_login_opens_the_proxy_and_goes_no_further),
        CLOSED(a_guesser_is_429_after_ten_guesses),
        CLOSED(a_client_that_goes_while_its_password_is_checked_is_forgotten),
        T(a_name_without_address_is_502_and_a_silent_resolver_504),
        T(an_answer_of_the_resolver_may_come_later),
        T(a_client_that_goes_cancels_its_lookup),
        T(a_host_that_is_an_alias_of_a_blocked_name_is_blocked),
        T(a_tunnel_to_an_alias_of_a_blocked_name_is_refused_late_as_well),
        T(every_alias_of_the_longest_answer_is_judged),
        T(a_blocked_alias_without_an_address_is_a_contact_too),
        T(an_alias_that_is_only_logged_is_recorded_once_and_passed_on),
        T(the_aliases_of_a_host_that_a_list_allows_are_not_judged),
        T(a_request_after_an_exempt_one_is_judged_again),
        T(one_empty_line_before_a_request_is_ignored_and_two_are_not),
        T(h15_a_request_that_comes_back_is_508),
        T(the_answer_to_a_head_has_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
