#include "console/proxy_pac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(str_of(text), 0, &addr), ST_OK);
    return addr;
}

/* Checks what the script sends a browser to that came to LOCAL; NULL: there is no script. */
static void assert_sends_to(const char *proxy_a, const char *proxy_b, const char *local, const char *expected)
{
    struct addr proxies[2] = {addr_of(proxy_a)}, at = addr_of(local);
    size_t count = 1;
    if (proxy_b)
        proxies[count++] = addr_of(proxy_b);
    struct buf script = {0};
    struct proxy_pac pac = {.proxies = proxies, .proxy_count = count};
    bool built = proxy_pac_build(&script, &pac, &at);
    assert_int_equal(built, expected != NULL);
    if (built) {
        char line[256];
        snprintf(line, sizeof line, "  return \"%s\";\n}\n", expected);
        assert_non_null(strstr(buf_text(&script), line));
        assert_null(strstr(buf_text(&script), "dnsResolve("));
        assert_null(strstr(buf_text(&script), "isInNet("));
    }
    buf_free(&script);
}

static void the_proxies_that_can_be_reached_are_named(void **state)
{
    (void)state;
    assert_sends_to("127.0.0.1:3128", NULL, "127.0.0.1:8053", "PROXY 127.0.0.1:3128");
    assert_sends_to("127.0.0.1:3128", "[::1]:3128", "127.0.0.1:8053", "PROXY 127.0.0.1:3128; PROXY [::1]:3128");
    assert_sends_to("127.0.0.1:3128", "192.168.1.1:3128", "192.168.1.1:8053", "PROXY 192.168.1.1:3128");
    assert_sends_to("127.0.0.1:3128", NULL, "192.168.1.1:8053", NULL);
}

static void a_wildcard_becomes_the_address_asked(void **state)
{
    (void)state;
    assert_sends_to("0.0.0.0:3128", NULL, "192.168.1.1:8053", "PROXY 192.168.1.1:3128");
    assert_sends_to("[::]:3128", NULL, "[2001:db8::1]:8053", "PROXY [2001:db8::1]:3128");
    assert_sends_to("[::]:3128", NULL, "192.168.1.1:8053", NULL);
    assert_sends_to("0.0.0.0:3128", "[::]:3128", "127.0.0.1:8053", "PROXY 127.0.0.1:3128");
}

static void without_a_proxy_there_is_no_script(void **state)
{
    (void)state;
    struct buf script = {0};
    struct addr local = addr_of("127.0.0.1:8053");
    assert_false(proxy_pac_build(&script, &(struct proxy_pac){0}, &local));
    buf_free(&script);
}

static void it_fails_open_only_where_that_is_asked_for(void **state)
{
    (void)state;
    struct buf script = {0};
    struct addr local = addr_of("127.0.0.1:8053"), proxy = addr_of("127.0.0.1:3128");
    struct proxy_pac pac = {.proxies = &proxy, .proxy_count = 1, .fail_open = true};
    assert_true(proxy_pac_build(&script, &pac, &local));
    assert_non_null(strstr(buf_text(&script), "  return \"PROXY 127.0.0.1:3128; DIRECT\";\n}\n"));
    buf_free(&script);
}

static void domains_that_go_direct_stand_in_lower_case(void **state)
{
    (void)state;
    struct buf script = {0};
    static const char *const domains[] = {"Home.Arpa", "lan"};
    struct addr local = addr_of("127.0.0.1:8053"), proxy = addr_of("127.0.0.1:3128");
    struct proxy_pac pac = {.proxies = &proxy, .proxy_count = 1, .direct = domains, .direct_count = 2};
    assert_true(proxy_pac_build(&script, &pac, &local));
    assert_non_null(
        strstr(buf_text(&script), "var direct = [\"localhost\", \"::1\", \"[::1]\", \"home.arpa\", \"lan\"];"));
    buf_free(&script);
}

static void addresses_of_local_networks_go_direct(void **state)
{
    (void)state;
    struct buf script = {0};
    struct addr local = addr_of("127.0.0.1:8053"), proxy = addr_of("127.0.0.1:3128");
    assert_true(proxy_pac_build(&script, &(struct proxy_pac){.proxies = &proxy, .proxy_count = 1}, &local));
    static const uint32_t v4[][2] = {{0x7f000000, 0x7fffffff},
                                     {0x0a000000, 0x0affffff},
                                     {0xac100000, 0xac1fffff},
                                     {0xc0a80000, 0xc0a8ffff},
                                     {0xa9fe0000, 0xa9feffff}};
    struct buf expected = {0};
    for (size_t i = 0; i < sizeof v4 / sizeof v4[0]; i++)
        buf_printf(&expected, "%s[%u, %u]", i ? ", " : "quad ? [", v4[i][0], v4[i][1]);
    buf_printf(&expected, "] : isV6 ? [[%d, %d], [%d, %d]] : [];", 0xfc00, 0xfdff, 0xfe80, 0xfebf);
    assert_non_null(strstr(buf_text(&script), buf_text(&expected)));
    buf_free(&expected);
    buf_free(&script);
}

static void what_could_end_a_text_of_the_script_is_no_domain(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     ".",   ".lan", "lan.", "a..b",  "a\"b",
                                      "a\\b", "a b", "a/b",  "a\nb", "*.lan", "\xe5\xae\xb6"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(proxy_pac_domain(str_of(bad[i])));
    assert_false(proxy_pac_domain((struct str){"a\0b", 3}));
    assert_true(proxy_pac_domain(STR("_x-1.Home.arpa")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_proxies_that_can_be_reached_are_named),
        cmocka_unit_test(a_wildcard_becomes_the_address_asked),
        cmocka_unit_test(without_a_proxy_there_is_no_script),
        cmocka_unit_test(it_fails_open_only_where_that_is_asked_for),
        cmocka_unit_test(domains_that_go_direct_stand_in_lower_case),
        cmocka_unit_test(addresses_of_local_networks_go_direct),
        cmocka_unit_test(what_could_end_a_text_of_the_script_is_no_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
