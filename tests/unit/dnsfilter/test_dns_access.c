#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsfilter/dns_access.h"

static enum dns_standing standing(const char *network, const char *client)
{
    struct network allow;
    struct addr addr;
    assert_int_equal(network_parse(str_of(network), &allow), ST_OK);
    assert_int_equal(addr_parse_ip(str_of(client), &addr), ST_OK);
    return dns_access_standing(&allow, 1, &addr);
}

static void d50_who_is_of_no_network_is_a_stranger(void **state)
{
    (void)state;
    assert_int_equal(standing("192.168.0.0/16", "192.167.255.255"), DNS_STRANGER);
    assert_int_equal(standing("192.168.0.0/16", "::1:2"), DNS_STRANGER);
    assert_int_equal(standing("2001:db8::/32", "2001:db9::1"), DNS_STRANGER);
}

static void d50_this_machine_is_always_let_in(void **state)
{
    (void)state;
    assert_int_equal(standing("192.168.0.0/16", "127.0.0.1"), DNS_MACHINE);
    assert_int_equal(standing("192.168.0.0/16", "127.255.0.9"), DNS_MACHINE);
    assert_int_equal(standing("192.168.0.0/16", "::1"), DNS_MACHINE);
}

static void d49_addresses_of_the_internet_are_far_though_they_are_let_in(void **state)
{
    static const char *const near[] = {"10.1.2.3",    "172.31.255.255", "192.168.9.9",
                                       "169.254.1.1", "fd12::1",        "fe80::9"};
    static const char *const far[] = {"11.0.0.1",   "172.32.0.0",  "192.169.0.1",
                                      "100.64.0.1", "203.0.113.1", "2001:db8::1"};
    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        assert_int_equal(standing("::/0", near[i]), DNS_NEAR);
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
        assert_int_equal(standing("::/0", far[i]), DNS_FAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d50_who_is_of_no_network_is_a_stranger),
        cmocka_unit_test(d50_this_machine_is_always_let_in),
        cmocka_unit_test(d49_addresses_of_the_internet_are_far_though_they_are_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
