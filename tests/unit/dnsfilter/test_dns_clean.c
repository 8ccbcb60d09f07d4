#include "dnsfilter/dns_clean.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is_private(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    return dns_clean_is_private(&addr);
}

static void the_edges_of_private_networks_are_where_they_should_be(void **state)
{
    (void)state;
    static const char *const inside[] = {"0.0.0.0",
                                         "0.255.255.255",
                                         "10.0.0.0",
                                         "10.255.255.255",
                                         "100.64.0.0",
                                         "100.127.255.255",
                                         "127.0.0.1",
                                         "127.255.255.255",
                                         "169.254.0.0",
                                         "172.16.0.0",
                                         "172.31.255.255",
                                         "192.168.0.0",
                                         "192.168.255.255",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "::7f00:1",
                                         "fc00::",
                                         "fdff:ffff::",
                                         "fe80::",
                                         "febf::1",
                                         "fec0::1",
                                         "64:ff9b::7f00:1",
                                         "64:ff9b:1::7f00:1",
                                         "2002:a00:1::",
                                         "2002:7f00:1::5"};
    static const char *const outside[] = {"1.0.0.0",
                                          "9.255.255.255",
                                          "11.0.0.0",
                                          "100.63.255.255",
                                          "100.128.0.0",
                                          "126.255.255.255",
                                          "128.0.0.0",
                                          "169.253.255.255",
                                          "169.255.0.0",
                                          "172.15.255.255",
                                          "172.32.0.0",
                                          "192.167.255.255",
                                          "192.169.0.0",
                                          "192.0.0.170",
                                          "255.255.255.254",
                                          "fbff::",
                                          "fe00::1",
                                          "2001:db8::1",
                                          "64:ff9b::c000:aa",
                                          "64:ff9b:0:1::7f00:1",
                                          "64:ff9b:1::c000:aa",
                                          "2002:c633:6401::",
                                          "ff02::1"};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        assert_true(is_private(inside[i]));
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_false(is_private(outside[i]));
}

static size_t response_of(uint8_t *packet, size_t size, const char *owner, uint16_t type, const void *rdata, size_t n)
{
    struct dns_message query = {.header = {.flags = DNS_FLAG_RD}, .question_end = DNS_HEADER_BYTES};
    query.question = (struct dns_question){.type = type, .class = DNS_CLASS_IN};
    assert_int_equal(dname_from_text(str_of(owner), &query.question.name), ST_OK);
    struct dns_build build = dns_build_response(packet, size, &query, DNS_RCODE_NOERROR);
    dns_build_own_record(&build, DNS_ANSWER, type, 60, rdata, n);
    return dns_build_finish(&build);
}

static void only_what_is_wanted_is_found(void **state)
{
    (void)state;
    static const uint8_t service[] = "\0\1\0\0\1\0\6\2h2\2h3\0\4\0\4\x0a\0\0\1\0\5\0\1!";
    uint8_t packet[512];
    size_t n = response_of(packet, sizeof packet, "a.example", DNS_TYPE_HTTPS, service, sizeof service - 1);
    for (unsigned wanted = 0; wanted < 8; wanted++)
        assert_int_equal(dns_clean_find(packet, n, wanted), wanted);
}

static void what_does_not_fit_is_nothing(void **state)
{
    (void)state;
    static const uint8_t a[] = {10, 0, 0, 1};
    uint8_t packet[512], out[512];
    size_t n = response_of(packet, sizeof packet, "a.example", DNS_TYPE_A, a, sizeof a);
    assert_int_equal(dns_clean_write(out, 40, packet, n, DNS_CLEAN_PRIVATE), 0);
    assert_true(dns_clean_write(out, sizeof out, packet, n, DNS_CLEAN_PRIVATE) > 0);
    assert_int_equal(dns_clean_write(out, sizeof out, packet, n - 1, DNS_CLEAN_PRIVATE), 0); /* no response */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_edges_of_private_networks_are_where_they_should_be),
        cmocka_unit_test(only_what_is_wanted_is_found),
        cmocka_unit_test(what_does_not_fit_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
