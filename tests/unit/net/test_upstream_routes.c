/* What becomes of servers when another set comes. */
#include "net_fixture.h"

#include "net/upstream_routes.h"
#include "net/upstream_try.h"

enum { NOW_MS = 1000000 };

static struct upstream_address at(uint8_t last)
{
    struct addr addr = addr_v4(0xc0000200u | last, 53);
    return upstream_address_plain(&addr);
}

/* One route for each of COUNT texts: a domain, and the last bytes of its servers' addresses. */
static struct upstream_set *new_set(const char *const domains[], const char *const servers[], size_t count)
{
    struct upstream_route routes[4];
    static struct upstream_address addresses[4][4];
    struct upstream_set *set;
    struct fault fault = {0};
    for (size_t i = 0; i < count; i++) {
        routes[i] = (struct upstream_route){.servers = addresses[i], .server_count = strlen(servers[i])};
        assert_int_equal(dname_from_text(str_of(domains[i]), &routes[i].domain), ST_OK);
        for (size_t k = 0; servers[i][k]; k++)
            addresses[i][k] = at((uint8_t)servers[i][k]);
    }
    struct upstream_set_settings settings = {.routes = routes, .route_count = count};
    assert_int_equal(upstream_set_new(&settings, &set, &fault), ST_OK);
    return set;
}

static const struct upstream_servers *servers_for(const struct upstream_routes *routes, const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return upstream_routes_find(routes, &name);
}

static struct upstream_routes *routes_of(struct upstream_set *set, const struct upstream_routes *old)
{
    struct upstream_routes *routes = upstream_routes_new(set, old, NULL);
    assert_non_null(routes);
    upstream_set_unref(set);
    return routes;
}

static void a_server_of_several_routes_is_one(void **state)
{
    (void)state;
    struct upstream_routes *routes = routes_of(
        new_set((const char *[]){".", "lan", "2.0.192.in-addr.arpa"}, (const char *[]){"ab", "b", ""}, 3), NULL);
    const struct upstream_servers *all = servers_for(routes, "www.example"), *lan = servers_for(routes, "a.lan");
    assert_int_equal(all->count, 2);
    assert_int_equal(lan->count, 1);
    assert_ptr_equal(all->items[1], lan->items[0]);
    assert_int_equal(lan->items[0]->users, 2);
    assert_null(servers_for(routes, "1.2.0.192.in-addr.arpa")); /* a route without servers */
    upstream_routes_free(routes);
}

static void what_was_learned_of_a_server_is_kept_while_a_set_names_it(void **state)
{
    (void)state;
    const char *const all[] = {"."};
    struct upstream_routes *first = routes_of(new_set(all, (const char *[]){"ab"}, 1), NULL);
    struct upstream_server *kept = servers_for(first, "a.example")->items[1];
    upstream_server_answered(kept, 40);
    struct upstream_routes *second = routes_of(new_set(all, (const char *[]){"bc"}, 1), first);
    assert_ptr_equal(servers_for(first, "a.example")->items[1], kept); /* for queries that are under way */
    upstream_routes_free(first);
    const struct upstream_servers *servers = servers_for(second, "a.example");
    assert_ptr_equal(servers->items[0], kept);
    assert_int_equal(kept->users, 1);
    assert_true(kept->measured);
    assert_false(servers->items[1]->measured);
    upstream_routes_free(second);
}

static void a_server_outlives_its_routes_while_it_is_used(void **state)
{
    (void)state;
    struct upstream_routes *routes = routes_of(new_set((const char *[]){"."}, (const char *[]){"a"}, 1), NULL);
    struct upstream_server *server = servers_for(routes, "a.example")->items[0];
    server->users++; /* as a try does */
    upstream_routes_free(routes);
    assert_int_equal(server->users, 1);
    upstream_server_release(server);
}

static void d24_a_cookie_of_any_of_the_servers_is_known(void **state)
{
    (void)state;
    struct upstream_routes *routes =
        routes_of(new_set((const char *[]){".", "lan"}, (const char *[]){"a", "b"}, 2), NULL);
    struct addr local = addr_v4(0xc0000209, 0);
    struct upstream_server *server = servers_for(routes, "a.lan")->items[0];
    struct query_cookie cookie = *upstream_server_cookie(server, &local);
    struct dname name;
    size_t slot = 0;
    assert_int_equal(dname_from_text(STR("a.example"), &name), ST_OK);
    assert_true(upstream_routes_know_cookie(routes, &name, cookie.bytes, NOW_MS, &slot));
    assert_int_equal(slot, upstream_set_slot(0, 0)); /* lan, which has the longest name */
    cookie.bytes[0] ^= 1;
    assert_false(upstream_routes_know_cookie(routes, &name, cookie.bytes, NOW_MS, &slot));
    upstream_routes_free(routes);
}

static void d24_the_server_of_the_names_own_route_counts_where_several_have_it(void **state)
{
    (void)state;
    struct upstream_routes *routes =
        routes_of(new_set((const char *[]){".", "lan"}, (const char *[]){"ab", "b"}, 2), NULL);
    struct addr local = addr_v4(0xc0000209, 0);
    struct query_cookie cookie = *upstream_server_cookie(servers_for(routes, "a.lan")->items[0], &local);
    const struct {
        const char *name;
        size_t slot;
    } rows[] = {{"a.example", upstream_set_slot(1, 1)}, {"a.lan", upstream_set_slot(0, 0)}};
    for (size_t i = 0; i < 2; i++) {
        struct dname name;
        size_t slot = 0;
        assert_int_equal(dname_from_text(str_of(rows[i].name), &name), ST_OK);
        assert_true(upstream_routes_know_cookie(routes, &name, cookie.bytes, NOW_MS, &slot));
        assert_int_equal(slot, rows[i].slot);
    }
    upstream_routes_free(routes);
}

static void d24_a_cookie_that_another_worker_sent_is_known(void **state)
{
    (void)state;
    struct addr there = loopback(53), here = loopback(0);
    struct upstream_address address = upstream_address_plain(&there);
    struct upstream_route all = {.servers = &address, .server_count = 1};
    struct upstream_set *set;
    struct fault fault = {0};
    assert_int_equal(dname_from_text(STR("."), &all.domain), ST_OK);
    assert_int_equal(upstream_set_new(&(struct upstream_set_settings){.routes = &all, .route_count = 1}, &set, &fault),
                     ST_OK);
    struct upstream_routes *one = upstream_routes_new(set, NULL, NULL), *other = routes_of(set, NULL);
    struct query_cookie cookie = *upstream_server_cookie(servers_for(one, "a.example")->items[0], &here);
    struct dname name;
    size_t slot;
    assert_int_equal(dname_from_text(STR("a.example"), &name), ST_OK);
    assert_true(upstream_routes_know_cookie(other, &name, cookie.bytes, NOW_MS, &slot));
    upstream_routes_free(one);
    upstream_routes_free(other);
}

static void a_way_to_a_server_that_was_not_there_is_looked_for_again_after_5_s(void **state)
{
    (void)state;
    struct upstream_routes *routes = routes_of(new_set((const char *[]){"."}, (const char *[]){"a"}, 1), NULL);
    struct upstream_server *server = servers_for(routes, "a.example")->items[0];
    uint8_t cookie[CLIENT_COOKIE_BYTES] = {1};
    struct dname name;
    size_t slot;
    assert_int_equal(dname_from_text(STR("a.example"), &name), ST_OK);
    server->address.addr = addr_v4(0xffffffff, 53); /* connect(2) refuses a broadcast address */
    assert_false(upstream_routes_know_cookie(routes, &name, cookie, NOW_MS, &slot));
    assert_true(addr_is_unspecified(&server->cookie.local));
    server->address.addr = loopback(53);
    assert_false(upstream_routes_know_cookie(routes, &name, cookie, NOW_MS + 4999, &slot));
    assert_true(addr_is_unspecified(&server->cookie.local)); /* not even looked */
    assert_false(upstream_routes_know_cookie(routes, &name, cookie, NOW_MS + 5000, &slot));
    assert_false(addr_is_unspecified(&server->cookie.local));
    memcpy(cookie, server->cookie.value.bytes, sizeof cookie);
    assert_true(upstream_routes_know_cookie(routes, &name, cookie, NOW_MS + 5000, &slot));
    upstream_routes_free(routes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_of_several_routes_is_one),
        cmocka_unit_test(what_was_learned_of_a_server_is_kept_while_a_set_names_it),
        cmocka_unit_test(a_server_outlives_its_routes_while_it_is_used),
        cmocka_unit_test(d24_a_cookie_of_any_of_the_servers_is_known),
        cmocka_unit_test(d24_the_server_of_the_names_own_route_counts_where_several_have_it),
        cmocka_unit_test(d24_a_cookie_that_another_worker_sent_is_known),
        cmocka_unit_test(a_way_to_a_server_that_was_not_there_is_looked_for_again_after_5_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
