#include "feed_test.h"

#include "base/clock.h"
#include "feeds/guard_set.h"
#include "reputation/source_walk.h"

static struct feed window = {
    .name = "mine", .format = "domains", .category = CATEGORY_PHISHING, .retain = FEED_RETAIN_WINDOW};

static struct feed_report import(const struct feed *feed, const char *text)
{
    struct feed_report report;
    struct fault fault = {0};
    assert_int_equal(feed_import(&site, write_text("feed", text), feed, false, &report, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    return report;
}

static enum status list_entry(void *user, const struct stored_entry *entry)
{
    char text[DNAME_TEXT_SIZE];
    if (entry->kind == INDICATOR_NETWORK)
        network_format(&entry->network, text);
    else
        dname_to_text(&entry->name, text);
    fprintf(user, "%s%s%s\n", text, entry->record.flags & RECORD_GUARDED ? " guarded" : "",
            entry->record.flags & RECORD_LOG ? " log" : "");
    return ST_OK;
}

/* What is in force of "mine". */
static void assert_in_force(const char *expected)
{
    struct source *source = NULL;
    struct fault fault = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(source_open_newest(in_scratch("reputation"), "mine", &source, &fault), ST_OK);
    assert_int_equal(source_walk(source, list_entry, out), ST_OK);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    source_close(source);
}

static void what_falls_out_of_a_window_stays(void **state)
{
    (void)state;
    struct feed_report report = import(&window, "a.example\nb.example\nb.example\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 2);
    report = import(&window, "b.example\nc.example\nc.example\n198.51.100.1\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 2); /* of the list itself */
    assert_int_equal(report.duplicates, 1);
    assert_int_equal(report.carried[INDICATOR_NAME], 1);
    assert_int_equal(report.source.counts[INDICATOR_NAME], 3);
    assert_in_force("a.example\nb.example\nc.example\n198.51.100.1/32\n");
}

static void a_snapshot_has_what_is_in_the_list(void **state)
{
    struct feed snapshot = window;
    (void)state;
    snapshot.retain = FEED_RETAIN_SNAPSHOT;
    import(&snapshot, "a.example\n");
    struct feed_report report = import(&snapshot, "b.example\n");
    assert_int_equal(report.carried[INDICATOR_NAME], 0);
    assert_in_force("b.example\n");
}

static void what_expired_is_not_carried_on(void **state)
{
    struct feed old = window;
    (void)state;
    old.listed_ms = clock_wall_ms() - 100 * 86400 * INT64_C(1000); /* phishing names live for 30 days */
    import(&old, "long-ago.example\n");
    old.listed_ms = clock_wall_ms() - 20 * 86400 * INT64_C(1000);
    import(&old, "lately.example\n");
    import(&window, "now.example\n");
    assert_in_force("now.example\nlately.example\n");
}

static void what_would_stay_for_ever_is_not_carried_on(void **state)
{
    struct feed snapshot = window;
    (void)state;
    snapshot.retain = FEED_RETAIN_SNAPSHOT;
    import(&snapshot, "a.example\n");
    import(&window, "b.example\n");
    assert_in_force("b.example\n");
}

static void the_same_list_on_the_same_day_writes_nothing(void **state)
{
    struct feed fixed = window;
    (void)state;
    fixed.listed_ms = clock_wall_ms() / 86400000 * 86400000; /* so that no midnight comes between */
    import(&fixed, "a.example\n");
    struct feed_report report = import(&fixed, "b.example\n");
    uint64_t generation = report.source.generation;
    report = import(&fixed, "b.example\n");
    assert_true(report.unchanged);
    assert_int_equal(report.source.generation, generation);
    assert_int_equal(report.carried[INDICATOR_NAME], 1);
}

static void what_is_carried_is_guarded_by_what_guards_now(void **state)
{
    static const struct feed guards = {.name = "popular", .format = "domains", .use = FEED_GUARDS, .url = "file:///x"};
    static const struct feed_site guarded = {.state_dir = scratch, .feeds = &guards, .feed_count = 1};
    struct feed_report report;
    struct fault fault = {0};
    (void)state;
    import(&window, "a.example\nb.example\n");
    import(&guards, "a.example\n");
    assert_int_equal(feed_import(&guarded, write_text("feed", "c.example\n"), &window, false, &report, &fault), ST_OK);
    assert_in_force("a.example guarded log\nb.example\nc.example\n");
    import(&guards, "b.example\n");
    assert_int_equal(feed_import(&guarded, write_text("feed", "c.example\n"), &window, false, &report, &fault), ST_OK);
    assert_in_force("a.example\nb.example guarded log\nc.example\n");
}

static void a_refused_list_leaves_the_window_as_it_was(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    (void)state;
    import(&window, "a.example\n");
    assert_int_not_equal(feed_import(&site, write_text("feed", "<html>\n"), &window, false, &report, &fault), ST_OK);
    assert_in_force("a.example\n");
}

static void a_damaged_source_loses_what_it_listed_and_not_the_list(void **state)
{
    (void)state;
    import(&window, "a.example\n");
    assert_int_equal(truncate(in_scratch("reputation/mine.1.mdb"), 4096), 0);
    import(&window, "b.example\n");
    assert_in_force("b.example\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_falls_out_of_a_window_stays, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_snapshot_has_what_is_in_the_list, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(what_expired_is_not_carried_on, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(what_would_stay_for_ever_is_not_carried_on, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(the_same_list_on_the_same_day_writes_nothing, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(what_is_carried_is_guarded_by_what_guards_now, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_refused_list_leaves_the_window_as_it_was, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_damaged_source_loses_what_it_listed_and_not_the_list, make_scratch,
                                        remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
