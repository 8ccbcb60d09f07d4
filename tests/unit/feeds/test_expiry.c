#include "feed_test.h"

#include "feeds/expiry.h"

enum { DAY = 86400 };

static const int64_t noon = 20000 * (int64_t)DAY + DAY / 2;

static void what_a_snapshot_lists_does_not_expire(void **state)
{
    const struct feed feed = {.retain = FEED_RETAIN_SNAPSHOT};
    (void)state;
    assert_int_equal(expiry_of(&feed, INDICATOR_NAME, CATEGORY_C2, noon), 0);
    assert_int_equal(expiry_step(&feed, noon), 0);
}

static void a_windows_entries_live_as_long_as_their_kind_does(void **state)
{
    static const struct {
        enum indicator_kind kind;
        enum category category;
        int days;
    } lives[] = {
        {INDICATOR_NAME, CATEGORY_C2, 180},      {INDICATOR_NAME, CATEGORY_DGA, 3},
        {INDICATOR_NAME, CATEGORY_PHISHING, 30}, {INDICATOR_URL, CATEGORY_MALWARE, 30},
        {INDICATOR_URL, CATEGORY_C2, 30},        {INDICATOR_URL, CATEGORY_PHISHING, 14},
        {INDICATOR_NETWORK, CATEGORY_C2, 30},    {INDICATOR_URL, CATEGORY_SCAM, 14},
    };
    const struct feed feed = {.retain = FEED_RETAIN_WINDOW};
    (void)state;
    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        int64_t least = noon + lives[i].days * (int64_t)DAY;
        int64_t end = expiry_of(&feed, lives[i].kind, lives[i].category, noon);
        assert_in_range(end, least, least + 7 * DAY);
        assert_int_equal(end % DAY, 0);
    }
}

static void what_is_set_goes_before_the_kind(void **state)
{
    const struct feed snapshot = {.expire_s = 3600}, window = {.expire_s = 2 * DAY, .retain = FEED_RETAIN_WINDOW};
    (void)state;
    assert_in_range(expiry_of(&snapshot, INDICATOR_URL, CATEGORY_C2, noon), noon + 3600, noon + 3600 + 3600 / 8);
    assert_in_range(expiry_of(&window, INDICATOR_NAME, CATEGORY_C2, noon), noon + 2 * DAY, noon + 3 * DAY);
    const struct feed eternal = {.expire_s = 10000000000};
    assert_int_equal(expiry_of(&eternal, INDICATOR_URL, CATEGORY_C2, noon), UINT32_MAX);
}

static void the_step_changes_when_and_only_when_an_expiry_does(void **state)
{
    static const struct feed feeds[] = {
        {.retain = FEED_RETAIN_WINDOW}, {.expire_s = 100},      {.expire_s = 3600},          {.expire_s = DAY},
        {.expire_s = 3 * DAY},          {.expire_s = 90 * DAY}, {.expire_s = 200 * DAY + 7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof feeds / sizeof feeds[0]; i++) {
        unsigned changes = 0;
        for (int64_t at = noon; at < noon + 9 * DAY; at += 599) {
            bool changed = false;
            for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++)
                for (enum category category = 0; category < CATEGORY_COUNT; category++)
                    changed = changed || expiry_of(&feeds[i], kind, category, at) !=
                                             expiry_of(&feeds[i], kind, category, at + 599);
            bool stepped = expiry_step(&feeds[i], at) != expiry_step(&feeds[i], at + 599);
            assert_int_equal(changed, stepped);
            changes += changed;
        }
        assert_true(changes > 0);
    }
}

static void without_a_time_a_list_is_of_now(void **state)
{
    const struct feed then = {.listed_ms = 1500}, now = {0};
    (void)state;
    assert_int_equal(expiry_listed_s(&then), 1);
    assert_true(expiry_listed_s(&now) > 1700000000);
    assert_true(expiry_listed_s(NULL) > 1700000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_snapshot_lists_does_not_expire),
        cmocka_unit_test(a_windows_entries_live_as_long_as_their_kind_does),
        cmocka_unit_test(what_is_set_goes_before_the_kind),
        cmocka_unit_test(the_step_changes_when_and_only_when_an_expiry_does),
        cmocka_unit_test(without_a_time_a_list_is_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
