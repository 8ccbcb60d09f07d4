#include "proxy/egress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct addr ip(const char *text, uint16_t port)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    addr.port = port;
    return addr;
}

static struct network net(const char *text)
{
    struct network network;
    assert_int_equal(network_parse(str_of(text), &network), ST_OK);
    return network;
}

static struct addr this_machine, elsewhere; /* clients */

static int set_up(void **state)
{
    (void)state;
    this_machine = ip("127.0.0.1", 50000);
    elsewhere = ip("192.168.1.7", 50000);
    return 0;
}

static void expect_for(const struct egress *egress, const struct addr *client, const char *text, bool allowed)
{
    struct addr addr = ip(text, 80);
    if (egress_allows(egress, client, &addr) != allowed)
        fail_msg("%s should be %s", text, allowed ? "allowed" : "refused");
}

static void expect(const struct egress *egress, const char *text, bool allowed)
{
    expect_for(egress, &this_machine, text, allowed);
}

/* H19 */
static void what_is_this_machines_or_the_links_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "192.0.0.192",
        "::",
        "::1",
        "fe80::1",
        "febf:ffff::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::5",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1:7f00:0:100::",
        "64:ff9b:1::127.0.0.1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::",
        "2001:0:7f00:1::",
        "2001:0:808:808::80ff:fffe",
    };
    struct egress egress = {0};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        expect(&egress, refused[i], false);
}

static void the_rest_of_the_world_is_allowed(void **state)
{
    (void)state;
    static const char *const allowed[] = {
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "192.0.1.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1",
        "fbff::1",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2001:db8::1",
        "2001:0:808:808::f7f7:f7f7",
    };
    struct egress egress = {.private = EGRESS_NOBODY};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        expect(&egress, allowed[i], true);
}

static const char *const private_addresses[] = {
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.8",
    "198.18.0.1",
    "198.19.255.255",
    "fc00::1",
    "fd12:3456::1",
    "64:ff9b::a00:1",
    "::ffff:10.0.0.1",
    "::192.168.1.1",
    "2002:a00:1::",
    "2001:0:808:808::f5ff:fffe",

    "::ffff:0:c0a8:101",
};

/* H19 */
static void private_networks_are_this_machines_to_reach_in_all_spellings(void **state)
{
    (void)state;
    struct egress egress = {0};
    for (size_t i = 0; i < sizeof private_addresses / sizeof *private_addresses; i++) {
        expect_for(&egress, &this_machine, private_addresses[i], true);
        expect_for(&egress, &elsewhere, private_addresses[i], false);
    }
}

static void private_networks_are_for_everyone_or_nobody_where_it_is_said(void **state)
{
    (void)state;
    struct egress everyone = {.private = EGRESS_EVERYONE}, nobody = {.private = EGRESS_NOBODY};
    for (size_t i = 0; i < sizeof private_addresses / sizeof *private_addresses; i++) {
        expect_for(&everyone, &this_machine, private_addresses[i], true);
        expect_for(&everyone, &elsewhere, private_addresses[i], true);
        expect_for(&nobody, &this_machine, private_addresses[i], false);
        expect_for(&nobody, &elsewhere, private_addresses[i], false);
    }
    expect_for(&everyone, &elsewhere, "127.0.0.1", false);
    expect_for(&everyone, &elsewhere, "169.254.169.254", false);
    expect_for(&everyone, &elsewhere, "100.100.100.200", false);
    expect_for(&everyone, &elsewhere, "192.0.0.192", false);
    expect_for(&everyone, &elsewhere, "fd00:ec2::254", false);
}

static void a_private_network_can_be_opened_by_itself(void **state)
{
    (void)state;
    struct network networks[] = {net("192.168.1.0/24"), net("fd12::/16")};
    struct egress egress = {.private = EGRESS_NOBODY, .allowed = networks, .allowed_count = 2};
    expect_for(&egress, &elsewhere, "192.168.1.1", true);
    expect_for(&egress, &elsewhere, "64:ff9b::c0a8:101", true);
    expect_for(&egress, &elsewhere, "192.168.2.1", false);
    expect_for(&egress, &elsewhere, "fd12::1", true);
    expect_for(&egress, &elsewhere, "fd13::1", false);
}

static void a_network_that_is_allowed_opens_that_network_alone(void **state)
{
    (void)state;
    struct network networks[] = {net("127.0.0.0/8"), net("fe80::/10")};
    struct egress egress = {.allowed = networks, .allowed_count = 2};
    expect(&egress, "127.0.0.1", true);
    expect(&egress, "127.9.9.9", true);
    expect(&egress, "fe80::1", true);
    expect(&egress, "::1", false);
    expect(&egress, "169.254.169.254", false);
    expect(&egress, "224.0.0.1", false);
}

static void an_own_listener_is_refused_even_where_its_network_is_allowed(void **state)
{
    (void)state;
    struct network loopback = net("127.0.0.0/8");
    struct addr own[] = {ip("127.0.0.1", 3128), ip("192.168.1.5", 53)};
    struct egress egress = {.allowed = &loopback, .allowed_count = 1, .own = own, .own_count = 2};
    struct addr proxy = ip("127.0.0.1", 3128), other_port = ip("127.0.0.1", 80), other_ip = ip("127.0.0.2", 3128);
    struct addr dns = ip("192.168.1.5", 53), inside = ip("64:ff9b::c0a8:105", 53);
    assert_false(egress_allows(&egress, &this_machine, &proxy));
    assert_true(egress_allows(&egress, &this_machine, &other_port));
    assert_true(egress_allows(&egress, &this_machine, &other_ip));
    assert_false(egress_allows(&egress, &this_machine, &dns));
    assert_false(egress_allows(&egress, &this_machine, &inside));
}

static void a_listener_on_every_address_covers_this_machines_addresses(void **state)
{
    (void)state;
    struct network loopback = net("127.0.0.0/8");
    struct addr own = ip("0.0.0.0", 3128);
    struct egress egress = {.allowed = &loopback, .allowed_count = 1, .own = &own, .own_count = 1};
    struct addr here = ip("127.0.0.1", 3128), there = ip("192.0.2.77", 3128), other_port = ip("127.0.0.1", 3129);
    assert_false(egress_allows(&egress, &this_machine, &here));
    assert_true(egress_allows(&egress, &this_machine, &there));
    assert_true(egress_allows(&egress, &this_machine, &other_port));
}

static void port_0_is_refused(void **state)
{
    (void)state;
    struct egress egress = {0};
    struct addr addr = ip("1.1.1.1", 0);
    assert_false(egress_allows(&egress, &this_machine, &addr));
}

static void connect_ports_are_those_of_the_list(void **state)
{
    (void)state;
    uint16_t ports[] = {443, 8443};
    struct egress egress = {.connect_ports = ports, .connect_port_count = 2};
    assert_true(egress_allows_connect_port(&egress, 443));
    assert_true(egress_allows_connect_port(&egress, 8443));
    assert_false(egress_allows_connect_port(&egress, 22));
    assert_false(egress_allows_connect_port(&egress, 0));
}

/* H19 */
static void hosts_that_some_take_for_addresses_are_no_hosts(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "127.1",       "127.0.1", "2130706433", "0x7f000001", "0x7f.1",    "0x7f.0.0.0x1", "0177.0.0.1",   "127.0.0.01",
        "0x",          "a.0x",    "1",          "0",          "1.2.3.4.5", "256.1.1.1",    "127.0.0.1.",   "127.1.",
        "a.test.1",    "a.0x7F",  "4294967295", "",           ".",         "..",           "a..b",         ".a",
        "a%2eb",       "a b",     "a@b",        "a:b",        "[::1",      "[127.0.0.1]",  "[::1%25eth0]", "a\\b",
        "caf\xc3\xa9", "a/b",     "a,b",        "a*b",        "~a",
    };
    struct addr addr;
    struct dname name;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (egress_parse_host(str_of(odd[i]), &addr, &name) == ST_OK)
            fail_msg("\"%s\" was taken", odd[i]);
}

static void names_and_canonical_addresses_are_hosts(void **state)
{
    (void)state;
    static const char *const names[] = {"a",   "a.test", "A.Test.", "_x.a-b.test",
                                        "1.a", "1a",     "0x7fg",   "xn--caf-dma.fr"};
    static const char *const addresses[] = {"1.2.3.4", "127.0.0.1", "[::1]", "[2001:db8::1]", "[::ffff:1.2.3.4]"};
    struct addr addr;
    struct dname name;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(egress_parse_host(str_of(names[i]), &addr, &name), ST_OK);
        assert_true(name.length > 1);
    }
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        assert_int_equal(egress_parse_host(str_of(addresses[i]), &addr, &name), ST_OK);
        assert_int_equal(name.length, 0);
    }
}

/* What no list foresees: every IPv4 address is judged the same in all its forms. */
static void every_form_of_an_address_gets_the_same_answer(void **state)
{
    (void)state;
    struct egress egress = {.private = EGRESS_NOBODY};
    for (uint32_t high = 0; high < 256; high++) {
        struct addr plain = addr_v4(high << 24 | 0x010203, 80);
        uint8_t *a = &plain.ip[12];
        struct addr nat64 = {.ip = {0, 0x64, 0xff, 0x9b, [12] = a[0], a[1], a[2], a[3]}, .port = 80};
        struct addr sixtofour = {.ip = {0x20, 2, a[0], a[1], a[2], a[3]}, .port = 80};
        struct addr teredo = {.ip = {0x20, 1, 0, 0, 8, 8, 8, 8, 0, 0, 0, 0, (uint8_t)~a[0], (uint8_t)~a[1],
                                     (uint8_t)~a[2], (uint8_t)~a[3]},
                              .port = 80};
        bool allowed = egress_allows(&egress, &this_machine, &plain);
        assert_int_equal(egress_allows(&egress, &this_machine, &nat64), allowed);
        assert_int_equal(egress_allows(&egress, &this_machine, &sixtofour), allowed);
        assert_int_equal(egress_allows(&egress, &this_machine, &teredo), allowed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_this_machines_or_the_links_is_refused, set_up),
        cmocka_unit_test_setup(the_rest_of_the_world_is_allowed, set_up),
        cmocka_unit_test_setup(private_networks_are_this_machines_to_reach_in_all_spellings, set_up),
        cmocka_unit_test_setup(private_networks_are_for_everyone_or_nobody_where_it_is_said, set_up),
        cmocka_unit_test_setup(a_private_network_can_be_opened_by_itself, set_up),
        cmocka_unit_test_setup(a_network_that_is_allowed_opens_that_network_alone, set_up),
        cmocka_unit_test_setup(an_own_listener_is_refused_even_where_its_network_is_allowed, set_up),
        cmocka_unit_test_setup(a_listener_on_every_address_covers_this_machines_addresses, set_up),
        cmocka_unit_test_setup(port_0_is_refused, set_up),
        cmocka_unit_test_setup(connect_ports_are_those_of_the_list, set_up),
        cmocka_unit_test_setup(hosts_that_some_take_for_addresses_are_no_hosts, set_up),
        cmocka_unit_test_setup(names_and_canonical_addresses_are_hosts, set_up),
        cmocka_unit_test_setup(every_form_of_an_address_gets_the_same_answer, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
