#include "fixture.h"

#include <string.h>

#include "net/socket.h"

static const char *const get = "GET http://a.test:%P/ HTTP/1.1\r\nHost: a.test\r\n\r\n";

static void one_client_too_many_is_turned_away(void **state)
{
    struct fixture *f = *state;
    f->max_clients = 2;
    fixture_open(f);
    struct peer *first = new_client(f), *second = new_client(f);
    assert_open(f, first);
    struct peer *third = new_client(f);
    wait_for(f, third, "HTTP/1.1 503 ");
    assert_true(has(third, "Retry-After: "));
    assert_true(has(third, "error=connection_limit_reached"));
    wait_closed(f, third);
    assert_open(f, second);
    hang_up(first);
    settle(f);
    struct peer *fourth = new_client(f);
    assert_open(f, fourth);
}

static void one_address_has_a_share_of_its_own(void **state)
{
    struct fixture *f = *state;
    f->max_clients_per_address = 1;
    fixture_open(f);
    struct peer *first = new_client(f);
    assert_open(f, first);
    wait_for(f, new_client(f), "HTTP/1.1 503 ");
    assert_open(f, new_client_from(f, 0x7f000005));
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 1);
}

static void a_tunnel_counts_as_its_client(void **state)
{
    struct fixture *f = *state;
    f->max_clients_per_address = 1;
    fixture_open(f);
    struct peer *client = ask(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, client, " 200 ");
    wait_for(f, new_client(f), "HTTP/1.1 503 ");
    hang_up_hard(client);
    settle(f);
    assert_open(f, new_client(f));
}

static void those_who_do_not_hang_up_count_until_they_are_gone(void **state)
{
    enum { LIMIT = 4 };
    struct fixture *f = *state;
    f->max_clients_per_address = LIMIT;
    fixture_open(f);
    clock_fake(1000, 0);
    for (int i = 0; i < LIMIT; i++) {
        struct peer *client = ask(f, "nonsense\r\n\r\n");
        wait_for(f, client, "HTTP/1.1 400 ");
        wait_closed(f, client);
    }
    wait_for(f, new_client(f), "HTTP/1.1 503 ");
    assert_true(proxy_server_idle(f->proxy));
    clock_fake_advance(2001);
    settle(f);
    assert_open(f, new_client(f));
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 1);
    wait_closed(f, ask(f, "nonsense\r\n\r\n")); /* lingers when the proxy goes */
}

static void a_tunnel_that_ended_counts_until_its_client_is_gone(void **state)
{
    struct fixture *f = *state;
    f->max_clients_per_address = 1;
    fixture_open(f);
    struct peer *client = ask(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(f, client, " 200 ");
    hang_up_hard(accept_origin(f));
    wait_closed(f, client);
    wait_for(f, new_client(f), "HTTP/1.1 503 ");
    hang_up(client);
    settle(f);
    assert_open(f, new_client(f));
}

static void a_drain_ends_what_is_idle_and_lets_the_rest_finish(void **state)
{
    struct fixture *f = *state;
    struct peer *idle = new_client(f), *busy = ask(f, get);
    struct peer *origin = accept_origin(f);
    wait_for(f, origin, "\r\n\r\n");
    proxy_server_drain(f->proxy);
    wait_closed(f, idle);
    assert_open(f, busy);
    assert_false(proxy_server_idle(f->proxy));
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    wait_for(f, busy, "hello");
    assert_true(has(busy, "Connection: close\r\n"));
    wait_closed(f, busy);
    settle(f);
    assert_true(proxy_server_idle(f->proxy));
}

static void a_close_with_everything_under_way_frees_it_all(void **state)
{
    struct fixture *f = *state;
    ask(f, get);
    struct peer *origin = accept_origin(f);
    say(f, origin, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\nhello");
    ask(f, "CONNECT a.test:%P HTTP/1.1\r\nHost: x\r\n\r\n");
    accept_origin(f);
    ask(f, "POST http://b.test:%P/ HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nx");
    accept_origin(f);
    ask(f, "GET http://part");
    f->lookup_late = true;
    ask(f, get);
    settle(f);
    proxy_server_close(f->proxy);
    f->proxy = NULL;
    assert_int_equal(f->cancels, 1);
}

/* The proxy listens at an address of this machine that others could reach, and is called from there. */
static void a_client_that_is_not_allowed_is_closed_at_accept(void **state)
{
    struct fixture *f = *state;
    struct addr far = addr_v4(0xcb007101, 9), own = socket_local_towards(&far);
    if (addr_is_unspecified(&own) || addr_is_loopback(&own))
        skip();
    struct network others, same = {.prefix = 128};
    assert_int_equal(network_parse(STR("203.0.113.0/24"), &others), ST_OK);
    memcpy(same.ip, own.ip, sizeof same.ip);
    own.port = 0;
    f->settings.listen = &own;
    f->settings.allow_clients = &others;
    f->settings.allow_client_count = 1;
    fixture_open(f);
    struct peer *stranger = ask(f, get);
    wait_closed(f, stranger);
    assert_int_equal(stranger->got.length, 0);
    assert_no_origin(f);
    assert_int_equal(proxy_server_counters(f->proxy)->refused, 1);
    assert_int_equal(proxy_server_counters(f->proxy)->requests, 0);
    proxy_server_close(f->proxy);
    f->settings.allow_clients = &same;
    fixture_open(f);
    struct peer *friend = ask(f, get);
    wait_for(f, accept_origin(f), "GET / ");
    assert_open(f, friend);
}

static void a_port_in_use_is_a_failure_and_not_a_crash(void **state)
{
    struct fixture *f = *state;
    struct addr taken = addr_v4(0x7f000001, f->origin_port);
    struct fault fault = {0};
    f->settings.listen = &taken;
    struct proxy_server *server = NULL;
    assert_int_equal(proxy_server_open(f->loop, &f->settings, &f->judge, &f->resolver, &server, &fault), ST_BUSY);
    assert_null(server);
    assert_true(strlen(fault.text) > 0);
}

#define T(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, set_up_closed, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(one_client_too_many_is_turned_away),
        CLOSED(one_address_has_a_share_of_its_own),
        CLOSED(a_tunnel_counts_as_its_client),
        CLOSED(those_who_do_not_hang_up_count_until_they_are_gone),
        CLOSED(a_tunnel_that_ended_counts_until_its_client_is_gone),
        T(a_drain_ends_what_is_idle_and_lets_the_rest_finish),
        T(a_close_with_everything_under_way_frees_it_all),
        CLOSED(a_client_that_is_not_allowed_is_closed_at_accept),
        CLOSED(a_port_in_use_is_a_failure_and_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
