#include "refresh_test.h"

#include <sys/file.h>

#include "base/clock.h"
#include "reputation/source_writer.h"

static struct source_info info;

static enum status roll_back(void)
{
    fault = (struct fault){0};
    enum status st = feed_rollback(&site, "mine", &info, &fault);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    return st;
}

static enum status rebuild_at(const struct feed_site *at, const char *name)
{
    fault = (struct fault){0};
    enum status st = feed_rebuild(at, name, false, &report, &fault);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    return st;
}

static enum status rebuild(void)
{
    return rebuild_at(&site, "mine");
}

static int remove_store(void)
{
    struct fault why = {0};
    return source_remove(in_scratch("reputation"), "mine", &why) == ST_OK ? 0 : -1;
}

static void the_list_before_is_in_force_again_and_stays_so(void **state)
{
    struct feed feed = feed_at("/body");
    (void)state;
    serve_names("good", 10);
    assert_int_equal(refresh("/body"), ST_OK);
    serve_names("bad", 20);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(roll_back(), ST_OK);
    assert_int_equal(info.counts[INDICATOR_NAME], 10);
    assert_int_equal(entries_in_force(), 10);
    assert_int_equal(state_now().failures, 0);
    for (unsigned i = 1; i <= 2; i++) { /* the publisher has not noticed yet */
        assert_int_equal(refresh("/body"), ST_DENIED);
        assert_non_null(strstr(fault.text, "it is still the list that was rolled back at 20"));
        assert_int_equal(entries_in_force(), 10);
        assert_true(state_now().held_back);
    }
    assert_int_equal(rebuild(), ST_NOT_FOUND); /* the copy was of the list that is given up */
    serve_names("mended", 15);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(entries_in_force(), 15);
    serve_names("bad", 20);
    assert_int_equal(refresh("/body"), ST_DENIED);
    assert_int_equal(refresh_as(&feed, FEED_ACCEPT), ST_OK);
    assert_int_equal(entries_in_force(), 20);
    assert_int_equal(refresh("/body"), ST_OK);
}

static void a_list_that_calls_itself_unchanged_is_recognised_too(void **state)
{
    (void)state;
    serve_names("good", 10);
    assert_int_equal(refresh("/body"), ST_OK);
    struct feed feed = feed_at("/feed");
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_int_equal(roll_back(), ST_OK);
    assert_int_equal(refresh_as(&feed, 0), ST_DENIED); /* and not 304, which would leave it at that */
    assert_null(strstr(server_last_request(), "If-None-Match"));
}

static void what_comes_after_is_compared_with_what_is_in_force(void **state)
{
    (void)state;
    serve_names("good", 1000);
    assert_int_equal(refresh("/body"), ST_OK);
    serve_names("bad", 500);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(roll_back(), ST_OK);
    serve_names("less", 400);
    assert_int_equal(refresh("/body"), ST_DENIED);
    assert_non_null(strstr(fault.text, "400 entries now, 1000 before"));
}

static void there_may_be_nothing_to_go_back_to(void **state)
{
    (void)state;
    assert_int_equal(roll_back(), ST_NOT_FOUND);
    serve_names("good", 10);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_int_equal(roll_back(), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "no generation before"));
    assert_int_equal(entries_in_force(), 10);
    assert_int_equal(refresh("/body"), ST_OK);
    assert_true(report.unchanged);
    assert_int_equal(rebuild(), ST_OK);
}

static void going_back_waits_for_no_refresh(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_scratch("feeds"), 0700), 0);
    int fd = open(write_text("feeds/mine.part", ""), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(roll_back(), ST_BUSY);
    assert_int_equal(rebuild(), ST_BUSY);
    close(fd);
}

static void a_source_is_built_again_without_the_network(void **state)
{
    struct feed feed = feed_at("/body");
    struct feed_site configured = site;
    (void)state;
    configured.feeds = &feed;
    configured.feed_count = 1;
    serve_names("n", 300);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    struct feed_state before = state_now();
    assert_int_equal(remove_store(), 0);
    unsigned requests = atomic_load(&server.requests);
    assert_int_equal(rebuild_at(&configured, "mine"), ST_OK);
    assert_int_equal(report.entries[INDICATOR_NAME], 300);
    assert_int_equal(entries_in_force(), 300);
    assert_int_equal(atomic_load(&server.requests), requests);
    assert_int_equal(state_now().last_try_ms, before.last_try_ms);
    assert_int_equal(state_now().last_success_ms, before.last_success_ms);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_true(report.unchanged);
    feed.category = CATEGORY_PHISHING; /* new settings are good for it too */
    assert_int_equal(rebuild_at(&configured, "mine"), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(report.source.category, CATEGORY_PHISHING);
}

static void a_copy_of_another_list_leaves_the_feed_due(void **state)
{
    struct feed feed = feed_at("/body");
    struct feed_site configured = site;
    char moved[128];
    (void)state;
    configured.feeds = &feed;
    configured.feed_count = 1;
    serve_names("n", 300);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_true(feed_due_in_s(scratch, &feed) > 0);
    snprintf(moved, sizeof moved, "%s", server_url("/body?moved"));
    feed.url = moved;
    assert_int_equal(rebuild_at(&configured, "mine"), ST_OK);
    assert_int_equal(feed_due_in_s(scratch, &feed), 0);
    serve_names("other", 10); /* which is not less of the same */
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_int_equal(entries_in_force(), 10);
}

static void reading_a_list_otherwise_does_not_change_it(void **state)
{
    struct feed feed = feed_at("/body");
    struct feed_site configured = site;
    (void)state;
    configured.feeds = &feed;
    configured.feed_count = 1;
    serve_names("n", 300);
    clock_fake(1000, INT64_C(1800000000000));
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    clock_fake_advance(1000);
    feed.category = CATEGORY_SCAM;
    assert_int_equal(rebuild_at(&configured, "mine"), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(state_now().last_change_ms, INT64_C(1800000000000));
    serve_names("m", 300);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_int_equal(state_now().last_change_ms, INT64_C(1800000001000));
    clock_real();
}

static void what_was_imported_is_built_again_as_it_was_imported(void **state)
{
    struct feed mine = {.name = "mine",
                        .format = "maltrail",
                        .category = CATEGORY_MALWARE,
                        .risk = RISK_LOW,
                        .match = FEED_MATCH_EXACT};
    (void)state;
    const char *path = write_text("emotet.txt", "evil.example\n");
    assert_int_equal(feed_import(&site, path, &mine, false, &report, &fault), ST_OK);
    uint64_t generation = generation_in_force();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rebuild(), ST_OK);
    assert_true(report.unchanged); /* the family from the file's name and all */
    assert_int_equal(generation_in_force(), generation);
    assert_int_equal(remove_store(), 0);
    assert_int_equal(rebuild(), ST_OK);
    assert_int_equal(report.source.category, CATEGORY_MALWARE);
    assert_string_equal(report.format, "maltrail");
    assert_int_equal(entries_in_force(), 1);
}

static void importing_the_same_again_changes_nothing(void **state)
{
    struct feed mine = {.name = "mine", .format = "auto", .category = CATEGORY_C2};
    (void)state;
    const char *path = write_text("list", "evil.example\n");
    assert_int_equal(feed_import(&site, path, &mine, false, &report, &fault), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(feed_import(&site, path, &mine, false, &report, &fault), ST_OK);
    assert_true(report.unchanged);
    assert_int_equal(report.entries[INDICATOR_NAME], 1);
    mine.category = CATEGORY_SCAM;
    assert_int_equal(feed_import(&site, path, &mine, false, &report, &fault), ST_OK);
    assert_false(report.unchanged);
}

static void a_copy_that_was_changed_is_not_built_from(void **state)
{
    (void)state;
    serve_names("n", 300);
    assert_int_equal(refresh("/body"), ST_OK);
    write_text("feeds/mine.raw", "innocent.example\n");
    assert_int_equal(rebuild(), ST_CORRUPT);
    assert_non_null(strstr(fault.text, "mine.raw is not what was taken"));
    assert_int_equal(entries_in_force(), 300);
    assert_int_equal(unlink(in_scratch("feeds/mine.raw")), 0);
    assert_int_equal(rebuild(), ST_NOT_FOUND);
    assert_int_equal(symlink("/etc/hostname", in_scratch("feeds/mine.raw")), 0);
    assert_int_not_equal(rebuild(), ST_OK);
}

static void a_copy_of_which_nothing_is_known_is_built_as_the_configuration_says(void **state)
{
    struct feed feed = feed_at("/body");
    struct feed_site configured = site;
    (void)state;
    serve_names("n", 300);
    assert_int_equal(refresh_as(&feed, 0), ST_OK);
    assert_int_equal(unlink(in_scratch("feeds/mine.json")), 0);
    assert_int_equal(rebuild(), ST_NOT_FOUND); /* nor does the configuration name it */
    assert_non_null(strstr(fault.text, "import it again"));
    configured.feeds = &feed;
    configured.feed_count = 1;
    assert_int_equal(rebuild_at(&configured, "mine"), ST_OK);
    assert_string_not_equal(state_now().body, "");
}

static void damage_is_mended_from_the_copy(void **state)
{
    char path[300];
    struct stat st;
    (void)state;
    serve_names("n", 300);
    assert_int_equal(refresh("/body"), ST_OK);
    snprintf(path, sizeof path, "%s/mine.%u.mdb", in_scratch("reputation"), (unsigned)generation_in_force());
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, st.st_size / 2), 6);
    close(fd);
    assert_int_equal(rebuild(), ST_OK);
    assert_false(report.unchanged);
    assert_int_equal(entries_in_force(), 300);
}

static void append_name(void *user, const char *name)
{
    strcat(user, name);
    strcat(user, " ");
}

static void copies_are_found_by_name(void **state)
{
    char names[200] = "";
    (void)state;
    assert_int_equal(feeds_kept(&site, append_name, names, &fault), ST_OK);
    assert_string_equal(names, "");
    assert_int_equal(mkdir(in_scratch("feeds"), 0700), 0);
    static const char *const files[] = {"b.raw", "a.raw", "a.json", "b.part", ".turn", ".raw", "Odd.raw", "x.y.raw"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "feeds/%s", files[i]);
        write_text(path, "");
    }
    assert_int_equal(feeds_kept(&site, append_name, names, &fault), ST_OK);
    assert_string_equal(names, "a b x.y ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_list_before_is_in_force_again_and_stays_so, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_that_calls_itself_unchanged_is_recognised_too, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(what_comes_after_is_compared_with_what_is_in_force, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(there_may_be_nothing_to_go_back_to, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(going_back_waits_for_no_refresh, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_source_is_built_again_without_the_network, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_copy_of_another_list_leaves_the_feed_due, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(reading_a_list_otherwise_does_not_change_it, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(what_was_imported_is_built_again_as_it_was_imported, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(importing_the_same_again_changes_nothing, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_copy_that_was_changed_is_not_built_from, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_copy_of_which_nothing_is_known_is_built_as_the_configuration_says,
                                        make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(damage_is_mended_from_the_copy, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(copies_are_found_by_name, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
