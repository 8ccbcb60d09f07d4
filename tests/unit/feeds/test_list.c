#include "feed_test.h"

#include <jansson.h>

#include "base/clock.h"
#include "feeds/feed_state.h"

static const struct feed feeds[] = {
    {.name = "configured",
     .url = "https://feeds.example/x",
     .format = "hosts",
     .category = CATEGORY_MALWARE,
     .interval_s = 3600},
    {.name = "waiting",
     .url = "https://feeds.example/y",
     .format = "auto",
     .category = CATEGORY_C2,
     .interval_s = 3600},
    {.name = "failing",
     .url = "https://feeds.example/z",
     .format = "urls",
     .category = CATEGORY_C2,
     .interval_s = 3600},
};

static char *list(bool json)
{
    char *text = NULL;
    size_t n = 0;
    struct fault fault = {0};
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(
        feeds_list(&(struct feed_site){.state_dir = scratch, .feeds = feeds, .feed_count = 3}, NULL, json, out, &fault),
        ST_OK);
    fclose(out);
    return text;
}

static void import_as(const char *name, const char *text)
{
    struct feed feed = {.name = name, .format = "domains", .category = CATEGORY_C2};
    struct feed_report report;
    struct fault fault = {0};
    assert_int_equal(feed_import(&site, write_text("feed", text), &feed, false, &report, &fault), ST_OK);
}

static int fill(void **state)
{
    struct fault fault = {0};
    struct feed_state failing = {.failures = 2, .reason = "failing: the server answers with status 500"};
    if (make_scratch(state) || mkdir(in_scratch("feeds"), 0700))
        return -1;
    failing.last_try_ms = clock_wall_ms() - 3 * 3600 * 1000;
    feed_state_adopt(&failing, &feeds[2]);
    assert_int_equal(feed_state_save(scratch, "failing", &failing, &fault), ST_OK);
    import_as("configured", "a.example\nb.example\n");
    import_as("by-hand", "c.example\n192.0.2.1\n");
    return 0;
}

static const json_t *row_of(const json_t *all, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(all, "feeds"), i, row)
    {
        if (!strcmp(json_string_value(json_object_get(row, "name")), name))
            return row;
    }
    fail_msg("no row %s", name);
    return NULL;
}

static void expect_text(const json_t *row, const char *key, const char *text)
{
    const char *got = json_string_value(json_object_get(row, key));
    assert_non_null(got);
    assert_string_equal(got, text);
}

static long long number_of(const json_t *row, const char *key)
{
    assert_true(json_is_integer(json_object_get(row, key)));
    return json_integer_value(json_object_get(row, key));
}

static void programs_get_every_source_with_its_state(void **state)
{
    (void)state;
    char *text = list(true);
    json_t *all = json_loads(text, 0, NULL);
    assert_non_null(all);
    assert_int_equal(json_array_size(json_object_get(all, "feeds")), 5);

    const json_t *row = row_of(all, "configured");
    expect_text(row, "kind", "configured");
    expect_text(row, "category", "malware");
    expect_text(row, "url", "https://feeds.example/x");
    assert_int_equal(number_of(row, "names"), 2);

    row = row_of(all, "waiting");
    assert_true(json_is_false(json_object_get(row, "in_store")));
    assert_true(json_is_null(json_object_get(row, "last_try")));
    assert_int_equal(number_of(row, "due_in_s"), 0);

    row = row_of(all, "failing");
    assert_int_equal(number_of(row, "failures"), 2);
    expect_text(row, "reason", "failing: the server answers with status 500");
    assert_true(json_is_string(json_object_get(row, "last_try")));

    row = row_of(all, "by-hand");
    expect_text(row, "kind", "imported");
    assert_int_equal(number_of(row, "names"), 1);
    assert_int_equal(number_of(row, "networks"), 1);

    row = row_of(all, "test-hosts");
    expect_text(row, "kind", "built-in");
    assert_true(number_of(row, "names") > 20);
    assert_true(number_of(row, "urls") > 10);
    json_decref(all);
    free(text);
}

static void people_get_a_table(void **state)
{
    (void)state;
    char *text = list(false);
    static const char *const words[] = {"NAME",
                                        "LAST TRY",
                                        "configured",
                                        "not fetched yet",
                                        "imported",
                                        "built-in",
                                        "failed 2 times: failing: the server answers with status 500",
                                        "3 h"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_non_null(strstr(text, words[i]));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_get_every_source_with_its_state),
        cmocka_unit_test(people_get_a_table),
    };
    return cmocka_run_group_tests(tests, fill, remove_scratch);
}
