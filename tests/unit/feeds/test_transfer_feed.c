#include "feed_test.h"

#include <fcntl.h>

#include "fake_primary.h"
#include "feeds/feed_state.h"
#include "feeds/transfer_feed.h"

enum { NOW_S = 1700000000 };

static struct feed_report report;
static struct fault fault;
static char url[128], key_place[300];

static struct feed zone_feed(const char *scheme, const char *host)
{
    snprintf(url, sizeof url, "%s://%s:%u/rpz.example", scheme, host, fake.port);
    return (struct feed){.name = "mine", .url = url, .format = "auto", .category = CATEGORY_C2, .risk = RISK_HIGH};
}

static enum status refresh(const struct feed *feed)
{
    fault = (struct fault){0};
    enum status st = feed_refresh(&site, feed, 0, false, &report, &fault);
    fake_wait();
    return st;
}

static struct feed_state state_now(void)
{
    struct feed_state now;
    feed_state_load(scratch, "mine", &now);
    return now;
}

static uint64_t rules_in_force(void)
{
    struct store *store = store_new();
    struct fault why = {0};
    unsigned damaged = 0;
    uint64_t rules = 0;
    assert_int_equal(store_add_directory(store, in_scratch("reputation"), &damaged, &why), ST_OK);
    if (store_source_count(store))
        rules = store_source_info(store, 0)->counts[INDICATOR_NAME];
    store_free(store);
    return rules;
}

static const char *raw(void)
{
    static char text[4096];
    int fd = open(in_scratch("feeds/mine.raw"), O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

#define SCRIPT(...) fake_script((fake_step *const[]){__VA_ARGS__, NULL})

static void soa_is(uint32_t serial)
{
    reply_start(&fake.reply, "rpz.example", DNS_TYPE_SOA);
    reply_soa(&fake.reply, "rpz.example", serial);
    fake_answer();
}

static void soa_is_1(struct fake *primary)
{
    (void)primary;
    soa_is(1);
}

static void soa_is_2(struct fake *primary)
{
    (void)primary;
    soa_is(2);
}

static void zone_is_1(struct fake *primary)
{
    (void)primary;
    reply_start(&fake.reply, "rpz.example", DNS_TYPE_AXFR);
    reply_soa(&fake.reply, "rpz.example", 1);
    reply_rule(&fake.reply, "evil.example.rpz.example");
    reply_rule(&fake.reply, "worse.example.rpz.example");
    reply_soa(&fake.reply, "rpz.example", 1);
    fake_answer();
}

static void zone_2_is_empty(struct fake *primary)
{
    (void)primary;
    reply_start(&fake.reply, "rpz.example", DNS_TYPE_AXFR);
    reply_soa(&fake.reply, "rpz.example", 2);
    reply_soa(&fake.reply, "rpz.example", 2);
    fake_answer();
}

static void differences_to_2(struct fake *primary)
{
    (void)primary;
    reply_start(&fake.reply, "rpz.example", DNS_TYPE_IXFR);
    reply_soa(&fake.reply, "rpz.example", 2);
    reply_soa(&fake.reply, "rpz.example", 1);
    reply_rule(&fake.reply, "worse.example.rpz.example");
    reply_soa(&fake.reply, "rpz.example", 2);
    reply_rule(&fake.reply, "new.example.rpz.example");
    reply_rule(&fake.reply, "newer.example.rpz.example");
    reply_soa(&fake.reply, "rpz.example", 2);
    fake_answer();
}

static void hang_up(struct fake *primary)
{
    (void)primary;
}

static void a_zone_becomes_a_source_and_its_changes_too(void **state)
{
    struct feed feed = zone_feed("ixfr", "127.0.0.1");
    (void)state;
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_string_equal(report.format, "rpz");
    assert_int_equal(rules_in_force(), 2);
    assert_true(state_now().zone.known);
    assert_int_equal(state_now().zone.serial, 1);
    assert_int_equal(state_now().zone.refresh_s, 3600);
    assert_int_equal(state_now().zone.retry_s, 600);
    assert_int_equal(state_now().zone.expire_s, 86400);

    SCRIPT(soa_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_true(report.unchanged);
    assert_int_equal(rules_in_force(), 2);

    SCRIPT(soa_is_2, differences_to_2);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(rules_in_force(), 3);
    assert_int_equal(state_now().zone.serial, 2);
    assert_non_null(strstr(raw(), "newer.example.rpz.example. 60 IN CNAME .\n"));
    assert_null(strstr(raw(), "worse"));
}

static void a_primary_may_be_named(void **state)
{
    struct feed feed = zone_feed("axfr", "localhost");
    (void)state;
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_int_equal(rules_in_force(), 2);
}

static void other_settings_fetch_the_zone_in_full(void **state)
{
    struct feed feed = zone_feed("ixfr", "127.0.0.1");
    (void)state;
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    feed.category = CATEGORY_PHISHING;
    SCRIPT(hang_up);
    assert_int_equal(refresh(&feed), ST_TRUNCATED);
    assert_false(state_now().zone.known);
    assert_int_equal(rules_in_force(), 2);
    SCRIPT(zone_is_1); /* also after a failure with them */
    assert_int_equal(refresh(&feed), ST_OK);
    assert_int_equal(fake.types[0], DNS_TYPE_AXFR);
    assert_false(report.unchanged);
    feed.url = "file:///nowhere";
    assert_int_not_equal(refresh(&feed), ST_OK);
    assert_false(state_now().zone.known);
}

static void a_zone_that_is_refused_leaves_serial_and_copy_of_the_one_in_force(void **state)
{
    struct feed feed = zone_feed("axfr", "127.0.0.1");
    (void)state;
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    SCRIPT(soa_is_2, zone_2_is_empty);
    assert_int_equal(refresh(&feed), ST_INVALID);
    assert_non_null(strstr(fault.text, "no entries"));
    assert_int_equal(rules_in_force(), 2);
    assert_int_equal(state_now().zone.serial, 1);
    assert_int_equal(state_now().failures, 1);
    assert_non_null(strstr(raw(), "SOA ns. host. 1 "));
}

static void a_zone_that_expires_is_taken_out_of_force(void **state)
{
    struct feed feed = zone_feed("ixfr", "127.0.0.1");
    (void)state;
    clock_fake(1000000, NOW_S * INT64_C(1000));
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    clock_fake_advance(86399 * INT64_C(1000));
    for (int i = 0; i < 3; i++) {
        SCRIPT(hang_up);
        assert_int_equal(refresh(&feed), ST_TRUNCATED);
        assert_false(report.expired);
        assert_int_equal(rules_in_force(), 2);
    }
    clock_fake_advance(2000);
    SCRIPT(hang_up);
    assert_int_equal(refresh(&feed), ST_TRUNCATED);
    assert_true(report.expired);
    assert_non_null(strstr(fault.text, "has expired"));
    assert_non_null(strstr(state_now().reason, "has expired"));
    assert_int_equal(rules_in_force(), 0);
    assert_string_equal(raw(), "");

    SCRIPT(hang_up); /* there is nothing more to take away */
    assert_int_equal(refresh(&feed), ST_TRUNCATED);
    assert_false(report.expired);
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_int_equal(rules_in_force(), 2);
    clock_real();
}

static void a_clock_that_is_set_ahead_takes_no_zone_away_at_once(void **state)
{
    struct feed feed = zone_feed("ixfr", "127.0.0.1");
    (void)state;
    clock_fake(1000000, NOW_S * INT64_C(1000));
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    clock_fake_advance(10 * 365 * 86400 * INT64_C(1000));
    for (int i = 0; i < 2; i++) {
        SCRIPT(hang_up);
        assert_int_equal(refresh(&feed), ST_TRUNCATED);
        assert_int_equal(rules_in_force(), 2);
    }
    SCRIPT(soa_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_int_equal(rules_in_force(), 2);
    clock_real();
}

static void a_key_that_is_no_good_is_told_with_its_place(void **state)
{
    struct feed feed = zone_feed("axfr", "127.0.0.1");
    (void)state;
    SCRIPT(zone_is_1);
    snprintf(key_place, sizeof key_place, "file:%s",
             write_text("key", "key \"k\" { algorithm hmac-md5; secret \"c2Vj\"; };"));
    assert_int_equal(chmod(key_place + 5, 0600), 0);
    feed.key = key_place;
    assert_int_equal(refresh(&feed), ST_INVALID);
    assert_non_null(strstr(fault.text, "/key: the key's algorithm 'hmac-md5' is too weak"));
    assert_null(strstr(fault.text, "c2Vj"));
    assert_int_equal(atomic_load(&fake.asked), 0);
    feed.key = "env:CCWARD_NO_SUCH_VARIABLE";
    assert_int_equal(refresh(&feed), ST_NOT_FOUND);
}

static void a_question_is_signed_with_the_key_of_the_feed(void **state)
{
    struct feed feed = zone_feed("axfr", "127.0.0.1");
    struct tsig_key key;
    (void)state;
    assert_int_equal(tsig_key_parse(STR("hmac-sha384:k:c2Vj"), &key, &fault), ST_OK);
    assert_int_equal(setenv("CCWARD_TEST_TSIG", "hmac-sha384:k:c2Vj", 1), 0);
    feed.key = "env:CCWARD_TEST_TSIG";
    fake.key = &key;
    SCRIPT(zone_is_1);
    assert_int_equal(refresh(&feed), ST_OK);
    assert_true(fake.request_signed);
    fake.key = NULL;
}

static int start(void **state)
{
    (void)state;
    return fake_start(AF_INET);
}

static int stop(void **state)
{
    (void)state;
    fake_stop();
    return 0;
}

#define zone_test(function) cmocka_unit_test_setup_teardown(function, make_scratch, remove_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        zone_test(a_zone_becomes_a_source_and_its_changes_too),
        zone_test(a_primary_may_be_named),
        zone_test(other_settings_fetch_the_zone_in_full),
        zone_test(a_zone_that_is_refused_leaves_serial_and_copy_of_the_one_in_force),
        zone_test(a_zone_that_expires_is_taken_out_of_force),
        zone_test(a_clock_that_is_set_ahead_takes_no_zone_away_at_once),
        zone_test(a_key_that_is_no_good_is_told_with_its_place),
        zone_test(a_question_is_signed_with_the_key_of_the_feed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
