#include "dnsfilter/hosts_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static struct buf seen;
static size_t left;

static bool take(void *arg, const struct addr *addr, const struct dname *name, bool first)
{
    char ip[ADDR_TEXT_SIZE], text[DNAME_TEXT_SIZE];
    (void)arg;
    addr_format_ip(addr, ip);
    dname_to_text(name, text);
    buf_printf(&seen, "%s=%s%s ", text, ip, first ? "!" : "");
    return --left;
}

static struct hosts_file_facts read_text(const char *text, size_t n)
{
    struct hosts_file_facts facts;
    buf_free(&seen);
    left = SIZE_MAX;
    assert_true(hosts_file_read((struct str){text, n}, take, NULL, &facts));
    return facts;
}

static void assert_read(const char *text, const char *expected, size_t skipped, size_t first_line)
{
    struct hosts_file_facts facts = read_text(text, strlen(text));
    assert_string_equal(buf_text(&seen), expected);
    assert_int_equal(facts.skipped, skipped);
    assert_int_equal(facts.first_line, first_line);
    assert_false(facts.cut);
    buf_free(&seen);
}

static void names_are_read_as_hosts5_has_them(void **state)
{
    (void)state;
    assert_read("", "", 0, 0);
    assert_read("192.0.2.1 a.example a\n", "a.example=192.0.2.1! a=192.0.2.1 ", 0, 0);
    assert_read("192.0.2.1\ta.example#x\r\n\r\n  # c\n 2001:db8::1  A_b.example. ",
                "a.example=192.0.2.1! A_b.example=2001:db8::1! ", 0, 0);
    assert_read("\xef\xbb\xbf"
                "::ffff:192.0.2.1 a",
                "a=192.0.2.1! ", 0, 0);
}

static void nobody_moves_localhost(void **state)
{
    (void)state;
    assert_read("192.0.2.1 localhost LocalHost a.localhost b\n", "b=192.0.2.1! ", 0, 0);
}

static void what_holds_on_one_link_alone_is_left_out_without_a_word(void **state)
{
    (void)state;
    assert_read("fe80::1%lo0 localhost router\n", "", 0, 0);
}

static void bad_lines_are_counted_and_take_no_others_with_them(void **state)
{
    (void)state;
    static const char *const bad[] = {"nonsense",
                                      "192.0.2.1",
                                      "192.0.2.300 a",
                                      "192.0.2.1 a..b",
                                      "192.0.2.1 a\xc3\xa4",
                                      "192.0.2.1 192.0.2.2",
                                      "192.0.2.1 ::1",
                                      "192.0.2.1 .",
                                      "192.0.2.1 a/b",
                                      "a.example 192.0.2.1",
                                      "[::1] a",
                                      "192.0.2.1:53 a",
                                      "%lo0 a",
                                      "192.0.2.1 a\\.b",
                                      "192.0.2.01 a.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "192.0.2.8 before\n%s\n192.0.2.9 after", bad[i]);
        assert_read(text, "before=192.0.2.8! after=192.0.2.9! ", 1, 2);
    }
    assert_read("192.0.2.1 a..b good\n", "good=192.0.2.1! ", 1, 1);
    struct hosts_file_facts facts = read_text("192.0.2.1 a\0b\n", 14);
    assert_int_equal(facts.skipped, 1);
    buf_free(&seen);
}

static bool count(void *arg, const struct addr *addr, const struct dname *name, bool first)
{
    (void)addr, (void)name, (void)first;
    ++*(size_t *)arg;
    return true;
}

static void reading_ends_at_the_bound_and_where_it_is_ended(void **state)
{
    (void)state;
    struct buf text = {0};
    struct hosts_file_facts facts;
    size_t names = 0;
    for (size_t i = 0; i < HOSTS_FILE_MAX_NAMES / 10 + 1; i++)
        buf_add_text(&text, "0.0.0.0 a a a a a a a a a a\n");
    assert_true(hosts_file_read((struct str){text.data, text.length}, count, &names, &facts));
    assert_int_equal(names, HOSTS_FILE_MAX_NAMES);
    assert_true(facts.cut);
    left = 3;
    assert_false(hosts_file_read((struct str){text.data, text.length}, take, NULL, &facts));
    assert_int_equal(facts.names, 3);
    buf_free(&text);
    buf_free(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_hosts5_has_them),
        cmocka_unit_test(nobody_moves_localhost),
        cmocka_unit_test(what_holds_on_one_link_alone_is_left_out_without_a_word),
        cmocka_unit_test(bad_lines_are_counted_and_take_no_others_with_them),
        cmocka_unit_test(reading_ends_at_the_bound_and_where_it_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
