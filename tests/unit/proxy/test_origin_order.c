#include "proxy/origin_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

/* What this machine has. */
static const char *source_v4, *source_v6;
static unsigned asked;

static struct addr source(const struct addr *addr)
{
    const char *text = addr_is_v4(addr) ? source_v4 : source_v6;
    struct addr from = {0};
    asked++;
    if (text)
        assert_int_equal(addr_parse_ip(str_of(text), &from), ST_OK);
    return from;
}

/* Orders the words of BEFORE and compares. */
static void expect(const char *before, const char *after)
{
    struct addr addrs[16];
    size_t count = 0;
    struct str rest = str_of(before), word;
    struct buf out = {0};
    while ((word = str_word(&rest)).length)
        assert_int_equal(addr_parse_ip(word, &addrs[count++]), ST_OK);
    origin_order(addrs, count, source);
    for (size_t i = 0; i < count; i++) {
        char text[ADDR_TEXT_SIZE];
        addr_format_ip(&addrs[i], text);
        buf_printf(&out, "%s%s", i ? " " : "", text);
    }
    assert_string_equal(buf_text(&out), after);
    buf_free(&out);
}

static int set_up(void **state)
{
    (void)state;
    source_v4 = "192.168.1.2";
    source_v6 = "2001:db8:1::2";
    asked = 0;
    return 0;
}

static void the_families_take_turns_and_ipv6_begins(void **state)
{
    (void)state;
    expect("192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1 2001:db8::2",
           "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3");
    expect("2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1", "2001:db8::1 192.0.2.1 2001:db8::2 2001:db8::3");
}

static void each_family_keeps_its_order(void **state)
{
    (void)state;
    expect("192.0.2.3 192.0.2.1 192.0.2.2", "192.0.2.3 192.0.2.1 192.0.2.2");
    expect("2001:db8::9 2001:db8::1", "2001:db8::9 2001:db8::1");
}

static void a_family_without_a_way_comes_last(void **state)
{
    (void)state;
    source_v6 = NULL;
    expect("2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2", "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2");
    source_v4 = NULL;
    expect("192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1");
}

/* A router that hands out fd00::/8 without a way into the world is common. */
static void an_address_of_the_local_network_is_no_way_into_the_world(void **state)
{
    (void)state;
    static const char *const locals[] = {"fd00::2", "fe80::2", "2002:c000:201::1", "2001:0:c000:201::1"};
    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
        source_v6 = locals[i];
        expect("2606:4700::1 192.0.2.1", "192.0.2.1 2606:4700::1");
    }
    source_v6 = "fd00::2";
    expect("192.0.2.1 fd00::5", "fd00::5 192.0.2.1");
}

static void private_ipv4_behind_address_translation_is_as_good_as_any(void **state)
{
    (void)state;
    source_v4 = "10.0.0.2";
    source_v6 = NULL;
    expect("2001:db8::1 192.0.2.1", "192.0.2.1 2001:db8::1");
}

static void a_single_family_needs_no_look(void **state)
{
    (void)state;
    expect("192.0.2.1 192.0.2.2", "192.0.2.1 192.0.2.2");
    expect("2001:db8::1 fd00::2", "2001:db8::1 fd00::2");
    expect("192.0.2.1", "192.0.2.1");
    expect("", "");
    assert_int_equal(asked, 0);
}

static void as_many_as_there_may_be_stay_all_there(void **state)
{
    (void)state;
    expect("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7 10.0.0.8 "
           "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5 2001:db8::6 2001:db8::7 fd00::8",
           "2001:db8::1 10.0.0.1 2001:db8::2 10.0.0.2 2001:db8::3 10.0.0.3 2001:db8::4 10.0.0.4 "
           "2001:db8::5 10.0.0.5 2001:db8::6 10.0.0.6 2001:db8::7 10.0.0.7 10.0.0.8 fd00::8");
}

#define T(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_families_take_turns_and_ipv6_begins),
        T(each_family_keeps_its_order),
        T(a_family_without_a_way_comes_last),
        T(an_address_of_the_local_network_is_no_way_into_the_world),
        T(private_ipv4_behind_address_translation_is_as_good_as_any),
        T(a_single_family_needs_no_look),
        T(as_many_as_there_may_be_stay_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
