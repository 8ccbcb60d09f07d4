#include "proxy/origin_parent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct addr ip(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    return addr;
}

static void a_parent_has_a_scheme_a_host_and_a_port(void **state)
{
    (void)state;
    struct origin_parent parent;
    struct addr v6 = ip("2001:db8::1");
    assert_int_equal(origin_parent_parse(STR("http://192.0.2.1:3128"), &parent, NULL), ST_OK);
    assert_int_equal(parent.kind, PARENT_HTTP);
    assert_int_equal(parent.addr.port, 3128);
    assert_int_equal(parent.name.length, 0);
    assert_int_equal(origin_parent_parse(STR("socks5://[2001:db8::1]:1080/"), &parent, NULL), ST_OK);
    assert_int_equal(parent.kind, PARENT_SOCKS5);
    assert_true(addr_same_ip(&parent.addr, &v6));
    assert_int_equal(origin_parent_parse(STR("socks5://proxy.example:9050"), &parent, NULL), ST_OK);
    assert_true(parent.name.length > 1);
    assert_int_equal(parent.addr.port, 9050);
}

static void what_is_no_parent_is_told_how_it_is_written(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "192.0.2.1:3128",          "http://192.0.2.1",        "http://192.0.2.1:0",      "http://192.0.2.1:65536",
        "https://proxy:443",       "socks4://192.0.2.1:1",    "socks5h://a.example:1",   "http://:3128",
        "http://a b:3128",         "http://127.1:3128",       "http://0.0.0.0:3128",     "http://[::]:3128",
        "http://2001:db8::1:3128", "http://a.example:3128/x", "http://a.example:3128//", "http://",
        "HTTP://192.0.2.1:3128",   "http://0x7f.1:80",        "http://a.example:+80",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct origin_parent parent;
        struct fault why = {0};
        if (origin_parent_parse(str_of(wrong[i]), &parent, &why) == ST_OK)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_non_null(strstr(why.text, "write it like http://"));
    }
}

static void a_password_in_the_url_is_not_taken_and_not_told(void **state)
{
    (void)state;
    struct origin_parent parent;
    struct fault why = {0};
    assert_int_equal(origin_parent_parse(STR("http://me:secret@192.0.2.1:3128"), &parent, &why), ST_INVALID);
    assert_non_null(strstr(why.text, "proxy.parent-login"));
    assert_null(strstr(why.text, "secret"));
}

static void a_login_has_a_user_and_a_password(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "me", ":", "me:", ":pw"};
    struct origin_parent parent = {0};
    char text[600];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(origin_parent_set_login(&parent, str_of(wrong[i]), NULL), ST_INVALID);
    assert_false(parent.has_login);
    memset(text, 'x', sizeof text);
    text[255] = ':';
    assert_int_equal(origin_parent_set_login(&parent, (struct str){text, 511}, NULL), ST_OK);
    assert_int_equal(strlen(parent.password), 255);
    assert_int_equal(origin_parent_set_login(&parent, (struct str){text, 512}, NULL), ST_INVALID);
    assert_int_equal(origin_parent_set_login(&parent, STR("me:a:b"), NULL), ST_OK);
    assert_string_equal(parent.user, "me");
    assert_string_equal(parent.password, "a:b");
}

static bool skips_name(const struct origin_parent *parent, const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return origin_parent_skips_name(parent, &name);
}

static void domains_with_all_below_them_and_networks_go_past(void **state)
{
    (void)state;
    struct origin_parent *parent = calloc(1, sizeof *parent);
    assert_non_null(parent);
    static const char *const direct[] = {"Intranet.example", "10.0.0.0/8", "192.168.1.5", "fd00::/8", "nas"};
    for (size_t i = 0; i < sizeof direct / sizeof *direct; i++)
        assert_int_equal(origin_parent_add_direct(parent, str_of(direct[i])), ST_OK);
    assert_true(skips_name(parent, "intranet.EXAMPLE"));
    assert_true(skips_name(parent, "a.b.intranet.example."));
    assert_true(skips_name(parent, "nas"));
    assert_false(skips_name(parent, "otherintranet.example"));
    assert_false(skips_name(parent, "example"));
    struct addr inside = ip("10.1.2.3"), one = ip("192.168.1.5"), next = ip("192.168.1.6"), v6 = ip("fd12::1");
    assert_true(origin_parent_skips_addr(parent, &inside));
    assert_true(origin_parent_skips_addr(parent, &one));
    assert_true(origin_parent_skips_addr(parent, &v6));
    assert_false(origin_parent_skips_addr(parent, &next));
    origin_parent_free(parent);
}

static void what_is_no_domain_and_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", ".", "*.example", "10.0.0.1/8", "a..b", "http://a", "a:80", "10.1", "[::1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct network network;
        struct dname domain;
        struct fault why = {0};
        if (origin_parent_parse_direct(str_of(wrong[i]), &network, &domain, &why) == ST_OK)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_non_null(strstr(why.text, "write it like"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parent_has_a_scheme_a_host_and_a_port),
        cmocka_unit_test(what_is_no_parent_is_told_how_it_is_written),
        cmocka_unit_test(a_password_in_the_url_is_not_taken_and_not_told),
        cmocka_unit_test(a_login_has_a_user_and_a_password),
        cmocka_unit_test(domains_with_all_below_them_and_networks_go_past),
        cmocka_unit_test(what_is_no_domain_and_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
