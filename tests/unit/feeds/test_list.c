#include "feed_test.h"

#include <jansson.h>

#include "base/clock.h"
#include "feeds/feed_state.h"
#include "feeds/skip.h"

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

/* What is printed of NAME (NULL: all); freed by the caller. */
static char *list_of(const char *name, bool json, enum status expected)
{
    struct feed_site mine = {.state_dir = scratch, .feeds = feeds, .feed_count = 3};
    char *text = NULL;
    size_t n = 0;
    struct fault fault = {0};
    FILE *out = open_memstream(&text, &n);
    assert_int_equal(feeds_list(&mine, name, json, out, &fault), expected);
    fclose(out);
    return text;
}

static char *list(bool json)
{
    return list_of(NULL, json, ST_OK);
}

static void expect_words(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(text, *words))
            fail_msg("'%s' is missing in:\n%s", *words, text);
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

static void change_state(const char *name, void (*change)(struct feed_state *state))
{
    struct feed_state state;
    struct fault fault = {0};
    feed_state_load(scratch, name, &state);
    change(&state);
    assert_int_equal(feed_state_save(scratch, name, &state, &fault), ST_OK);
}

static void make_old(struct feed_state *state)
{
    state->last_success_ms = clock_wall_ms() - 3600 * 1000;
    state->last_change_ms = clock_wall_ms() - 5 * 86400 * INT64_C(1000);
    text_copy(state->report.notice, sizeof state->report.notice, STR("# This list is deprecated"));
}

static void make_dead(struct feed_state *state)
{
    make_old(state);
    state->last_success_ms = clock_wall_ms() - 4 * 86400 * INT64_C(1000);
}

static void make_young(struct feed_state *state)
{
    state->last_success_ms = state->last_change_ms = clock_wall_ms() - 23 * 3600 * 1000;
    state->report.notice[0] = '\0';
}

static void feeds_that_are_dead_or_say_so_are_pointed_at(void **state)
{
    (void)state;
    change_state("configured", make_old);
    char *text = list_of("configured", false, ST_OK);
    expect_words(text, (const char *const[]){"warning", "the list says: # This list is deprecated",
                                             "it has not changed for 5 d", NULL});
    free(text);
    change_state("configured", make_dead);
    text = list(true);
    json_t *all = json_loads(text, 0, NULL);
    const json_t *warnings = json_object_get(row_of(all, "configured"), "warnings");
    assert_int_equal(json_array_size(warnings), 2);
    assert_string_equal(json_string_value(json_array_get(warnings, 1)), "last fetched 4 d ago: it may be dead");
    json_decref(all);
    free(text);
    change_state("configured", make_young); /* a feed of every hour may be away for a day */
    text = list(false);
    assert_null(strstr(text, "warning"));
    free(text);
}

static void hold_back(struct feed_state *state)
{
    state->failures = 2;
    state->held_back = true;
    text_copy(state->reason, sizeof state->reason, STR("configured: it has 1 entries now, 300 before"));
    state->refused = (struct feed_report){.format = "domains", .lines = 30, .example_count = 1};
    state->refused.entries[INDICATOR_NAME] = 1;
    state->refused.skipped[0].reason = skip_text(SKIP_NOT_NAME);
    state->refused.skipped[0].count = 29;
    state->refused.skipped_count = 1;
    text_copy(state->refused.examples[0], sizeof state->refused.examples[0], STR("configured:7: <b>: not a host name"));
}

static void one_feed_is_shown_in_full(void **state)
{
    (void)state;
    change_state("configured", hold_back);
    char *text = list_of("configured", false, ST_OK);
    expect_words(text,
                 (const char *const[]){"configured (configured)", "held back: configured: it has 1 entries now",
                                       "https://feeds.example/x", "hosts, malware, block, snapshot", "2 names",
                                       "generation 1 of 20", "last success", "The list in force: format domains",
                                       "The list that was not taken: format domains, 30 lines",
                                       "skipped 29: not a host name", "configured:7: <b>: not a host name", NULL});
    free(text);
    text = list_of("configured", true, ST_OK);
    json_t *all = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(all, "feeds")), 1);
    const json_t *row = row_of(all, "configured");
    assert_true(json_is_true(json_object_get(row, "held_back")));
    assert_int_equal(number_of(json_object_get(json_object_get(row, "refused"), "skipped"), "not a host name"), 29);
    assert_int_equal(number_of(json_object_get(json_object_get(row, "report"), "entries"), "names"), 2);
    json_decref(all);
    free(text);
}

static void imported_and_built_in_ones_can_be_shown_too(void **state)
{
    (void)state;
    char *text = list_of("by-hand", false, ST_OK);
    expect_words(text, (const char *const[]){"by-hand (imported)", "imported from", "1 name, 0 URLs, 1 network;",
                                             "The list in force", NULL});
    free(text);
    text = list_of("test-hosts", false, ST_OK);
    expect_words(text, (const char *const[]){"test-hosts (built-in)", "in force", NULL});
    free(text);
    text = list_of("waiting", false, ST_OK);
    expect_words(text, (const char *const[]){"not fetched yet", "in force       nothing", "never", NULL});
    free(text);
    free(list_of("unknown", false, ST_NOT_FOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_get_every_source_with_its_state),     cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(feeds_that_are_dead_or_say_so_are_pointed_at), cmocka_unit_test(one_feed_is_shown_in_full),
        cmocka_unit_test(imported_and_built_in_ones_can_be_shown_too),
    };
    return cmocka_run_group_tests(tests, fill, remove_scratch);
}
