#include "feed_test.h"

#include <signal.h>

#include "base/clock.h"
#include "fake_dns.h"
#include "feeds/feed_resolver.h"
#include "feeds/interrupt.h"

static struct addr addrs[FEED_RESOLVE_MAX];
static size_t count;
static struct fault fault;

static enum status resolve_at(const struct addr *servers, size_t n, const char *host, int64_t within_ms)
{
    struct feed_site mine = {.upstreams = servers, .upstream_count = n};
    fault = (struct fault){0};
    enum status st = feed_resolve(&mine, str_of(host), clock_mono_ms() + within_ms, addrs, &count, &fault);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    assert_int_equal(st == ST_OK, count > 0);
    return st;
}

static enum status resolve(const char *host)
{
    return resolve_at(&fake_dns.addr, 1, host, 10000);
}

static void expect_only(const char *text)
{
    char got[ADDR_TEXT_SIZE];
    assert_int_equal(count, 1);
    addr_format_ip(&addrs[0], got);
    assert_string_equal(got, text);
}

static void a_name_is_asked_of_the_server_that_is_given(void **state)
{
    (void)state;
    unsigned before = atomic_load(&fake_dns.asked);
    assert_int_equal(resolve("feed.test"), ST_OK);
    expect_only("127.0.0.1");
    assert_int_equal(resolve("FEED.test"), ST_OK);
    assert_int_equal(resolve("six.test"), ST_OK);
    expect_only("::1");
    assert_int_equal(atomic_load(&fake_dns.asked) - before, 6);
}

static void aliases_are_followed_in_any_order_and_only_those(void **state)
{
    (void)state;
    assert_int_equal(resolve("alias.test"), ST_OK);
    expect_only("127.0.0.1");
    assert_int_equal(resolve("loop.test"), ST_NOT_FOUND);
}

static void what_does_not_fit_comes_by_tcp(void **state)
{
    (void)state;
    assert_int_equal(resolve("big.test"), ST_OK);
    expect_only("127.0.0.1");
}

static void names_without_addresses_are_told(void **state)
{
    (void)state;
    assert_int_equal(resolve("gone.test"), ST_NOT_FOUND);
    assert_string_equal(fault.text, "can't look up gone.test: there is no such name");
    assert_int_equal(resolve("nothing.test"), ST_NOT_FOUND);
    assert_string_equal(fault.text, "nothing.test has no address");
}

static void the_address_of_nowhere_is_none(void **state)
{
    (void)state;
    assert_int_equal(resolve("blocked.test"), ST_NOT_FOUND);
}

static void a_server_that_does_not_answer_is_followed_by_the_next(void **state)
{
    struct addr servers[2] = {fake_dns.addr, fake_dns.addr};
    (void)state;
    servers[0].port = 1; /* nobody's: ICMP says so */
    assert_int_equal(resolve_at(servers, 2, "feed.test", 10000), ST_OK);
    assert_int_equal(resolve_at(servers, 1, "feed.test", 10000), ST_UNAVAILABLE);
    assert_int_equal(resolve("failing.test"), ST_UNAVAILABLE);
    assert_int_equal(resolve_at(&fake_dns.addr, 1, "silent.test", 100), ST_TIMEOUT);
    assert_non_null(strstr(fault.text, "silent.test: no DNS server answered in time"));
}

static void without_a_server_it_says_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(resolve_at(NULL, 0, "feed.test", 1000), ST_UNAVAILABLE);
    assert_non_null(strstr(fault.text, "dns.upstreams"));
}

static void nobody_is_asked_for_addresses_and_this_machine(void **state)
{
    (void)state;
    assert_int_equal(resolve_at(NULL, 0, "192.0.2.1", 1000), ST_OK);
    expect_only("192.0.2.1");
    assert_int_equal(resolve_at(NULL, 0, "[2001:db8::1]", 1000), ST_OK);
    expect_only("2001:db8::1");
    assert_int_equal(resolve_at(NULL, 0, "localhost", 1000), ST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(resolve_at(NULL, 0, "feeds.LocalHost", 1000), ST_OK);
    assert_true(addr_is_loopback(&addrs[0]) && addr_is_loopback(&addrs[1]));
}

static void what_is_no_name_is_refused(void **state)
{
    static const char *const hosts[] = {"", ".", "a..b", ".test"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_int_equal(resolve(hosts[i]), ST_INVALID);
}

static void an_interrupt_ends_the_wait(void **state)
{
    (void)state;
    interrupt_begin();
    raise(SIGINT);
    assert_int_equal(resolve_at(&fake_dns.addr, 1, "silent.test", 60000), ST_CLOSED);
    interrupt_end();
}

static int start(void **state)
{
    (void)state;
    return fake_dns_start();
}

static int stop(void **state)
{
    (void)state;
    return fake_dns_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_of_the_server_that_is_given),
        cmocka_unit_test(aliases_are_followed_in_any_order_and_only_those),
        cmocka_unit_test(what_does_not_fit_comes_by_tcp),
        cmocka_unit_test(names_without_addresses_are_told),
        cmocka_unit_test(the_address_of_nowhere_is_none),
        cmocka_unit_test(a_server_that_does_not_answer_is_followed_by_the_next),
        cmocka_unit_test(without_a_server_it_says_what_to_do),
        cmocka_unit_test(nobody_is_asked_for_addresses_and_this_machine),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(an_interrupt_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
