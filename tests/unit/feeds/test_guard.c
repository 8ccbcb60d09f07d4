#include "feed_test.h"

#include "feeds/guard.h"
#include "feeds/normal.h"

static enum skip network_guard(const char *text)
{
    struct network network;
    assert_int_equal(normal_network(str_of(text), &network), SKIP_NOT);
    return guard_network(&network);
}

static void addresses_that_are_no_malwares_are_held_back(void **state)
{
    static const char *const special[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0/8",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.0.0/16",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "255.255.255.255",
        "192.0.0.0/8",
        "172.0.0.0/8",
        "::",
        "::1",
        "fe80::1",
        "fc00::/19",
        "fd00::1",
        "ff02::1",
        "64:ff9b::/96",
        "::ffff:10.0.0.1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        assert_int_equal(network_guard(special[i]), SKIP_SPECIAL_ADDRESS);
}

static void other_addresses_pass(void **state)
{
    static const char *const fine[] = {
        "1.2.3.4",        "9.255.255.255", "11.0.0.0",   "100.63.255.255",  "100.128.0.0",
        "126.0.0.1",      "128.0.0.1",     "172.15.0.1", "172.32.0.1",      "192.167.1.1",
        "192.169.0.0/16", "198.17.0.1",    "198.20.0.1", "223.255.255.255", "192.0.2.1",
        "8.0.0.0/8",      "2001:db8::1",   "2600::/19",  "::ffff:1.2.3.4",  "203.0.113.0/24",
    };
    (void)state;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
        assert_int_equal(network_guard(fine[i]), SKIP_NOT);
}

static bool is_wide(const char *text)
{
    struct network network;
    assert_int_equal(normal_network(str_of(text), &network), SKIP_NOT);
    return guard_network_is_wide(&network);
}

static void no_list_means_a_network_wider_than_8_or_19_of_ipv6(void **state)
{
    (void)state;
    assert_true(is_wide("8.0.0.0/7"));
    assert_true(is_wide("32.0.0.0/3"));
    assert_true(is_wide("2600::/18"));
    assert_false(is_wide("8.0.0.0/8"));
    assert_false(is_wide("2600::/19"));
    assert_false(is_wide("192.0.2.1"));
    assert_int_equal(network_guard("8.0.0.0/7"), SKIP_NOT);
    assert_int_equal(network_guard("128.0.0.0/1"), SKIP_SPECIAL_ADDRESS);
    assert_int_equal(network_guard("0.0.0.0/2"), SKIP_SPECIAL_ADDRESS);
    assert_int_equal(network_guard("2000::/3"), SKIP_NOT);
    assert_int_equal(network_guard("2000::/2"), SKIP_SPECIAL_ADDRESS);
}

static void the_machines_own_names_are_held_back(void **state)
{
    static const struct {
        const char *name;
        enum skip skip;
    } names[] = {
        {"localhost", SKIP_LOCAL_NAME},
        {"x.localhost", SKIP_LOCAL_NAME},
        {"localhost.localdomain", SKIP_LOCAL_NAME},
        {"localhost.example.com", SKIP_NOT},
        {"xlocalhost.example", SKIP_NOT},
        {"example.com", SKIP_NOT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct dname name;
        assert_int_equal(dname_from_text(str_of(names[i].name), &name), ST_OK);
        assert_int_equal(guard_name(&name), names[i].skip);
    }
}

static void addresses_for_documentation_are_known(void **state)
{
    static const char *const known[] = {"192.0.2.1", "198.51.100.255", "203.0.113.0", "2001:db8::1"};
    static const char *const others[] = {"192.0.3.1", "198.51.101.1", "203.0.112.1", "2001:db9::1", "::1", "1.1.1.1"};
    struct addr addr;
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_int_equal(addr_parse_ip(str_of(known[i]), &addr), ST_OK);
        assert_true(guard_is_documentation(&addr));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(addr_parse_ip(str_of(others[i]), &addr), ST_OK);
        assert_false(guard_is_documentation(&addr));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_are_no_malwares_are_held_back),
        cmocka_unit_test(other_addresses_pass),
        cmocka_unit_test(no_list_means_a_network_wider_than_8_or_19_of_ipv6),
        cmocka_unit_test(the_machines_own_names_are_held_back),
        cmocka_unit_test(addresses_for_documentation_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
