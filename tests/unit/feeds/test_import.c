#include "feed_test.h"

#include <signal.h>

#include "feeds/interrupt.h"

static const struct feed mine = {.name = "mine", .format = "auto", .category = CATEGORY_C2, .risk = RISK_HIGH};

static enum status import(const char *text, struct feed_report *report, struct fault *fault)
{
    *fault = (struct fault){0};
    return feed_import(&site, write_text("feed", text), &mine, false, report, fault);
}

/* The hits for NAME in what is in force. */
static size_t find(const char *text, struct record *record)
{
    struct store *store = store_new();
    struct store_reader *reader;
    struct store_hit hits[STORE_MAX_HITS];
    struct dname name;
    unsigned damaged = 0;
    struct fault fault = {0};
    assert_non_null(store);
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    assert_int_equal(store_add_directory(store, in_scratch("reputation"), &damaged, &fault), ST_OK);
    assert_int_equal(damaged, 0);
    assert_int_equal(store_reader_new(store, &reader), ST_OK);
    size_t n = store_find_name(reader, &name, 1, hits, STORE_MAX_HITS);
    if (n)
        *record = hits[0].record;
    store_reader_free(reader);
    store_free(store);
    return n;
}

static void an_import_is_in_force_at_once(void **state)
{
    struct feed_report report;
    struct fault fault;
    struct record record;
    (void)state;
    assert_int_equal(
        import("evil.example\n192.0.2.1\nEVIL.example.\n10.0.0.1\nlocalhost.localdomain\n", &report, &fault), ST_OK);
    assert_string_equal(report.format, "domains");
    assert_int_equal(report.entries[INDICATOR_NAME], 1);
    assert_int_equal(report.entries[INDICATOR_NETWORK], 1);
    assert_int_equal(report.duplicates, 1);
    assert_false(report.unchanged);
    assert_string_equal(report.source.name, "mine");
    assert_int_equal(find("evil.example", &record), 1);
    assert_int_equal(record.category, CATEGORY_C2);
    assert_int_equal(record.risk, RISK_HIGH);
    assert_int_equal(find("www.evil.example", &record), 1);
    assert_int_equal(find("example", &record), 0);
    assert_int_equal(find("localhost.localdomain", &record), 0);
}

static void the_same_feed_again_changes_nothing(void **state)
{
    struct feed_report report;
    struct fault fault;
    (void)state;
    assert_int_equal(import("again.example\n", &report, &fault), ST_OK);
    uint64_t generation = report.source.generation;
    assert_int_equal(import("# new comment\nagain.example\n", &report, &fault), ST_OK);
    assert_true(report.unchanged);
    assert_int_equal(report.source.generation, generation);
}

static void a_bad_feed_leaves_the_old_one_in_force(void **state)
{
    static const char *const bad[] = {
        "<html>",
        "",
        "# nothing\n",
        "{\"error\": 1}",
        "10.0.0.1\n",
        "\x1f\x8b\x08",
        "a b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\na b\nok.example\n",
    };
    struct feed_report report;
    struct fault fault;
    struct record record;
    (void)state;
    assert_int_equal(import("good.example\n", &report, &fault), ST_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(import(bad[i], &report, &fault), ST_OK);
        assert_string_not_equal(fault.text, "");
        assert_int_equal(find("good.example", &record), 1);
        assert_int_equal(find("ok.example", &record), 0);
    }
}

static void a_name_that_is_no_file_name_is_refused(void **state)
{
    static const char *const names[] = {"", "../up", "a/b", "Upper", ".hidden", "test-hosts", "user"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct feed feed = mine;
        struct feed_report report;
        struct fault fault = {0};
        feed.name = names[i];
        assert_int_equal(feed_import(&site, write_text("feed", "evil.example\n"), &feed, false, &report, &fault),
                         ST_INVALID);
        assert_non_null(strstr(fault.text, i < 5 ? "no name for a feed" : i < 6 ? "built-in" : "your own entries"));
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    (void)state;
    assert_int_equal(feed_import(&site, in_scratch("missing"), &mine, false, &report, &fault), ST_IO);
    assert_non_null(strstr(fault.text, "missing"));
}

static void a_dry_run_publishes_nothing(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    struct record record;
    enum status st;
    (void)state;
    free(dump_of(write_text("feed", "dry.example\n"), "auto", FEED_DUMP_NAMES, &st, &report, &fault));
    assert_int_equal(st, ST_OK);
    assert_int_equal(find("dry.example", &record), 0);
}

static void a_dump_comes_even_of_a_feed_that_is_refused(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    (void)state;
    char *got = dump_of(write_text("feed", "10.0.0.1\n"), "ips", FEED_DUMP_IPS, &st, &report, &fault);
    assert_int_equal(st, ST_INVALID);
    assert_string_equal(got, "10.0.0.1\n");
    free(got);
}

static enum status take_and_signal(void *user, const struct indicator *indicator, bool guarded)
{
    (void)indicator;
    (void)guarded;
    if (++*(unsigned *)user == 10)
        raise(SIGINT);
    return ST_OK;
}

static enum status refuse_after_ten(void *user, const struct indicator *indicator, bool guarded)
{
    (void)indicator;
    (void)guarded;
    return ++*(unsigned *)user == 10 ? ST_FULL : ST_OK;
}

static const char *many_names(void)
{
    FILE *out = fopen(in_scratch("many"), "w");
    assert_non_null(out);
    for (unsigned i = 0; i < 5000; i++)
        fprintf(out, "n%u.example\n", i);
    fclose(out);
    return in_scratch("many");
}

static volatile sig_atomic_t seen;
static void on_signal(int number)
{
    seen = number;
}

static void outside_of_an_import_signals_are_the_callers(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    unsigned taken = 0;
    (void)state;
    signal(SIGINT, on_signal);
    assert_int_equal(feed_parse(many_names(), &mine, false,
                                &(struct feed_sink){.take = take_and_signal, .user = &taken}, &report, &fault),
                     ST_OK);
    assert_int_equal(seen, SIGINT);
    assert_int_equal(import("evil.example\n", &report, &fault), ST_OK);
    seen = 0;
    raise(SIGINT);
    assert_int_equal(seen, SIGINT);
    signal(SIGINT, SIG_DFL);
}

static void a_failure_of_the_sink_ends_the_parse(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    unsigned taken = 0;
    (void)state;
    assert_int_equal(feed_parse(many_names(), &mine, false,
                                &(struct feed_sink){.take = refuse_after_ten, .user = &taken}, &report, &fault),
                     ST_FULL);
    assert_int_equal(taken, 10);
}

static void an_interrupt_ends_the_parse(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    unsigned taken = 0;
    (void)state;
    interrupt_begin();
    assert_int_equal(feed_parse(many_names(), &mine, false,
                                &(struct feed_sink){.take = take_and_signal, .user = &taken}, &report, &fault),
                     ST_CLOSED);
    interrupt_end();
    assert_string_equal(fault.text, "interrupted");
    assert_true(taken < 5000);
}

static void words_of_kinds_are_known(void **state)
{
    enum feed_dump dump;
    (void)state;
    assert_int_equal(feed_dump_kind(STR("ip-ports"), &dump), ST_OK);
    assert_int_equal(dump, FEED_DUMP_IP_PORTS);
    assert_int_equal(feed_dump_kind(STR("name"), &dump), ST_INVALID);
    assert_int_equal(feed_dump_kind(STR(""), &dump), ST_INVALID);
}

static void a_report_is_printed_for_people_and_programs(void **state)
{
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    (void)state;
    free(dump_of(write_text("feed", "a.example\nno name\na.example\n"), "domains", FEED_DUMP_NONE, &st, &report,
                 &fault));
    for (int json = 0; json < 2; json++) {
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);
        assert_int_equal(feed_report_print(&report, json, out), ST_OK);
        fclose(out);
        assert_non_null(strstr(text, json ? "\"names\":1" : "1 name,"));
        assert_non_null(strstr(text, json ? "\"not a host name\":1" : "skipped 1: not a host name"));
        assert_non_null(strstr(text, json ? "\"duplicates\":1" : "1 duplicate\n"));
        assert_non_null(strstr(text, "feed:2: no name: not a host name"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_import_is_in_force_at_once, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(the_same_feed_again_changes_nothing, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_bad_feed_leaves_the_old_one_in_force, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_name_that_is_no_file_name_is_refused, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_named, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_dry_run_publishes_nothing, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_dump_comes_even_of_a_feed_that_is_refused, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(outside_of_an_import_signals_are_the_callers, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_failure_of_the_sink_ends_the_parse, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(an_interrupt_ends_the_parse, make_scratch, remove_scratch),
        cmocka_unit_test(words_of_kinds_are_known),
        cmocka_unit_test_setup_teardown(a_report_is_printed_for_people_and_programs, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
