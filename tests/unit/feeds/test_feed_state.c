#include "feed_test.h"

#include "feeds/feed_state.h"

static const struct feed mine = {.name = "mine",
                                 .url = "https://feeds.example/x",
                                 .format = "hosts",
                                 .category = CATEGORY_C2,
                                 .risk = RISK_HIGH,
                                 .interval_s = 3600};
static int make_folder(void **state)
{
    return make_scratch(state) || mkdir(in_scratch("feeds"), 0700);
}

static void a_state_is_read_as_it_was_written(void **state)
{
    struct feed_state out = {.failures = 3,
                             .last_try_ms = 1700000000123,
                             .last_success_ms = 1600000000000,
                             .last_change_ms = 1500000000000,
                             .reason = "mine: \"quoted\" \xe6\x97\xa5",
                             .validators = {.etag = "W/\"x\\y\"", .last_modified = "Sun, 22 Nov 2026 00:00:01 GMT"}};
    struct feed_state in;
    struct fault fault = {0};
    (void)state;
    feed_state_adopt(&out, &mine);
    assert_int_equal(feed_state_save(scratch, "mine", &out, &fault), ST_OK);
    feed_state_load(scratch, "mine", &in);
    assert_int_equal(in.failures, 3);
    assert_int_equal(in.last_try_ms, out.last_try_ms);
    assert_int_equal(in.last_success_ms, out.last_success_ms);
    assert_int_equal(in.last_change_ms, out.last_change_ms);
    assert_string_equal(in.reason, out.reason);
    assert_string_equal(in.validators.etag, out.validators.etag);
    assert_string_equal(in.validators.last_modified, out.validators.last_modified);
    assert_true(feed_state_matches(&in, &mine));
    assert_int_not_equal(access(in_scratch("feeds/mine.json.part"), F_OK), 0);
}

static void a_change_of_settings_is_seen(void **state)
{
    struct feed_state had = {0};
    struct feed other = mine;
    (void)state;
    feed_state_adopt(&had, &mine);
    other.interval_s = 1;
    assert_true(feed_state_matches(&had, &other));
    other.category = CATEGORY_MALWARE;
    assert_false(feed_state_matches(&had, &other));
    other = mine;
    other.url = "https://feeds.example/y";
    assert_false(feed_state_matches(&had, &other));
    other = mine;
    other.format = "auto";
    assert_false(feed_state_matches(&had, &other));
}

static void a_damaged_state_counts_as_none(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "null",
                                        "{\"schema\": 2, \"last_try_ms\": 5}",
                                        "{\"schema\": 1, \"last_try_ms\": \"x\", \"failures\": -1, \"etag\": 7}"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct feed_state in;
        write_text("feeds/mine.json", texts[i]);
        feed_state_load(scratch, "mine", &in);
        assert_int_equal(in.last_try_ms, 0);
        assert_int_equal(in.failures, 0);
        assert_string_equal(in.validators.etag, "");
        assert_int_equal(feed_due_in_s(scratch, &mine), 0);
    }
}

static void a_state_that_cannot_be_written_is_a_failure(void **state)
{
    struct feed_state out = {0};
    struct fault fault = {0};
    (void)state;
    assert_int_equal(feed_state_save(in_scratch("missing"), "mine", &out, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "mine.json"));
}

static void a_state_is_kept_with_all_it_has(void **state)
{
    struct feed_state in, out = {.asked_ms = 5,
                                 .retry_at_ms = 6,
                                 .held_back = true,
                                 .held = {.entries = 7, .times = 2, .first_ms = 8},
                                 .outdated = true,
                                 .guards = UINT64_C(0xfedcba9876543210),
                                 .expiry_step = 9,
                                 .from = "https://mirror.example/",
                                 .generation = 10,
                                 .entries = 11,
                                 .zone = {true, 1, 2, 3, 4294967295u},
                                 .rejected_ms = 12,
                                 .rejected_serial = 0};
    struct feed window = {.name = "mine",
                          .url = "https://feeds.example/x",
                          .format = "auto",
                          .use = FEED_GUARDS,
                          .match = FEED_MATCH_EXACT,
                          .retain = FEED_RETAIN_WINDOW,
                          .expire_s = 86400,
                          .top = 1000,
                          .min_confidence = 50};
    struct fault fault = {0};
    (void)state;
    memset(out.body, 'a', DIGEST_TEXT_SIZE - 1);
    memset(out.rejected, 'b', DIGEST_TEXT_SIZE - 1);
    feed_state_adopt(&out, &window);
    assert_int_equal(feed_state_save(scratch, "mine", &out, &fault), ST_OK);
    feed_state_load(scratch, "mine", &in);
    assert_int_equal(in.asked_ms, 5);
    assert_int_equal(in.retry_at_ms, 6);
    assert_true(in.held_back && in.outdated && in.zone.known);
    assert_memory_equal(&in.held, &out.held, sizeof in.held);
    assert_true(in.guards == out.guards);
    assert_int_equal(in.expiry_step, 9);
    assert_string_equal(in.from, out.from);
    assert_int_equal(in.generation, 10);
    assert_int_equal(in.entries, 11);
    assert_int_equal(in.zone.serial + in.zone.refresh_s + in.zone.retry_s, 6);
    assert_int_equal(in.zone.expire_s, 4294967295u);
    assert_string_equal(in.body, out.body);
    assert_string_equal(in.rejected, out.rejected);
    assert_int_equal(in.rejected_ms, 12);
    assert_int_equal(in.rejected_serial, 0);
    assert_true(feed_state_matches(&in, &window));
    struct feed again = feed_state_feed(&in, "mine");
    assert_true(feed_state_matches(&in, &again));
    assert_int_equal(again.top, 1000);
    window.top = 999;
    assert_false(feed_state_matches(&in, &window));
}

static void what_is_no_digest_is_none(void **state)
{
    struct feed_state in;
    (void)state;
    write_text("feeds/mine.json", "{\"schema\": 1, \"body\": \"../x\", \"rejected\": \"ABC\", \"guards\": \"zz\"}");
    feed_state_load(scratch, "mine", &in);
    assert_string_equal(in.body, "");
    assert_string_equal(in.rejected, "");
    assert_int_equal(in.guards, 0);
    assert_int_equal(in.rejected_serial, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_state_is_read_as_it_was_written, make_folder, remove_scratch),
        cmocka_unit_test(a_change_of_settings_is_seen),
        cmocka_unit_test_setup_teardown(a_state_is_kept_with_all_it_has, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(what_is_no_digest_is_none, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_damaged_state_counts_as_none, make_folder, remove_scratch),
        cmocka_unit_test_setup_teardown(a_state_that_cannot_be_written_is_a_failure, make_folder, remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
