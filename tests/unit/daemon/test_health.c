#include "daemon/health.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "feeds/feed_state.h"

static char dir[64];
static const int64_t now_ms = 1768000000000;

/* A running daemon with nothing wrong, and two feeds that were fetched a minute ago. */
struct fixture {
    struct config config;
    struct config_feed feeds[2];
    struct addr addr;
    struct upstream_address upstream;
    struct snapshot_facts snapshot;
    struct health_facts facts;
};

static void set_state(const char *feed, int64_t success_ms, unsigned failures, const char *reason)
{
    struct feed_state state = {.last_try_ms = now_ms, .last_success_ms = success_ms, .failures = failures};
    struct fault fault = {0};
    text_copy(state.reason, sizeof state.reason, str_of(reason));
    text_copy(state.settings.url, sizeof state.settings.url, STR("https://feeds.example/"));
    text_copy(state.settings.format, sizeof state.settings.format, STR("domains"));
    assert_int_equal(feed_state_save(dir, feed, &state, &fault), ST_OK);
}

static int set_up(void **out)
{
    char feeds[80];
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(dir, "/tmp/ccward-health-XXXXXX");
    if (!f || !mkdtemp(dir))
        return -1;
    snprintf(feeds, sizeof feeds, "%s/feeds", dir);
    if (mkdir(feeds, 0750))
        return -1;
    clock_fake(0, now_ms);
    static char one[] = "one", two[] = "two";
    f->feeds[0] = (struct config_feed){.name = one, .interval_ms = 3600000};
    f->feeds[1] = (struct config_feed){.name = two, .interval_ms = 3600000};
    set_state("one", now_ms - 60000, 0, "");
    set_state("two", now_ms - 60000, 0, "");
    f->addr = addr_v4(0x7f000001, 53);
    f->upstream = upstream_address_plain(&f->addr);
    f->config.state_dir = dir;
    f->config.feeds = f->feeds;
    f->config.feed_count = 2;
    f->config.dns.listen = (struct addr_list){&f->addr, 1};
    f->snapshot = (struct snapshot_facts){.sources = 3, .counts = {1000000, 20, 4}};
    f->facts = (struct health_facts){.config = &f->config,
                                     .snapshot = &f->snapshot,
                                     .upstreams = &f->upstream,
                                     .upstream_count = 1,
                                     .store_fault = "",
                                     .lists_fault = "",
                                     .running = true,
                                     .uptime_s = 77,
                                     .hits = 5,
                                     .incidents = 2,
                                     .clock_note = ""};
    *out = f;
    return 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(name);
}

static int tear_down(void **state)
{
    clock_real();
    free(*state);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

/* The health is degraded, and REASON is its only problem. */
static void assert_problem(const struct fixture *f, const char *kind, const char *name, const char *reason)
{
    json_t *json = health_json(&f->facts), *problems = json_object_get(json, "problems");
    const json_t *first = json_array_get(problems, 0);
    assert_string_equal(text_at(json, "state"), "degraded");
    assert_int_equal(json_array_size(problems), 1);
    assert_string_equal(text_at(first, "kind"), kind);
    assert_string_equal(text_at(first, "name"), name);
    assert_string_equal(text_at(first, "reason"), text_at(json, "reason"));
    if (!strstr(text_at(first, "reason"), reason))
        fail_msg("%s", text_at(first, "reason"));
    json_decref(json);
}

static void all_is_well_with_counts(void **state)
{
    struct fixture *f = *state;
    json_t *json = health_json(&f->facts), *counts = json_object_get(json, "counts");
    assert_string_equal(text_at(json, "state"), "ok");
    assert_true(json_is_null(json_object_get(json, "reason")));
    assert_int_equal(json_array_size(json_object_get(json, "problems")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "uptime_s")), 77);
    assert_int_equal(json_integer_value(json_object_get(json, "hits")), 5);
    assert_int_equal(json_integer_value(json_object_get(json, "incidents")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "pid")), getpid());
    assert_int_equal(json_integer_value(json_object_get(counts, "sources")), 3);
    assert_int_equal(json_integer_value(json_object_get(counts, "names")), 1000000);
    assert_int_equal(json_integer_value(json_object_get(counts, "urls")), 20);
    assert_int_equal(json_integer_value(json_object_get(counts, "networks")), 4);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "upstreams"), 0)), "127.0.0.1:53");
    json_decref(json);
}

static void each_listener_is_told(void **state)
{
    struct fixture *f = *state;
    struct addr_list *lists[] = {&f->config.dns.tls_listen,       &f->config.dns.https_listen,
                                 &f->config.proxy.listen,         &f->config.blockpage.listen,
                                 &f->config.blockpage.tls_listen, &f->config.console.listen,
                                 &f->config.proxy.socks_listen,   &f->config.proxy.transparent_listen};
    static const char *const names[] = {"dns_tls",       "dns_https", "proxy",       "blockpage",
                                        "blockpage_tls", "console",   "proxy_socks", "proxy_transparent"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        *lists[i] = (struct addr_list){&f->addr, 1};
        json_t *json = health_json(&f->facts), *list = json_object_get(json_object_get(json, "listen"), names[i]);
        assert_string_equal(json_string_value(json_array_get(list, 0)), "127.0.0.1:53");
        json_decref(json);
    }
}

static void a_configuration_or_certificate_that_was_not_taken_is_told(void **state)
{
    struct fixture *f = *state;
    f->facts.config_fault = "the configuration was not read again: why";
    assert_problem(f, "configuration", "", "not read again: why");
    f->facts.config_fault = "";
    f->facts.tls_fault = "the certificate stays";
    assert_problem(f, "certificate", "", "stays");
    f->facts.tls_fault = "";
    f->facts.users_fault = "the users stay";
    assert_problem(f, "users", "", "users stay");
}

static void what_does_not_run_is_stopped_and_has_no_live_figures(void **state)
{
    struct fixture *f = *state;
    f->facts.running = false;
    json_t *json = health_json(&f->facts);
    assert_string_equal(text_at(json, "state"), "stopped");
    assert_null(json_object_get(json, "uptime_s"));
    assert_null(json_object_get(json, "pid"));
    json_decref(json);
    f->facts.running = f->facts.stopping = true;
    json = health_json(&f->facts);
    assert_string_equal(text_at(json, "state"), "stopping");
    json_decref(json);
}

static void each_part_that_fails_is_told(void **state)
{
    struct fixture *f = *state;
    struct health_facts well = f->facts;
    f->facts.store_fault = "the store cannot be opened\n";
    assert_problem(f, "store", "", "cannot be opened\\x0a");
    f->facts = well;
    f->facts.lists_fault = "lists.json:3: \xff";
    assert_problem(f, "lists", "", "lists.json:3: \\xff; of your own entries");
    f->facts = well;
    f->facts.callbacks_failing = true;
    assert_problem(f, "callbacks", "", "callbacks cannot be written");
    f->facts = well;
    f->facts.incidents_failing = true;
    assert_problem(f, "callbacks", "", "incidents cannot be written");
    f->facts = well;
    f->facts.upstreams_down = true;
    assert_problem(f, "upstreams", "", "none of the upstream DNS servers answers: 127.0.0.1:53");
    f->facts.upstream_count = 0;
    assert_problem(f, "upstreams", "", "no upstream DNS server");
    f->config.dns.listen.count = 0; /* then nobody asks */
    json_t *json = health_json(&f->facts);
    assert_string_equal(text_at(json, "state"), "ok");
    json_decref(json);
}

static void what_the_parent_proxy_does_not_do_is_told(void **state)
{
    struct fixture *f = *state;
    static char url[] = "http://192.0.2.9:3128";
    static const struct {
        enum origin_result trouble;
        const char *reason;
    } all[] = {{ORIGIN_PARENT_UNREACHABLE, "the parent proxy http://192.0.2.9:3128 cannot be reached"},
               {ORIGIN_PARENT_TIMEOUT, "does not answer"},
               {ORIGIN_PARENT_LOGIN, "proxy.parent-login"},
               {ORIGIN_PARENT_REFUSED, "refuses"},
               {ORIGIN_PARENT_MALFORMED, "no answer of such a proxy"}};
    f->config.proxy.parent = url;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        f->facts.parent_trouble = all[i].trouble;
        assert_problem(f, "parent", "", all[i].reason);
    }
}

static void a_feed_that_fails_is_told_with_its_reason(void **state)
{
    struct fixture *f = *state;
    set_state("two", now_ms - 5 * 3600 * 1000, 3, "two: status 500");
    assert_problem(f, "feed", "two", "(last fetched 5 h ago): two: status 500");
    set_state("two", 0, 1, "two: status 500");
    assert_problem(f, "feed", "two", "(not fetched yet): two: status 500");
}

static const char *out_of_disk(const void *arg, const char *feed)
{
    return strcmp(feed, arg) ? "" : "disk full";
}

static void a_refresh_that_could_not_keep_its_reason_is_told(void **state)
{
    struct fixture *f = *state;
    f->facts.refresh_fault = out_of_disk;
    f->facts.refresh_arg = "one";
    assert_problem(f, "feed", "one", "feed one cannot be refreshed (last fetched 60 s ago): disk full");
}

static void a_feed_that_nobody_fetches_is_stale(void **state)
{
    struct fixture *f = *state;
    set_state("one", now_ms - 4 * 3600 * 1000 - 2000, 0, "");
    assert_problem(f, "feed", "one", "feed one is stale: last fetched 4 h ago, and due every 60 min");
    set_state("one", 0, 0, "");
    json_t *json = health_json(&f->facts);
    assert_string_equal(text_at(json, "state"), "ok"); /* it has only just started */
    json_decref(json);
    f->facts.uptime_s = 3600;
    assert_problem(f, "feed", "one", "feed one was not fetched yet");
}

static void damaged_sources_are_told_by_name(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct fault fault = {0};
    unsigned damaged;
    struct store *store = store_new();
    snprintf(path, sizeof path, "%s/bad.1.json", dir);
    assert_int_equal(file_replace(path, STR("{"), &fault), ST_OK);
    assert_int_equal(store_add_directory(store, dir, &damaged, &fault), ST_OK);
    f->facts.store = store;
    assert_problem(f, "store", "bad", "source bad is damaged");
    store_free(store);
}

static void an_upstream_that_leads_back_is_told_with_its_domain(void **state)
{
    struct fixture *f = *state;
    struct upstream_route routes[2] = {{.servers = &f->upstream, .server_count = 1},
                                       {.servers = &f->upstream, .server_count = 1}};
    struct upstream_set_settings settings = {.routes = routes, .route_count = 2};
    struct upstream_set *set;
    assert_int_equal(dname_from_text(STR("."), &routes[0].domain), ST_OK);
    assert_int_equal(dname_from_text(STR("lan"), &routes[1].domain), ST_OK);
    assert_int_equal(upstream_set_new(&settings, &set, NULL), ST_OK);
    f->facts.upstream_set = set;
    json_t *json = health_json(&f->facts);
    assert_string_equal(text_at(json, "state"), "ok");
    json_decref(json);
    upstream_loops_note(set->loops, upstream_set_slot(1, 0), 1000); /* the longest domain stands first */
    assert_problem(f, "upstreams", "", "127.0.0.1:53 leads back to ccward: what it was asked came in here");
    upstream_loops_note_answer(set->loops, upstream_set_slot(1, 0), 2000);
    upstream_loops_note(set->loops, upstream_set_slot(0, 0), 1000);
    assert_problem(f, "upstreams", "", "127.0.0.1:53 leads back to ccward with names of lan that it does not know");
    upstream_set_unref(set);
}

int main(void)
{
#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HEALTH_TEST(all_is_well_with_counts),
        HEALTH_TEST(each_listener_is_told),
        HEALTH_TEST(a_configuration_or_certificate_that_was_not_taken_is_told),
        HEALTH_TEST(what_does_not_run_is_stopped_and_has_no_live_figures),
        HEALTH_TEST(each_part_that_fails_is_told),
        HEALTH_TEST(what_the_parent_proxy_does_not_do_is_told),
        HEALTH_TEST(a_feed_that_fails_is_told_with_its_reason),
        HEALTH_TEST(a_refresh_that_could_not_keep_its_reason_is_told),
        HEALTH_TEST(a_feed_that_nobody_fetches_is_stale),
        HEALTH_TEST(damaged_sources_are_told_by_name),
        HEALTH_TEST(an_upstream_that_leads_back_is_told_with_its_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
