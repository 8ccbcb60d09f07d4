#include "feed_test.h"

#include "feeds/test_hosts.h"

static struct store *store;
static struct store_reader *reader;

static int build(void **state)
{
    struct source *source;
    struct fault fault = {0};
    (void)state;
    store = store_new();
    assert_int_equal(test_hosts_source(&source, &fault), ST_OK);
    assert_string_equal(source_info(source)->name, "test-hosts");
    assert_int_equal(store_add_own(store, source), ST_OK);
    assert_int_equal(store_reader_new(store, &reader), ST_OK);
    return 0;
}

static int take_down(void **state)
{
    (void)state;
    store_reader_free(reader);
    store_free(store);
    return 0;
}

static size_t find_name(const char *text, struct store_hit *hit)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return store_find_name(reader, &name, 1, hit, 1);
}

static size_t find_url(const char *text, struct store_hit *hit)
{
    static struct canonical_url url;
    assert_int_equal(canonical_url(str_of(text), &url), ST_OK);
    return store_find_url(reader, &url, 1, hit, 1);
}

static void the_alert_test_host_is_a_c2(void **state)
{
    struct store_hit hit;
    (void)state;
    assert_int_equal(find_name("ca91-1.winshipway.com", &hit), 1);
    assert_int_equal(hit.record.category, CATEGORY_C2);
    assert_int_equal(hit.record.risk, RISK_HIGH);
    assert_true(str_eq(hit.record.family, STR("C&C Contact Alert test")));
    assert_true(str_eq(hit.record.reference, STR("Trend Micro")));
}

static void every_entry_is_found_in_its_category(void **state)
{
    size_t count;
    const struct test_host *hosts = test_hosts(&count);
    (void)state;
    assert_true(count > 40);
    for (size_t i = 0; i < count; i++) {
        struct store_hit hit;
        assert_int_equal(hosts[i].name ? find_name(hosts[i].name, &hit) : find_url(hosts[i].url, &hit), 1);
        assert_int_equal(hit.record.category, hosts[i].category);
        assert_int_equal(hit.record.risk, hosts[i].risk);
        assert_true(str_eq(hit.record.reference, str_of(hosts[i].vendor)));
    }
}

static void shared_hosts_and_negative_controls_stay_reachable(void **state)
{
    static const char *const names[] = {
        "winshipway.com",
        "wrs81.winshipway.com",
        "wrs71.winshipway.com",
        "proxy.opendnstest.com",
        "opendnstest.com",
        "testpanw.com",
        "www.amtso.org",
        "testsafebrowsing.appspot.com",
        "appspot.com",
        "www.fortiguard.com",
        "demo.smartscreen.msft.net",
        "urlfiltering.paloaltonetworks.com",
        "welcome.umbrella.com",
        "testcategory.com",
    };
    struct store_hit hit;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(find_name(names[i], &hit), 0);
    assert_int_equal(find_url("http://proxy.opendnstest.com/", &hit), 0);
    assert_int_equal(find_url("https://www.amtso.org/", &hit), 0);
}

static void both_schemes_of_a_url_are_covered(void **state)
{
    struct store_hit hit;
    (void)state;
    assert_int_equal(find_url("http://demo.smartscreen.msft.net/phishingdemo.html", &hit), 1);
    assert_int_equal(find_url("https://urlfiltering.paloaltonetworks.com/test-command-and-control?x=1", &hit), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_alert_test_host_is_a_c2),
        cmocka_unit_test(every_entry_is_found_in_its_category),
        cmocka_unit_test(shared_hosts_and_negative_controls_stay_reachable),
        cmocka_unit_test(both_schemes_of_a_url_are_covered),
    };
    return cmocka_run_group_tests(tests, build, take_down);
}
