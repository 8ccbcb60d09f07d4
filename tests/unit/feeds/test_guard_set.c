#include "feed_test.h"

#include <ifaddrs.h>

#include "feeds/guard_set.h"
#include "feeds/guarded_hosts.h"
#include "feeds/normal.h"

static struct guard_set *gather(const struct feed_site *with)
{
    struct guard_set *set = NULL;
    struct fault fault = {0};
    assert_int_equal(guard_set_new(with, &set, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    return set;
}

static enum guard judge(struct guard_set *set, const char *text, uint8_t flags)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return guard_set_name(set, &name, flags);
}

static enum guard judge_network(struct guard_set *set, const char *text)
{
    struct network network;
    assert_int_equal(normal_network(str_of(text), &network), SKIP_NOT);
    return guard_set_network(set, &network);
}

static enum guard judge_url(struct guard_set *set, const char *text)
{
    static char normal[CANONICAL_URL_MAX];
    struct str url;
    assert_int_equal(normal_url(str_of(text), normal, sizeof normal, &url), SKIP_NOT);
    return guard_set_url(set, url);
}

static void names_that_hurt_people_are_guarded_and_those_below_are_not(void **state)
{
    static const struct {
        const char *name;
        enum guard guard;
    } names[] = {
        {"co.uk", GUARD_PUBLIC_SUFFIX},
        {"blogspot.com", GUARD_PUBLIC_SUFFIX},
        {"github.io", GUARD_PUBLIC_SUFFIX},
        {"foo.ck", GUARD_PUBLIC_SUFFIX}, /* by a wildcard */
        {"xn--55qx5d.cn", GUARD_PUBLIC_SUFFIX},
        {"www.ck", GUARD_NOT}, /* by an exception */
        {"s3.amazonaws.com", GUARD_SHARED_HOST},
        {"ec2-192-0-2-1.compute-1.amazonaws.com", GUARD_NOT}, /* a company's wildcard: one machine */
        {"customer.beget.app", GUARD_NOT},
        {"evil.github.io", GUARD_NOT},
        {"evil.co.uk", GUARD_NOT},
        {"evil.bazar", GUARD_NOT}, /* no list of top-level domains */
        {"evil.onion", GUARD_NOT},
        {"github.com", GUARD_SHARED_HOST},
        {"www.github.com", GUARD_SHARED_HOST},
        {"evil.github.com", GUARD_NOT},
        {"wwwgithub.com", GUARD_NOT},
        {"google.com", GUARD_SHARED_HOST}, /* docs.google.com is below it */
        {"cdn.discordapp.com", GUARD_SHARED_HOST},
        {"captive.apple.com", GUARD_CONNECTIVITY},
        {"ocsp.digicert.com", GUARD_CERTIFICATES},
        {"digicert.com", GUARD_CERTIFICATES},
        {"time.windows.com", GUARD_TIME},
        {"ntp.org", GUARD_TIME},
        {"dns.google", GUARD_RESOLVER},
        {"evil.example", GUARD_NOT},
    };
    (void)state;
    struct guard_set *set = gather(&site);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (judge(set, names[i].name, 0) != names[i].guard)
            fail_msg("%s: %s", names[i].name, guard_text(judge(set, names[i].name, 0)));
    /* What means a name alone does not touch what is below it. */
    assert_int_equal(judge(set, "github.com", RECORD_EXACT), GUARD_SHARED_HOST);
    assert_int_equal(judge(set, "digicert.com", RECORD_EXACT), GUARD_NOT);
    guard_set_free(set);
}

static void every_built_in_entry_guards(void **state)
{
    size_t count;
    (void)state;
    struct guard_set *set = gather(&site);
    const char *const *shared = shared_hosts(&count);
    for (size_t i = 0; i < count; i++)
        assert_int_not_equal(judge(set, shared[i], 0), GUARD_NOT);
    const struct guarded_host *hosts = guarded_hosts(&count);
    for (size_t i = 0; i < count; i++)
        assert_int_not_equal(judge(set, hosts[i].text, 0), GUARD_NOT);
    hosts = guarded_ranges(&count);
    for (size_t i = 0; i < count; i++) {
        struct network network;
        assert_int_equal(network_parse(str_of(hosts[i].text), &network), ST_OK); /* no bits behind the prefix */
        assert_int_not_equal(judge_network(set, hosts[i].text), GUARD_NOT);
    }
    guard_set_free(set);
}

static void networks_that_hold_or_lie_in_what_is_guarded_are_guarded(void **state)
{
    static const struct {
        const char *network;
        enum guard guard;
    } networks[] = {
        {"172.70.206.0/23", GUARD_CDN},                                    /* inside of Cloudflare's 172.64.0.0/13 */
        {"172.64.0.0/13", GUARD_CDN},      {"185.199.108.133", GUARD_CDN}, /* GitHub Pages */
        {"151.0.0.0/8", GUARD_CDN},                                        /* holds Fastly's 151.101.0.0/16 */
        {"2606:4700::1", GUARD_CDN},       {"8.8.8.8", GUARD_RESOLVER},     {"8.8.8.0/24", GUARD_RESOLVER},
        {"9.9.9.9", GUARD_RESOLVER},       {"2620:fe::fe", GUARD_RESOLVER}, {"8.0.0.0/7", GUARD_WIDE_NETWORK},
        {"2600::/18", GUARD_WIDE_NETWORK}, {"8.8.9.9", GUARD_NOT},          {"192.0.2.1", GUARD_NOT},
        {"172.72.0.0/13", GUARD_NOT},      {"2001:db8::/32", GUARD_NOT},
    };
    (void)state;
    struct guard_set *set = gather(&site);
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
        if (judge_network(set, networks[i].network) != networks[i].guard)
            fail_msg("%s: %s", networks[i].network, guard_text(judge_network(set, networks[i].network)));
    guard_set_free(set);
}

static void a_url_is_guarded_only_where_it_means_its_whole_host(void **state)
{
    static const char *const whole[] = {
        "http://github.com/",     "https://github.com",      "http://GitHub.com./",    "http://github.com//",
        "http://github.com/./",   "http://github.com/a/../", "http://github.com/%2e/", "http://github.com/%252e/",
        "http://www.github.com/", "http://8.8.8.8/",         "http://blogspot.com/#x", "http://github.com:8080/"};
    static const char *const part[] = {
        "http://github.com/evil/x.exe", "http://github.com/?download", "http://github.com/a", "http://evil.example/",
        "http://x.github.com/",         "http://github.com/.x",        "http://8.8.8.8/x",    "http://192.0.2.1/"};
    (void)state;
    struct guard_set *set = gather(&site);
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (judge_url(set, whole[i]) == GUARD_NOT)
            fail_msg("%s is not guarded", whole[i]);
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (judge_url(set, part[i]) != GUARD_NOT)
            fail_msg("%s is guarded: %s", part[i], guard_text(judge_url(set, part[i])));
    guard_set_free(set);
}

static void what_the_configuration_names_is_guarded(void **state)
{
    static const char *const mirrors[] = {"https://user@mirror.example:8443/x", "http://[2001:db8::7]:80/x"};
    static const struct feed feeds[] = {
        {.name = "a", .url = "https://lists.feeds.example/a?b=c", .mirrors = mirrors, .mirror_count = 2},
        {.name = "b", .url = "file:///etc/hosts"},
        {.name = "c", .url = "http://203.0.113.9"},
    };
    struct addr upstreams[2], listener;
    assert_int_equal(addr_parse(STR("203.0.113.53"), 53, &upstreams[0]), ST_OK);
    assert_int_equal(addr_parse(STR("203.0.113.54"), 53, &upstreams[1]), ST_OK);
    assert_int_equal(addr_parse(STR("198.51.100.1"), 53, &listener), ST_OK);
    const struct feed_site mine = {.state_dir = scratch,
                                   .feeds = feeds,
                                   .feed_count = 3,
                                   .upstreams = upstreams,
                                   .upstream_count = 2,
                                   .listeners = &listener,
                                   .listener_count = 1};
    (void)state;
    struct guard_set *set = gather(&mine), *plain = gather(&site);
    assert_int_equal(judge(set, "lists.feeds.example", 0), GUARD_FEED_HOST);
    assert_int_equal(judge(set, "feeds.example", 0), GUARD_FEED_HOST);
    assert_int_equal(judge(set, "mirror.example", 0), GUARD_FEED_HOST);
    assert_int_equal(judge(set, "x.mirror.example", 0), GUARD_NOT);
    assert_int_equal(judge_network(set, "2001:db8::7"), GUARD_FEED_HOST);
    assert_int_equal(judge_network(set, "203.0.113.9"), GUARD_FEED_HOST);
    assert_int_equal(judge_network(set, "203.0.113.53"), GUARD_RESOLVER);
    assert_int_equal(judge_network(set, "203.0.113.54"), GUARD_RESOLVER);
    assert_int_equal(judge_network(set, "203.0.113.55"), GUARD_NOT);
    assert_int_equal(judge_network(set, "198.51.100.0/24"), GUARD_OWN_ADDRESS);
    struct network own;
    assert_int_equal(normal_network(STR("198.51.100.1"), &own), SKIP_NOT);
    assert_true(guard_set_is_own(set, &own));
    assert_false(guard_set_is_own(plain, &own));
    assert_int_not_equal(guard_set_fingerprint(set), guard_set_fingerprint(plain));
    guard_set_free(set);
    guard_set_free(plain);
}

static void the_machines_addresses_are_its_own(void **state)
{
    struct ifaddrs *interfaces;
    unsigned seen = 0;
    (void)state;
    struct guard_set *set = gather(&site);
    assert_int_equal(getifaddrs(&interfaces), 0);
    for (const struct ifaddrs *at = interfaces; at; at = at->ifa_next) {
        struct network network = {.prefix = 128};
        struct addr addr;
        if (!at->ifa_addr || !addr_from_sockaddr(at->ifa_addr, &addr) || guard_is_documentation(&addr))
            continue;
        memcpy(network.ip, addr.ip, sizeof network.ip);
        assert_true(guard_set_is_own(set, &network));
        seen++;
    }
    freeifaddrs(interfaces);
    assert_true(seen > 0);
    guard_set_free(set);
}

static uint64_t import_list(const char *name, enum feed_use use, const char *format, const char *text)
{
    struct feed feed = {.name = name, .format = format, .use = use};
    struct feed_report report;
    struct fault fault = {0};
    assert_int_equal(feed_import(&site, write_text("list", text), &feed, false, &report, &fault), ST_OK);
    return report.source.generation;
}

static const struct feed guarding[] = {{.name = "popular", .url = "file:///popular", .use = FEED_GUARDS},
                                       {.name = "warnings", .url = "file:///warnings", .use = FEED_GUARDS},
                                       {.name = "ranges", .url = "file:///ranges", .use = FEED_GUARDS},
                                       {.name = "other", .url = "file:///other"}};
static const struct feed_site guarded_site = {.state_dir = scratch, .feeds = guarding, .feed_count = 4};

static void lists_that_guard_mean_names_or_all_below_as_they_say(void **state)
{
    (void)state;
    import_list("popular", FEED_GUARDS, "domains", "popular.example\nwell.known.example\n");
    import_list("warnings", FEED_GUARDS, "warninglist",
                "{\"name\":\"x\",\"type\":\"hostname\",\"list\":[\"whole.example\",\".dotted.example\"]}");
    import_list("ranges", FEED_GUARDS, "ips", "192.0.2.0/24\n198.51.100.7\n");
    import_list("other", FEED_BLOCKS, "domains", "other.example\n");
    struct guard_set *set = gather(&guarded_site);
    assert_int_equal(judge(set, "popular.example", 0), GUARD_LISTED);
    assert_int_equal(judge(set, "www.popular.example", 0), GUARD_LISTED);
    assert_int_equal(judge(set, "evil.popular.example", 0), GUARD_NOT);
    assert_int_equal(judge(set, "known.example", 0), GUARD_LISTED); /* it would block what is below */
    assert_int_equal(judge(set, "known.example", RECORD_EXACT), GUARD_NOT);
    assert_int_equal(judge(set, "any.whole.example", 0), GUARD_LISTED);
    assert_int_equal(judge(set, "any.dotted.example", 0), GUARD_LISTED);
    assert_int_equal(judge(set, "other.example", 0), GUARD_NOT);
    assert_int_equal(judge_network(set, "192.0.2.0/24"), GUARD_LISTED);
    assert_int_equal(judge_network(set, "192.0.2.99"), GUARD_LISTED);
    assert_int_equal(judge_network(set, "198.51.100.0/24"), GUARD_LISTED);
    assert_int_equal(judge_network(set, "198.51.100.8"), GUARD_NOT);
    assert_int_equal(judge_url(set, "http://popular.example/"), GUARD_LISTED);
    assert_int_equal(judge_url(set, "http://popular.example/x"), GUARD_NOT);
    guard_set_free(set);
}

static void the_fingerprint_moves_with_the_lists_and_stays_without_a_change(void **state)
{
    (void)state;
    struct guard_set *before = gather(&guarded_site);
    import_list("popular", FEED_GUARDS, "domains", "one.example\n");
    struct guard_set *first = gather(&guarded_site), *again = gather(&guarded_site);
    import_list("popular", FEED_GUARDS, "domains", "two.example\n");
    struct guard_set *second = gather(&guarded_site);
    import_list("other", FEED_BLOCKS, "domains", "three.example\n");
    struct guard_set *third = gather(&guarded_site);
    assert_int_not_equal(guard_set_fingerprint(before), 0);
    assert_int_not_equal(guard_set_fingerprint(before), guard_set_fingerprint(first));
    assert_int_equal(guard_set_fingerprint(first), guard_set_fingerprint(again));
    assert_int_not_equal(guard_set_fingerprint(first), guard_set_fingerprint(second));
    assert_int_equal(guard_set_fingerprint(second), guard_set_fingerprint(third));
    guard_set_free(before);
    guard_set_free(first);
    guard_set_free(again);
    guard_set_free(second);
    guard_set_free(third);
}

static void a_damaged_list_guards_nothing_and_stops_no_one(void **state)
{
    (void)state;
    import_list("popular", FEED_GUARDS, "domains", "popular.example\n");
    assert_int_equal(truncate(in_scratch("reputation/popular.1.mdb"), 5000), 0);
    struct guard_set *set = gather(&guarded_site);
    assert_int_equal(judge(set, "popular.example", 0), GUARD_NOT);
    assert_int_equal(judge(set, "github.com", 0), GUARD_SHARED_HOST);
    guard_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_that_hurt_people_are_guarded_and_those_below_are_not, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(every_built_in_entry_guards, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(networks_that_hold_or_lie_in_what_is_guarded_are_guarded, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_url_is_guarded_only_where_it_means_its_whole_host, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(what_the_configuration_names_is_guarded, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(the_machines_addresses_are_its_own, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(lists_that_guard_mean_names_or_all_below_as_they_say, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(the_fingerprint_moves_with_the_lists_and_stays_without_a_change, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(a_damaged_list_guards_nothing_and_stops_no_one, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
