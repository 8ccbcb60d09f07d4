#include "feed_test.h"

#include "base/clock.h"
#include "feeds/feed_state.h"

static const struct feed mine = {.name = "mine",
                                 .url = "https://feeds.example/x",
                                 .format = "hosts",
                                 .category = CATEGORY_C2,
                                 .risk = RISK_HIGH,
                                 .interval_s = 3600};
enum { NOW_S = 1700000000 };

static int make_folder(void **state)
{
    return make_scratch(state) || mkdir(in_scratch("feeds"), 0700);
}

static void save(unsigned failures, int64_t last_try_s)
{
    struct feed_state state = {.failures = failures, .last_try_ms = last_try_s * 1000, .last_success_ms = 5};
    struct fault fault = {0};
    feed_state_adopt(&state, &mine);
    assert_int_equal(feed_state_save(scratch, "mine", &state, &fault), ST_OK);
}

static int64_t due(const struct feed *feed)
{
    return feed_due_in_s(scratch, feed);
}

static void a_feed_is_due_after_its_interval(void **state)
{
    (void)state;
    clock_fake(0, NOW_S * INT64_C(1000));
    assert_int_equal(due(&mine), 0);
    save(0, NOW_S);
    assert_in_range(due(&mine), 3600, 3600 + 180);
    int64_t first = due(&mine);
    assert_int_equal(due(&mine), first);
    clock_fake_advance(3000 * 1000);
    assert_int_equal(due(&mine), first - 3000);
    clock_fake_advance(1000 * 1000);
    assert_int_equal(due(&mine), 0);
}

static void failures_are_retried_ever_later(void **state)
{
    (void)state;
    clock_fake(0, NOW_S * INT64_C(1000));
    int64_t want = 60;
    for (unsigned failures = 1; failures < 40; failures++) {
        save(failures, NOW_S);
        assert_in_range(due(&mine), want * 3 / 4, want * 5 / 4);
        want = want * 2 < 6 * 3600 ? want * 2 : 6 * 3600;
    }
}

static struct feed_zone zone_now(unsigned failures, int64_t last_success_s, struct feed_zone zone)
{
    struct feed_state out = {.failures = failures,
                             .last_try_ms = NOW_S * INT64_C(1000),
                             .last_success_ms = last_success_s * 1000,
                             .zone = zone};
    struct feed_state in;
    struct fault fault = {0};
    feed_state_adopt(&out, &mine);
    assert_int_equal(feed_state_save(scratch, "mine", &out, &fault), ST_OK);
    feed_state_load(scratch, "mine", &in);
    return in.zone;
}

static void a_zone_is_due_by_the_timers_of_its_soa(void **state)
{
    static const struct {
        struct feed_zone zone;
        unsigned failures;
        int64_t success_ago_s, min_s, max_s;
    } cases[] = {
        {{true, UINT32_MAX, 300, 120, 86400}, 0, 0, 300, 315},
        {{true, 7, 300, 120, 86400}, 1, 300, 120, 126},
        {{true, 7, 300, 120, 86400}, 9, 3600, 120, 126},
        {{true, 7, 1, 1, 86400}, 0, 0, 60, 63}, /* not every second */
        {{true, 7, 300, 1, 86400}, 1, 0, 60, 63},
        {{true, 7, UINT32_MAX, 120, UINT32_MAX}, 0, 0, 7 * 86400, 7 * 86400 * 21 / 20}, /* nor never */
        {{true, 7, 300, UINT32_MAX, UINT32_MAX}, 1, 300, 6 * 3600, 6 * 3600 * 21 / 20},
        {{true, 7, 86400, 7200, 3600}, 0, 0, 3600, 3600}, /* when it expires */
        {{true, 7, 86400, 7200, 3600}, 1, 3000, 600, 600},
        {{true, 7, 86400, 7200, 3600}, 5, 4000, 7200, 7560},
        {{true, 7, 86400, 7200, 0}, 1, 4000, 7200, 7560},
    };
    (void)state;
    clock_fake(0, NOW_S * INT64_C(1000));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct feed_zone got = zone_now(cases[i].failures, NOW_S - cases[i].success_ago_s, cases[i].zone);
        assert_true(got.known);
        assert_int_equal(got.serial, cases[i].zone.serial);
        assert_int_equal(got.expire_s, cases[i].zone.expire_s);
        assert_in_range(due(&mine), cases[i].min_s, cases[i].max_s);
    }
    assert_false(zone_now(0, NOW_S, (struct feed_zone){0}).known);
}

static void a_zone_expires_after_its_time_and_a_few_tries(void **state)
{
    struct feed_state had = {
        .failures = 3, .last_success_ms = NOW_S * INT64_C(1000), .zone = {true, 7, 300, 120, 3600}};
    (void)state;
    clock_fake(0, (NOW_S + 3599) * INT64_C(1000));
    assert_false(feed_state_zone_expired(&had));
    clock_fake_advance(1000);
    assert_true(feed_state_zone_expired(&had));
    had.failures = 2;
    assert_false(feed_state_zone_expired(&had));
    had.failures = 3;
    had.zone.expire_s = 0; /* no zone, or one that does not say */
    assert_false(feed_state_zone_expired(&had));
    had.zone.expire_s = 3600;
    clock_fake(0, 0); /* a clock that went back */
    assert_false(feed_state_zone_expired(&had));
}

static void other_settings_are_due_at_once(void **state)
{
    struct feed other = mine;
    (void)state;
    clock_fake(0, NOW_S * INT64_C(1000));
    save(0, NOW_S);
    other.url = "https://feeds.example/moved";
    assert_int_equal(due(&other), 0);
}

static void a_clock_that_went_back_does_not_hold_a_feed(void **state)
{
    (void)state;
    clock_fake(0, NOW_S * INT64_C(1000));
    save(0, NOW_S + 10 * 365 * 86400);
    assert_int_equal(due(&mine), 0);
}

static int64_t due_with(const struct feed *feed, const struct feed_state *with)
{
    struct feed_state out = *with;
    struct fault fault = {0};
    feed_state_adopt(&out, feed);
    assert_int_equal(feed_state_save(scratch, "mine", &out, &fault), ST_OK);
    return due(feed);
}

static void a_server_may_want_to_be_left_alone(void **state)
{
    int64_t now_ms = NOW_S * INT64_C(1000);
    (void)state;
    clock_fake(0, now_ms);
    struct feed_state failed = {.failures = 1, .last_try_ms = now_ms, .retry_at_ms = now_ms + 7200 * 1000};
    assert_int_equal(due_with(&mine, &failed), 7200);
    failed.retry_at_ms = now_ms + 10 * 1000;
    assert_in_range(due_with(&mine, &failed), 45, 75);   /* our own back-off is longer */
    failed.retry_at_ms = now_ms + 86401 * INT64_C(1000); /* no server may say that: the clock went back */
    assert_in_range(due_with(&mine, &failed), 45, 75);
}

static void a_publisher_may_want_to_be_asked_rarely(void **state)
{
    struct feed urlhaus = mine;
    int64_t now_ms = NOW_S * INT64_C(1000);
    (void)state;
    clock_fake(0, now_ms);
    urlhaus.url = "https://urlhaus.abuse.ch/downloads/csv_recent/";
    urlhaus.interval_s = 60;
    struct feed_state asked = {.last_try_ms = now_ms, .last_success_ms = now_ms, .asked_ms = now_ms - 100 * 1000};
    assert_int_equal(due_with(&urlhaus, &asked), 200);
    urlhaus.format = "urls"; /* due at once, but for that */
    assert_int_equal(due(&urlhaus), 200);
    clock_fake_advance(200 * 1000);
    assert_int_equal(due(&urlhaus), 0);
}

static void what_is_not_believed_is_asked_for_as_usual(void **state)
{
    struct feed rare = mine;
    int64_t now_ms = NOW_S * INT64_C(1000);
    (void)state;
    clock_fake(0, now_ms);
    struct feed_state held = {.failures = 5, .held_back = true, .last_try_ms = now_ms};
    assert_in_range(due_with(&mine, &held), 3600, 3780);
    rare.interval_s = 7 * 86400; /* three times over a day are enough */
    assert_in_range(due_with(&rare, &held), 12 * 3600, 12 * 3600 * 21 / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_feed_is_due_after_its_interval, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(failures_are_retried_ever_later, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_zone_is_due_by_the_timers_of_its_soa, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_zone_expires_after_its_time_and_a_few_tries, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(other_settings_are_due_at_once, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_clock_that_went_back_does_not_hold_a_feed, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_server_may_want_to_be_left_alone, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_publisher_may_want_to_be_asked_rarely, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(what_is_not_believed_is_asked_for_as_usual, make_folder, remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
