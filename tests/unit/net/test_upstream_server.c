#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/upstream_server.h"

static struct upstream_server new_server(void)
{
    struct upstream_server server;
    struct addr addr = addr_v4(0xc0000201, 53);
    struct upstream_address address = upstream_address_plain(&addr);
    upstream_server_init(&server, &address, NULL);
    return server;
}

static void two_failures_in_a_row_put_it_down(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    upstream_server_failed(&server, 1000);
    upstream_server_answered(&server, 10);
    upstream_server_failed(&server, 1000);
    assert_true(upstream_server_is_up(&server));
    assert_false(upstream_server_take_retry(&server, 100000));
    upstream_server_failed(&server, 1000);
    assert_false(upstream_server_is_up(&server));
    upstream_server_answered(&server, 10);
    assert_true(upstream_server_is_up(&server));
}

static void d20_it_is_looked_at_again_after_1_s_and_then_less_and_less_often(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct upstream_server server = new_server();
    int64_t now_ms = 5000;
    upstream_server_failed(&server, now_ms);
    upstream_server_failed(&server, now_ms);
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        assert_false(upstream_server_take_retry(&server, now_ms + waits_ms[i] - 1));
        now_ms += waits_ms[i];
        assert_true(upstream_server_take_retry(&server, now_ms));
        assert_false(upstream_server_take_retry(&server, now_ms)); /* one finds out for all */
        upstream_server_failed(&server, now_ms + 500);             /* it was silent again */
    }
    upstream_server_answered(&server, 10);
    upstream_server_failed(&server, now_ms);
    upstream_server_failed(&server, now_ms);
    assert_true(upstream_server_take_retry(&server, now_ms + 1000));
}

static void failures_of_queries_sent_before_do_not_count_twice(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    for (int i = 0; i < 50; i++)
        upstream_server_failed(&server, 1000);
    assert_true(upstream_server_take_retry(&server, 2000));
}

static void patience_follows_the_measured_time(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    assert_int_equal(upstream_server_patience_ms(&server, false, 1500), 400);
    assert_int_equal(upstream_server_patience_ms(&server, false, 150), 150);
    assert_int_equal(upstream_server_patience_ms(&server, true, 1500), 800);
    for (int i = 0; i < 50; i++)
        upstream_server_answered(&server, 5);
    assert_int_equal(upstream_server_patience_ms(&server, true, 1500), 210);
    assert_int_equal(upstream_server_patience_ms(&server, false, 1500), 200);
    for (int i = 0; i < 100; i++)
        upstream_server_answered(&server, i % 2 ? 300 : 340);
    assert_in_range(upstream_server_patience_ms(&server, false, 1500), 340, 440);
    for (int i = 0; i < 100; i++)
        upstream_server_answered(&server, 5000);
    assert_int_equal(upstream_server_patience_ms(&server, false, 1500), 1500);
}

static void d14_after_three_mismatches_it_loses_case_for_an_hour(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    upstream_server_lost_case(&server, 1000);
    upstream_server_lost_case(&server, 1000);
    assert_true(upstream_server_mixes_case(&server, 1000));
    upstream_server_lost_case(&server, 1000);
    assert_false(upstream_server_mixes_case(&server, 1000 + 3600 * 1000 - 1));
    assert_true(upstream_server_mixes_case(&server, 1000 + 3600 * 1000));
    upstream_server_lost_case(&server, 4000000);
    assert_false(upstream_server_mixes_case(&server, 4000000));
}

static void d30_without_edns_only_once_cookies_did_not_do(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    assert_true(upstream_server_takes_cookies(&server, 0));
    upstream_server_refused_edns(&server, 0);
    assert_false(upstream_server_takes_cookies(&server, 0));
    assert_true(upstream_server_takes_edns(&server, 0));
    upstream_server_refused_edns(&server, 0);
    assert_false(upstream_server_takes_edns(&server, 3600 * 1000 - 1));
    assert_true(upstream_server_takes_edns(&server, 3600 * 1000));
    assert_true(upstream_server_takes_cookies(&server, 3600 * 1000));
}

static void a_client_cookie_belongs_to_one_pair_of_addresses(void **state)
{
    (void)state;
    struct upstream_server server = new_server(), twin = new_server(), other = new_server();
    struct addr local = addr_v4(0xc0000209, 4000), moved = addr_v4(0xc0000210, 4000);
    other.address.addr = addr_v4(0xc0000202, 53);
    const struct query_cookie *cookie = upstream_server_cookie(&server, &local);
    assert_int_equal(cookie->length, CLIENT_COOKIE_BYTES);
    struct query_cookie first = *cookie;
    local.port = 5000;
    assert_memory_equal(upstream_server_cookie(&server, &local)->bytes, first.bytes, CLIENT_COOKIE_BYTES);
    assert_memory_equal(upstream_server_cookie(&twin, &local)->bytes, first.bytes, CLIENT_COOKIE_BYTES);
    assert_memory_not_equal(upstream_server_cookie(&other, &local)->bytes, first.bytes, CLIENT_COOKIE_BYTES);
    assert_true(upstream_server_knows_cookie(&server, first.bytes));
    assert_false(upstream_server_knows_cookie(&other, first.bytes));
    assert_memory_not_equal(upstream_server_cookie(&server, &moved)->bytes, first.bytes, CLIENT_COOKIE_BYTES);
}

static void a_server_cookie_is_kept_until_our_address_changes(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    struct addr local = addr_v4(0xc0000209, 0), moved = addr_v4(0xc0000210, 0);
    struct query_cookie cookie = *upstream_server_cookie(&server, &local), stranger;
    memset(cookie.bytes + CLIENT_COOKIE_BYTES, 7, 16);
    cookie.length = 24;
    upstream_server_take_cookie(&server, &cookie);
    assert_int_equal(upstream_server_cookie(&server, &local)->length, 24);
    assert_memory_equal(upstream_server_cookie(&server, &local)->bytes, cookie.bytes, 24);
    stranger = cookie;
    stranger.bytes[0] ^= 1;
    upstream_server_take_cookie(&server, &stranger);
    upstream_server_take_cookie(&server, &(struct query_cookie){.length = 0});
    assert_memory_equal(upstream_server_cookie(&server, &local)->bytes, cookie.bytes, 24);
    assert_int_equal(upstream_server_cookie(&server, &moved)->length, CLIENT_COOKIE_BYTES);
    upstream_server_take_cookie(&server, &cookie); /* an answer to a query from before */
    assert_int_equal(upstream_server_cookie(&server, &moved)->length, CLIENT_COOKIE_BYTES);
}

static void a_server_that_forgets_its_cookies_gets_none_for_an_hour(void **state)
{
    (void)state;
    struct upstream_server server = new_server();
    struct addr local = addr_v4(0xc0000209, 0);
    struct query_cookie cookie = *upstream_server_cookie(&server, &local);
    cookie.length = 16;
    for (int i = 0; i < 5; i++) {
        upstream_server_lost_cookie(&server, 0);
        upstream_server_lost_cookie(&server, 0);
        upstream_server_take_cookie(&server, &cookie);
    }
    assert_true(upstream_server_takes_cookies(&server, 0));
    for (int i = 0; i < 3; i++)
        upstream_server_lost_cookie(&server, 0);
    assert_false(upstream_server_takes_cookies(&server, 3600 * 1000 - 1));
    assert_true(upstream_server_takes_cookies(&server, 3600 * 1000));
    assert_int_equal(upstream_server_cookie(&server, &local)->length, CLIENT_COOKIE_BYTES);
}

static void a_cookie_that_is_forgotten_is_drawn_anew_but_one_that_is_not_taken_stays_so(void **state)
{
    (void)state;
    struct addr remote = addr_v4(0xc0000201, 53), local = addr_v4(0xc0000209, 0);
    struct upstream_address address = upstream_address_plain(&remote);
    struct upstream_server server;
    upstream_server_init(&server, &address, NULL);
    struct query_cookie cookie = *upstream_server_cookie(&server, &local);
    cookie.length = 16;
    upstream_server_take_cookie(&server, &cookie);
    assert_int_equal(upstream_server_cookie(&server, &local)->length, 16);
    upstream_server_forget_cookie(&server);
    assert_int_equal(upstream_server_cookie(&server, &local)->length, CLIENT_COOKIE_BYTES);
    for (int i = 0; i < 3; i++)
        upstream_server_lost_cookie(&server, 0);
    upstream_server_forget_cookie(&server);
    assert_false(upstream_server_takes_cookies(&server, 1000));
}

static void d37_authentic_data_is_believed_by_an_encrypted_or_local_way_alone(void **state)
{
    static const struct {
        const char *address;
        bool kept;
    } ways[] = {{"192.0.2.1", false},        {"tcp://[2001:db8::1]", false}, {"127.0.0.53", true},
                {"tcp://[::1]", true},       {"tls://192.0.2.1", true},      {"https://192.0.2.1/dns-query", true},
                {"tls://dns.example", true}, {"10.0.0.1:5353", false}};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct upstream_address address;
        struct upstream_server server = new_server();
        uint8_t reply[DNS_HEADER_BYTES] = {0, 1, 0x81, 0xa0};
        assert_int_equal(upstream_address_parse(str_of(ways[i].address), &address, NULL), ST_OK);
        server.address = address;
        upstream_server_limit_trust(&server, reply);
        assert_int_equal(reply[3], ways[i].kept ? 0xa0 : 0x80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_failures_in_a_row_put_it_down),
        cmocka_unit_test(d20_it_is_looked_at_again_after_1_s_and_then_less_and_less_often),
        cmocka_unit_test(failures_of_queries_sent_before_do_not_count_twice),
        cmocka_unit_test(patience_follows_the_measured_time),
        cmocka_unit_test(d14_after_three_mismatches_it_loses_case_for_an_hour),
        cmocka_unit_test(d30_without_edns_only_once_cookies_did_not_do),
        cmocka_unit_test(a_client_cookie_belongs_to_one_pair_of_addresses),
        cmocka_unit_test(a_server_cookie_is_kept_until_our_address_changes),
        cmocka_unit_test(a_server_that_forgets_its_cookies_gets_none_for_an_hour),
        cmocka_unit_test(a_cookie_that_is_forgotten_is_drawn_anew_but_one_that_is_not_taken_stays_so),
        cmocka_unit_test(d37_authentic_data_is_believed_by_an_encrypted_or_local_way_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
