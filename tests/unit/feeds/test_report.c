#include "feed_test.h"

#include "feeds/report.h"

static struct feed_report round_trip(const struct feed_report *report)
{
    struct feed_report back;
    json_t *json = report_json(report);
    char *text = json_dumps(json, 0);
    json_decref(json);
    json = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(json);
    report_from_json(json, &back);
    json_decref(json);
    return back;
}

static void a_report_that_is_kept_is_the_same(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    (void)state;
    free(dump_of(
        write_text("feed", "# This list has been deprecated\na.example\nb.example\na.example\nno name\n10.0.0.1\n"),
        "domains", FEED_DUMP_NONE, &st, &report, &fault));
    assert_int_equal(st, ST_OK);
    struct feed_report back = round_trip(&report);
    assert_string_equal(back.format, "domains");
    assert_int_equal(back.lines, 6);
    assert_int_equal(back.comments, 1);
    assert_int_equal(back.faulty_lines, 1);
    assert_int_equal(back.entries[INDICATOR_NAME], 2);
    assert_int_equal(back.duplicates, 1);
    assert_non_null(strstr(back.notice, "deprecated"));
    assert_int_equal(back.skipped_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_ptr_equal(back.skipped[i].reason, report.skipped[i].reason);
        assert_int_equal(back.skipped[i].count, report.skipped[i].count);
    }
    assert_int_equal(back.example_count, 2);
    assert_string_equal(back.examples[1], report.examples[1]);
}

static void what_is_guarded_is_kept_too(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    struct feed feed = {.name = "mine", .format = "domains", .category = CATEGORY_C2};
    (void)state;
    assert_int_equal(feed_import(&site, write_text("feed", "github.io\nevil.example\n"), &feed, false, &report, &fault),
                     ST_OK);
    assert_int_equal(report.guarded_count, 1);
    struct feed_report back = round_trip(&report);
    assert_int_equal(back.guarded_count, 1);
    assert_ptr_equal(back.guarded[0].reason, report.guarded[0].reason);
    assert_int_equal(back.guarded[0].count, 1);
}

static void what_is_no_report_gives_an_empty_one(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "{\"lines\": \"many\", \"entries\": 5, \"skipped\": [1], \"examples\": {\"a\": 1}, \"guarded\": null}",
        "{\"lines\": -5, \"entries\": {\"names\": -1}, \"skipped\": {\"of another version\": 5}, \"examples\": []}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct feed_report report;
        json_t *json = json_loads(texts[i], 0, NULL);
        assert_non_null(json);
        report_from_json(json, &report);
        json_decref(json);
        assert_int_equal(report.lines, 0);
        assert_int_equal(report_entries(&report), 0);
        assert_int_equal(report.skipped_count + report.guarded_count + report.example_count, 0);
    }
}

static void a_report_that_is_too_long_is_cut(void **state)
{
    struct feed_report report;
    json_t *json = json_object(), *examples = json_array();
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        json_array_append_new(examples, json_sprintf("%0300u\x1b[31m", i));
    json_object_set_new(json, "examples", examples);
    report_from_json(json, &report);
    assert_int_equal(report.example_count, FEED_EXAMPLES);
    assert_int_equal(strlen(report.examples[0]), sizeof report.examples[0] - 1);
    json_decref(json);
}

static void a_refused_feed_tells_machines_why(void **state)
{
    struct feed_report report = {.lines = 3, .faulty_lines = 2, .format = "domains"};
    struct fault fault = {.text = "feed:2: \"no\" name"};
    char text[4096] = "";
    (void)state;
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    assert_int_equal(feed_report_print_refused(&report, &fault, out), ST_OK);
    fclose(out);
    json_t *json = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "refused")), fault.text);
    assert_int_equal(json_integer_value(json_object_get(json, "faulty_lines")), 2);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_report_that_is_kept_is_the_same, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(what_is_guarded_is_kept_too, make_scratch, remove_scratch),
        cmocka_unit_test(what_is_no_report_gives_an_empty_one),
        cmocka_unit_test(a_report_that_is_too_long_is_cut),
        cmocka_unit_test(a_refused_feed_tells_machines_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
