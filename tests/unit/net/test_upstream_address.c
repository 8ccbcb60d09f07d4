#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/upstream_address.h"

static struct upstream_address parse(const char *text)
{
    struct upstream_address address;
    struct fault why = {0};
    if (upstream_address_parse(str_of(text), &address, &why) != ST_OK)
        fail_msg("%s: %s", text, why.text);
    return address;
}

static void expect_printed(const char *text, const char *printed)
{
    char out[UPSTREAM_TEXT_SIZE];
    struct upstream_address address = parse(text), again;
    upstream_address_format(&address, out);
    assert_string_equal(out, printed);
    again = parse(out);
    assert_true(upstream_address_equal(&address, &again));
}

static void plain_addresses_are_asked_by_udp_at_port_53(void **state)
{
    (void)state;
    expect_printed("192.0.2.1", "192.0.2.1:53");
    expect_printed("192.0.2.1:5300", "192.0.2.1:5300");
    expect_printed("udp://192.0.2.1", "192.0.2.1:53");
    expect_printed("UDP://[2001:db8::1]:5300", "[2001:db8::1]:5300");
    expect_printed("2001:db8::1", "[2001:db8::1]:53");
    assert_int_equal(parse("192.0.2.1").transport, UPSTREAM_UDP);
    assert_int_equal(parse("tcp://192.0.2.1").transport, UPSTREAM_TCP);
    expect_printed("tcp://192.0.2.1", "tcp://192.0.2.1");
    expect_printed("tcp://192.0.2.1:5300", "tcp://192.0.2.1:5300");
}

static void tls_has_a_name_an_address_or_both(void **state)
{
    (void)state;
    struct upstream_address address = parse("tls://192.0.2.1#Dns.Example.");
    assert_int_equal(address.transport, UPSTREAM_TLS);
    assert_int_equal(address.addr.port, 853);
    assert_string_equal(address.host, "dns.example");
    assert_false(upstream_address_is_named(&address));
    address = parse("tls://192.0.2.1");
    assert_string_equal(address.host, "");
    address = parse("tls://dns.example:8853");
    assert_true(upstream_address_is_named(&address));
    assert_int_equal(address.addr.port, 8853);
    expect_printed("tls://192.0.2.1#dns.example", "tls://192.0.2.1#dns.example");
    expect_printed("tls://[2001:db8::1]:853#a", "tls://[2001:db8::1]#a");
    expect_printed("tls://[2001:db8::1]:8853", "tls://[2001:db8::1]:8853");
    expect_printed("tls://dns.example", "tls://dns.example");
}

static void https_has_a_path(void **state)
{
    (void)state;
    struct upstream_address address = parse("https://dns.example/q?ct=1");
    assert_int_equal(address.transport, UPSTREAM_HTTPS);
    assert_int_equal(address.addr.port, 443);
    assert_string_equal(address.host, "dns.example");
    assert_string_equal(address.path, "/q?ct=1");
    expect_printed("https://dns.example", "https://dns.example/dns-query");
    expect_printed("https://dns.example/dns-query{?dns}", "https://dns.example/dns-query");
    expect_printed("https://dns.example:8443/", "https://dns.example:8443/");
    expect_printed("https://[2001:db8::1]:8443/q#dns.example", "https://[2001:db8::1]:8443/q#dns.example");
}

static void what_cannot_be_asked_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "cannot be asked"},
        {"0.0.0.0:53", "0.0.0.0:53 cannot be asked"},
        {"[::]:53", "cannot be asked"},
        {"192.0.2.1:0", "cannot be asked"},
        {"192.0.2.1:65536", "cannot be asked"},
        {"192.0.2.1:", "cannot be asked"},
        {"192.0.2.300", "cannot be asked"},
        {"192.0.2.1/24", "cannot be asked"},
        {"dns.example", "a name where an address must stand"},
        {"tcp://dns.example", "a name where an address must stand"},
        {"udp://192.0.2.1#dns.example", "a # where none belongs"},
        {"tls://dns.example#dns.example", "a # where none belongs"},
        {"tls://192.0.2.1#", "no host name behind the #"},
        {"tls://192.0.2.1#192.0.2.1", "no host name behind the #"},
        {"tls://192.0.2.1/x", "cannot be asked"},
        {"tls://-dns.example", "cannot be asked"},
        {"tls://dns-.example", "cannot be asked"},
        {"tls://dns..example", "cannot be asked"},
        {"tls://.", "cannot be asked"},
        {"tls://d\xc3\xbcns.example", "cannot be asked"},
        {"tls://dns.example:x", "cannot be asked"},
        {"http://dns.example/dns-query", "cannot be asked"},
        {"quic://192.0.2.1", "cannot be asked"},
        {"https:///dns-query", "cannot be asked"},
        {"https://dns.example/a b", "a path that is no path"},
        {"https://dns.example/\x01", "a path that is no path"},
        {"https://user@dns.example/", "cannot be asked"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct upstream_address address;
        struct fault why = {0};
        if (upstream_address_parse(str_of(bad[i].text), &address, &why) != ST_INVALID)
            fail_msg("'%s' was taken", bad[i].text);
        if (!strstr(why.text, bad[i].why) || !strstr(why.text, "write it like"))
            fail_msg("'%s': %s", bad[i].text, why.text);
    }
}

static void long_names_and_paths_have_a_bound(void **state)
{
    (void)state;
    struct upstream_address address;
    char text[800] = "tls://";
    for (int i = 0; i < 3; i++) {
        memset(text + strlen(text), 'a', 63);
        strncat(text, ".", 2);
    }
    strncat(text, "b", 2);
    size_t last = strlen(text);
    memset(text + last, 'b', 60); /* 253 in all */
    assert_int_equal(upstream_address_parse(str_of(text), &address, NULL), ST_OK);
    text[last + 60] = 'b';
    assert_int_equal(upstream_address_parse(str_of(text), &address, NULL), ST_INVALID);
    memset(text, 0, sizeof text);
    strncat(text, "https://dns.example/", 21);
    memset(text + 20, 'p', UPSTREAM_PATH_SIZE - 2);
    assert_int_equal(upstream_address_parse(str_of(text), &address, NULL), ST_OK);
    text[strlen(text)] = 'p';
    assert_int_equal(upstream_address_parse(str_of(text), &address, NULL), ST_INVALID);
    assert_int_equal(
        upstream_address_parse(STR("tls://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b"),
                               &address, NULL),
        ST_INVALID);
}

static void addresses_differ_by_each_of_their_parts(void **state)
{
    (void)state;
    static const char *const all[] = {"192.0.2.1",           "192.0.2.2",          "192.0.2.1:54",
                                      "tcp://192.0.2.1",     "tls://192.0.2.1",    "tls://192.0.2.1#a.example",
                                      "https://a.example/q", "https://a.example/r"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
            struct upstream_address a = parse(all[i]), b = parse(all[k]);
            assert_int_equal(upstream_address_equal(&a, &b), i == k);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_addresses_are_asked_by_udp_at_port_53),
        cmocka_unit_test(tls_has_a_name_an_address_or_both),
        cmocka_unit_test(https_has_a_path),
        cmocka_unit_test(what_cannot_be_asked_is_refused_with_a_reason),
        cmocka_unit_test(long_names_and_paths_have_a_bound),
        cmocka_unit_test(addresses_differ_by_each_of_their_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
