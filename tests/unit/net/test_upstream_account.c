#include "net/upstream_account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct upstream_address server_at(uint32_t ip)
{
    struct addr addr = addr_v4(ip, 53);
    return upstream_address_plain(&addr);
}

static void each_try_keeps_its_server_and_its_end(void **state)
{
    (void)state;
    static const char a, b;
    struct upstream_account account = {0};
    struct upstream_address first = server_at(0xc0000201), second = server_at(0xc0000202);
    upstream_account_asked(&account, &a, &first, 100);
    upstream_account_asked(&account, &b, &second, 150);
    upstream_account_ended(&account, &b, ST_OK, 3, 170);
    assert_int_equal(account.count, 2);
    assert_false(account.tries[0].ended);
    assert_true(account.tries[1].ended && upstream_address_equal(&account.tries[1].server, &second));
    assert_int_equal(account.tries[1].ended_ms - account.tries[1].asked_ms, 20);
    assert_int_equal(account.tries[1].rcode, 3);
}

static void of_two_tries_at_one_place_in_memory_the_newer_ends(void **state)
{
    (void)state;
    static const char a;
    struct upstream_account account = {0};
    struct upstream_address server = server_at(0xc0000201);
    upstream_account_asked(&account, &a, &server, 1);
    upstream_account_ended(&account, &a, ST_UNAVAILABLE, 0, 2);
    upstream_account_asked(&account, &a, &server, 3);
    upstream_account_ended(&account, &a, ST_OK, 0, 4);
    assert_int_equal(account.tries[0].status, ST_UNAVAILABLE);
    assert_int_equal(account.tries[1].status, ST_OK);
}

static void more_tries_than_fit_are_counted_alone(void **state)
{
    (void)state;
    static const char keys[ACCOUNT_MAX_TRIES + 4];
    struct upstream_account account = {0};
    struct upstream_address server = server_at(0xc0000201);
    for (size_t i = 0; i < sizeof keys; i++)
        upstream_account_asked(&account, &keys[i], &server, (int64_t)i);
    for (size_t i = 0; i < sizeof keys; i++)
        upstream_account_ended(&account, &keys[i], ST_OK, 0, 50);
    assert_int_equal(account.count, sizeof keys);
    for (size_t i = 0; i < ACCOUNT_MAX_TRIES; i++)
        assert_int_equal(account.tries[i].asked_ms, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_try_keeps_its_server_and_its_end),
        cmocka_unit_test(of_two_tries_at_one_place_in_memory_the_newer_ends),
        cmocka_unit_test(more_tries_than_fit_are_counted_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
