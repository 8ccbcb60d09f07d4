#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/upstream_set.h"

static struct dname name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return name;
}

static struct upstream_route route_of(const char *domain, struct upstream_address *servers, size_t count)
{
    return (struct upstream_route){name_of(domain), servers, count};
}

static const char *found(const struct upstream_set *set, const char *text)
{
    static char out[DNAME_TEXT_SIZE];
    struct dname name = name_of(text);
    size_t index = upstream_set_find(set, &name);
    if (index == set->route_count)
        return "none";
    dname_to_text(&set->routes[index].domain, out);
    return out;
}

static void the_longest_domain_that_holds_the_name_counts(void **state)
{
    (void)state;
    struct upstream_route routes[] = {route_of("example", NULL, 0), route_of(".", NULL, 0),
                                      route_of("b.a.example", NULL, 0), route_of("lan", NULL, 0),
                                      route_of("a.example", NULL, 0)};
    struct upstream_set *set;
    assert_int_equal(upstream_set_new(&(struct upstream_set_settings){.routes = routes, .route_count = 5}, &set, NULL),
                     ST_OK);
    assert_string_equal(found(set, "x.B.a.EXAMPLE"), "b.a.example");
    assert_string_equal(found(set, "b.a.example"), "b.a.example");
    assert_string_equal(found(set, "c.a.example"), "a.example");
    assert_string_equal(found(set, "ba.example"), "example");
    assert_string_equal(found(set, "plan"), ".");
    assert_string_equal(found(set, "printer.lan"), "lan");
    assert_string_equal(found(set, "."), ".");
    upstream_set_unref(set);
}

static void without_a_route_for_all_other_names_have_none(void **state)
{
    (void)state;
    struct upstream_route lan = route_of("lan", NULL, 0);
    struct upstream_set *set;
    assert_int_equal(upstream_set_new(&(struct upstream_set_settings){.routes = &lan, .route_count = 1}, &set, NULL),
                     ST_OK);
    assert_string_equal(found(set, "example"), "none");
    upstream_set_unref(set);
}

static void it_has_a_copy_of_its_own(void **state)
{
    (void)state;
    struct addr addr = addr_v4(0xc0000201, 53);
    struct upstream_address servers[2] = {upstream_address_plain(&addr), {.transport = UPSTREAM_TLS}};
    struct upstream_route all = route_of(".", servers, 2);
    struct upstream_set *set;
    assert_int_equal(upstream_set_new(&(struct upstream_set_settings){.routes = &all, .route_count = 1}, &set, NULL),
                     ST_OK);
    memset(servers, 0xff, sizeof servers);
    struct upstream_set *again = upstream_set_ref(set);
    upstream_set_unref(set);
    assert_int_equal(again->routes[0].server_count, 2);
    assert_true(addr_same_ip(&again->routes[0].servers[0].addr, &addr));
    assert_int_equal(again->routes[0].servers[1].transport, UPSTREAM_TLS);
    upstream_set_unref(again);
    upstream_set_unref(NULL);
}

static void too_many_servers_or_routes_are_refused(void **state)
{
    (void)state;
    static struct upstream_address servers[UPSTREAM_MAX_SERVERS + 1];
    static struct upstream_route routes[UPSTREAM_MAX_ROUTES + 1];
    struct upstream_set *set;
    struct fault fault = {0};
    routes[0] = route_of(".", servers, UPSTREAM_MAX_SERVERS + 1);
    assert_int_equal(
        upstream_set_new(&(struct upstream_set_settings){.routes = routes, .route_count = 1}, &set, &fault),
        ST_INVALID);
    assert_string_equal(fault.text, "at most 16 DNS servers can be asked, not 17");
    routes[0].server_count = 0;
    fault = (struct fault){0};
    struct upstream_set_settings settings = {.routes = routes, .route_count = UPSTREAM_MAX_ROUTES + 1};
    assert_int_equal(upstream_set_new(&settings, &set, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "at most 255 domains"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_domain_that_holds_the_name_counts),
        cmocka_unit_test(without_a_route_for_all_other_names_have_none),
        cmocka_unit_test(it_has_a_copy_of_its_own),
        cmocka_unit_test(too_many_servers_or_routes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
