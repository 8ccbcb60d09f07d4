#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "base/addr.h"

static struct addr ip(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    return addr;
}

static void addresses_come_back_in_their_canonical_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"[::1]", "::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[ADDR_TEXT_SIZE];
        struct addr addr = ip(cases[i].text);
        addr_format_ip(&addr, out);
        assert_string_equal(out, cases[i].canonical);
        assert_int_equal(addr.port, 0);
    }
}

static void malformed_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "0x7f.0.0.1",
        "2130706433",
        "::g",
        "[1.2.3.4]",
        "[::1",
        "::1]",
        "[]",
        "fe80::1%1",
        "1::2::3",
        "12345::",
        "[[::1]]",
        "::1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23",
    };
    struct addr addr;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (addr_parse_ip(str_of(texts[i]), &addr) != ST_INVALID)
            fail_msg("taken: %s", texts[i]);
    assert_int_equal(addr_parse_ip((struct str){"1.2.3.4\0x", 9}, &addr), ST_INVALID);
    assert_int_equal(addr_parse_ip((struct str){0}, &addr), ST_INVALID);
}

static void ports_are_read_with_the_address(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint16_t default_port;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"192.0.2.1:53", 0, "192.0.2.1:53"},
        {"[2001:db8::1]:53", 0, "[2001:db8::1]:53"},
        {"192.0.2.1", 53, "192.0.2.1:53"},
        {"2001:db8::1", 53, "[2001:db8::1]:53"},
        {"[::1]", 53, "[::1]:53"},
        {"1.2.3.4:65535", 0, "1.2.3.4:65535"},
        {"192.0.2.1", 0, NULL},
        {"[::1]", 0, NULL},
        {"192.0.2.1:", 53, NULL},
        {"192.0.2.1:65536", 53, NULL},
        {"192.0.2.1:+53", 53, NULL},
        {"192.0.2.1:053", 53, NULL},
        {":53", 53, NULL},
        {"[::1]53", 53, NULL},
        {"", 53, NULL},
        {"[::1]:", 53, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct addr addr;
        char out[ADDR_TEXT_SIZE];
        enum status status = addr_parse(str_of(cases[i].text), cases[i].default_port, &addr);
        if (status != (cases[i].expected ? ST_OK : ST_INVALID))
            fail_msg("status %d for: %s", status, cases[i].text);
        if (!cases[i].expected)
            continue;
        addr_format(&addr, out);
        assert_string_equal(out, cases[i].expected);
    }
}

static void sockaddrs_come_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.1:53", "[2001:db8::1]:65535"};
    for (size_t i = 0; i < 2; i++) {
        struct addr addr, again;
        struct sockaddr_storage storage;
        assert_int_equal(addr_parse(str_of(texts[i]), 0, &addr), ST_OK);
        socklen_t n = addr_to_sockaddr(&addr, &storage);
        assert_int_equal(storage.ss_family, i ? AF_INET6 : AF_INET);
        assert_int_equal(n, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        assert_true(addr_from_sockaddr((struct sockaddr *)&storage, &again));
        assert_true(addr_same_ip(&addr, &again));
        assert_int_equal(addr.port, again.port);
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct addr addr;
    assert_false(addr_from_sockaddr((struct sockaddr *)&local, &addr));
}

static void kinds_of_addresses_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool v4, loopback, unspecified, link_local;
    } cases[] = {
        {"127.0.0.1", true, true, false, false},
        {"127.255.255.255", true, true, false, false},
        {"128.0.0.1", true, false, false, false},
        {"::1", false, true, false, false},
        {"::2", false, false, false, false},
        {"0.0.0.0", true, false, true, false},
        {"::", false, false, true, false},
        {"169.254.1.1", true, false, false, true},
        {"169.253.1.1", true, false, false, false},
        {"fe80::1", false, false, false, true},
        {"febf::1", false, false, false, true},
        {"fec0::1", false, false, false, false},
        {"::ffff:127.0.0.1", true, true, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct addr addr = ip(cases[i].text);
        assert_int_equal(addr_is_v4(&addr), cases[i].v4);
        assert_int_equal(addr_is_loopback(&addr), cases[i].loopback);
        assert_int_equal(addr_is_unspecified(&addr), cases[i].unspecified);
        assert_int_equal(addr_is_link_local(&addr), cases[i].link_local);
    }
    struct addr made = addr_v4(0xc0000201, 53), parsed = ip("192.0.2.1");
    assert_true(addr_same_ip(&made, &parsed));
    assert_int_equal(made.port, 53);
}

static void networks_come_back_and_hold_their_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical, *inside, *outside;
    } cases[] = {
        {"192.0.2.0/24", "192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.1", "192.0.2.1/32", "192.0.2.1", "192.0.2.2"},
        {"10.0.0.0/7", "10.0.0.0/7", "11.255.255.255", "12.0.0.0"},
        {"0.0.0.0/0", "0.0.0.0/0", "255.1.2.3", "2001:db8::1"},
        {"2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"::/0", "::/0", "192.0.2.1", NULL},
        {"::1", "::1/128", "::1", "::2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network network;
        char out[ADDR_TEXT_SIZE];
        assert_int_equal(network_parse(str_of(cases[i].text), &network), ST_OK);
        network_format(&network, out);
        assert_string_equal(out, cases[i].canonical);
        struct addr inside = ip(cases[i].inside);
        assert_true(network_contains(&network, &inside));
        if (!cases[i].outside)
            continue;
        struct addr outside = ip(cases[i].outside);
        assert_false(network_contains(&network, &outside));
    }
}

static void malformed_networks_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "/24",
        "192.0.2.0/",
        "192.0.2.0/33",
        "192.0.2.1/24",
        "2001:db8::/129",
        "2001:db8::1/64",
        "192.0.2.0/-1",
        "192.0.2.0/+24",
        "192.0.2.0/24/24",
        "192.0.2/24",
        "a/8",
    };
    struct network network;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (network_parse(str_of(texts[i]), &network) != ST_INVALID)
            fail_msg("taken: %s", texts[i]);
}

static void a_mask_clears_the_bits_past_its_prefix(void **state)
{
    (void)state;
    for (unsigned prefix = 0; prefix <= 128; prefix++) {
        uint8_t bytes[16];
        unsigned bits = 0;
        memset(bytes, 0xff, sizeof bytes);
        network_mask(bytes, (uint8_t)prefix);
        for (unsigned i = 0; i < 128; i++)
            if (bytes[i / 8] & 0x80 >> i % 8) {
                assert_true(i < prefix);
                bits++;
            }
        assert_int_equal(bits, prefix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_come_back_in_their_canonical_text),
        cmocka_unit_test(malformed_addresses_are_refused),
        cmocka_unit_test(ports_are_read_with_the_address),
        cmocka_unit_test(sockaddrs_come_back),
        cmocka_unit_test(kinds_of_addresses_are_told),
        cmocka_unit_test(networks_come_back_and_hold_their_addresses),
        cmocka_unit_test(malformed_networks_are_refused),
        cmocka_unit_test(a_mask_clears_the_bits_past_its_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
