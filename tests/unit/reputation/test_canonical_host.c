#include "fixture.h"

static const char *canonical(const char *text)
{
    static char out[DNAME_TEXT_SIZE];
    struct dname name, again;
    if (canonical_host_name(str_of(text), &name) != ST_OK) {
        assert_int_equal(name.length, 0);
        return "refused";
    }
    assert_int_equal(dname_from_wire(name.wire, name.length, &again), ST_OK);
    assert_int_equal(name.labels, again.labels);
    dname_to_text(&name, out);
    return out;
}

static void names_are_lowered_and_lose_one_dot(void **state)
{
    (void)state;
    assert_string_equal(canonical("WWW.Evil.Example."), "www.evil.example");
    assert_string_equal(canonical("localhost"), "localhost");
    assert_string_equal(canonical("_sip._tcp.-edge-.example"), "_sip._tcp.-edge-.example");
    assert_string_equal(canonical("1.2.3.4.example"), "1.2.3.4.example");
    assert_string_equal(canonical("4.3.2.1.in-addr.arpa"), "4.3.2.1.in-addr.arpa");
}

static void what_is_no_host_name_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",          ".",         "..",          ".a",        "a..b",
                                        "a.b..",     "a b",       "a/b",         "a*b",       "*.a",
                                        "a\tb",      "192.0.2.1", "1.2.3.4.",    "1.2.3.4.5", "12",
                                        "evil.0x1f", "0x7f.1",    "[::1]",       "::1",       "evil.example:80",
                                        "a@b",       "a%41",      "\xff.example"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(canonical(texts[i]), "refused");
    struct dname name;
    assert_int_equal(canonical_host_name((struct str){"a\0b", 3}, &name), ST_INVALID);
    assert_int_equal(canonical_host_name((struct str){"\xc3\xbc\0b", 4}, &name), ST_INVALID);
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    char text[300];
    struct dname name;
    memset(text, 'a', sizeof text);
    assert_int_equal(canonical_host_name((struct str){text, 63}, &name), ST_OK);
    assert_int_equal(canonical_host_name((struct str){text, 64}, &name), ST_TOO_LARGE);
    text[63] = text[127] = text[191] = '.';
    assert_int_equal(canonical_host_name((struct str){text, 253}, &name), ST_OK);
    assert_int_equal(name.length, 255);
    text[253] = '.';
    assert_int_equal(canonical_host_name((struct str){text, 254}, &name), ST_OK);
    text[253] = 'a';
    assert_int_equal(canonical_host_name((struct str){text, 254}, &name), ST_TOO_LARGE);
}

static void other_scripts_become_a_labels(void **state)
{
    (void)state;
    assert_string_equal(canonical("B\xc3\x9c"
                                  "cher.example"),
                        "xn--bcher-kva.example");
    assert_string_equal(canonical("fa\xc3\x9f.de"), "xn--fa-hia.de"); /* non-transitional */
    assert_string_equal(canonical("\xd0\xb1\xd0\xb0\xd0\xbd\xd1\x80\xd0\xb5\xd0\xba.\xd1\x80\xd1\x83\xd1\x81"),
                        "xn--80abnuns.xn--p1acf");
    assert_string_equal(canonical("xn--bcher-kva.example"), "xn--bcher-kva.example");
    assert_string_equal(canonical("b\xc3\xbc_c.example"), "xn--b_c-hoa.example");
    assert_string_equal(canonical("a\xe3\x80\x82"
                                  "example"),
                        "a.example");                                       /* ideographic full stop */
    assert_string_equal(canonical("\xef\xbc\x91.\xef\xbc\x92"), "refused"); /* full-width 1.2 */
}

static void a_host_may_be_an_address(void **state)
{
    (void)state;
    bool is_address;
    struct addr addr;
    struct dname name;
    char text[ADDR_TEXT_SIZE];
    static const char *const pairs[][2] = {
        {"192.0.2.1", "192.0.2.1"},  {"0xC0000201", "192.0.2.1"},      {"0300.0.2.1", "192.0.2.1"},
        {"192.0.513", "192.0.2.1"},  {"[2001:DB8::1]", "2001:db8::1"}, {"2001:db8::1", "2001:db8::1"},
        {"192.0.2.1.", "192.0.2.1"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(canonical_host(str_of(pairs[i][0]), &is_address, &addr, &name), ST_OK);
        assert_true(is_address);
        addr_format_ip(&addr, text);
        assert_string_equal(text, pairs[i][1]);
    }
    assert_int_equal(canonical_host(STR("Evil.Example"), &is_address, &addr, &name), ST_OK);
    assert_false(is_address);
    assert_int_equal(name.labels, 2);
    assert_int_equal(canonical_host(STR("[::1"), &is_address, &addr, &name), ST_INVALID);
    assert_int_equal(canonical_host(STR("[evil.example]"), &is_address, &addr, &name), ST_INVALID);
    assert_int_equal(canonical_host(STR("[[::1]]"), &is_address, &addr, &name), ST_INVALID);
    assert_int_equal(canonical_host(STR("1.2.3.4.5"), &is_address, &addr, &name), ST_INVALID);
    assert_int_equal(canonical_host(STR(""), &is_address, &addr, &name), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_lowered_and_lose_one_dot),
        cmocka_unit_test(what_is_no_host_name_is_refused),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(other_scripts_become_a_labels),
        cmocka_unit_test(a_host_may_be_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
