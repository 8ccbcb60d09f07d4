#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "dnsfilter/dns_rate.h"

enum { PER_S = 100, START_MS = 5000000 };

static int set_up(void **state)
{
    struct dns_rate *rate = malloc(sizeof *rate);
    assert_non_null(rate);
    assert_int_equal(dns_rate_init(rate, PER_S), ST_OK);
    *state = rate;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void d48_a_flood_gets_the_rate_and_half_of_the_rest_is_told(void **state)
{
    const struct addr from = addr_v4(0xcb007109, 53);
    unsigned counts[3] = {0};
    for (int ms = 0; ms < 10000; ms++) /* 10,000 a second for 10 s */
        for (int i = 0; i < 10; i++)
            counts[dns_rate_take(*state, &from, START_MS + ms)]++;
    assert_in_range(counts[DNS_RATE_ANSWER], 10 * PER_S, 11 * PER_S); /* and what a second gives at once */
    assert_in_range(counts[DNS_RATE_SLIP] - counts[DNS_RATE_DROP] + 1, 0, 2);
}

static void d48_a_network_that_floods_takes_nothing_from_others(void **state)
{
    struct dns_rate *rate = *state;
    const struct addr bad = addr_v4(0xcb007109, 53);
    unsigned hurt = 0;
    for (int i = 0; i < 10000; i++)
        dns_rate_take(rate, &bad, START_MS);
    for (uint32_t i = 0; i < 1000; i++) {
        const struct addr good = addr_v4(0xc0000200 + (i << 8), 53);
        hurt += dns_rate_take(rate, &good, START_MS) != DNS_RATE_ANSWER;
    }
    assert_in_range(hurt, 0, 10); /* who shares its slot: one in 8192 */
}

static void d48_all_of_a_24_and_a_56_share(void **state)
{
    struct addr v6 = {.ip = {0x20, 1, 0xd, 0xb8, 0, 0, 1}};
    for (int i = 0; i < PER_S; i++) {
        const struct addr v4 = addr_v4(0xcb007100 + (unsigned)i, 53);
        v6.ip[7] = v6.ip[15] = (uint8_t)i;
        assert_int_equal(dns_rate_take(*state, &v4, START_MS), DNS_RATE_ANSWER);
        assert_int_equal(dns_rate_take(*state, &v6, START_MS), DNS_RATE_ANSWER);
    }
    const struct addr last = addr_v4(0xcb0071ff, 53);
    v6.ip[7] = 0xff;
    assert_int_equal(dns_rate_take(*state, &last, START_MS), DNS_RATE_SLIP);
    assert_int_equal(dns_rate_take(*state, &v6, START_MS), DNS_RATE_SLIP);
}

static void without_a_rate_there_is_no_limit(void **state)
{
    struct dns_rate *rate = *state;
    const struct addr from = addr_v4(0xcb007109, 53);
    assert_int_equal(dns_rate_init(rate, 0), ST_OK);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(dns_rate_take(rate, &from, START_MS), DNS_RATE_ANSWER);
}

int main(void)
{
#define RATE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RATE_TEST(d48_a_flood_gets_the_rate_and_half_of_the_rest_is_told),
        RATE_TEST(d48_a_network_that_floods_takes_nothing_from_others),
        RATE_TEST(d48_all_of_a_24_and_a_56_share),
        RATE_TEST(without_a_rate_there_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
