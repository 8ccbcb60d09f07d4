#include "feed_test.h"

#include "feeds/expiry.h"
#include "feeds/guard_set.h"

/* The entries that a feed comes to, as lines: text, then what is special. */
struct taken {
    char text[4096];
};

static enum status take(void *user, const struct indicator *indicator, bool guarded)
{
    struct taken *taken = user;
    const struct record *record = &indicator->record;
    size_t n = strlen(taken->text), room = sizeof taken->text - n;
    char text[DNAME_TEXT_SIZE];
    if (guarded)
        return ST_OK;
    if (indicator->kind == INDICATOR_NAME)
        dname_to_text(&indicator->name, text);
    else if (indicator->kind == INDICATOR_NETWORK)
        network_format(&indicator->network, text);
    else
        text_copy(text, sizeof text, indicator->url);
    snprintf(taken->text + n, room, "%s%s%s%s%s\n", text, record->flags & RECORD_EXACT ? " exact" : "",
             record->flags & RECORD_LOG ? " log" : "", record->flags & RECORD_GUARDED ? " guarded" : "",
             record->expires ? " expires" : "");
    return ST_OK;
}

static struct feed_report read_feed(const struct feed *feed, struct guard_set *guards, const char *text,
                                    const char *expected)
{
    struct taken taken = {""};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = take, .user = &taken, .guards = guards};
    assert_int_equal(feed_parse(write_text("feed", text), feed, false, &sink, &report, &fault), ST_OK);
    assert_string_equal(taken.text, expected);
    return report;
}

static uint64_t guarded_for(const struct feed_report *report, enum guard guard)
{
    for (size_t i = 0; i < report->guarded_count; i++)
        if (!strcmp(report->guarded[i].reason, guard_text(guard)))
            return report->guarded[i].count;
    return 0;
}

static struct guard_set *gather(void)
{
    struct guard_set *set = NULL;
    struct fault fault = {0};
    assert_int_equal(guard_set_new(&site, &set, &fault), ST_OK);
    return set;
}

static void guarded_entries_are_taken_and_counted_as_only_recorded(void **state)
{
    const struct feed feed = {.name = "mine", .format = "maltrail"};
    (void)state;
    struct guard_set *guards = gather();
    struct feed_report report = read_feed(&feed, guards,
                                          "evil.example\n"
                                          "github.com\n"
                                          "bitbucket.org\n"
                                          "co.uk\n"
                                          "http://github.com/x\n"
                                          "http://github.com/\n"
                                          "192.0.2.1\n"
                                          "8.8.8.8\n"
                                          "10.0.0.1\n"
                                          "localhost.localdomain\n",
                                          "evil.example\n"
                                          "github.com log guarded\n"
                                          "bitbucket.org log guarded\n"
                                          "co.uk log guarded\n"
                                          "http://github.com/x\n"
                                          "http://github.com/ log guarded\n"
                                          "192.0.2.1/32\n"
                                          "8.8.8.8/32 log guarded\n");
    assert_int_equal(report.guarded_count, 3);
    assert_string_equal(report.guarded[0].reason, guard_text(GUARD_SHARED_HOST)); /* the most frequent first */
    assert_int_equal(guarded_for(&report, GUARD_SHARED_HOST), 3);
    assert_int_equal(guarded_for(&report, GUARD_PUBLIC_SUFFIX), 1);
    assert_int_equal(guarded_for(&report, GUARD_RESOLVER), 1);
    assert_int_equal(report.entries[INDICATOR_NAME], 4); /* they count as entries */
    assert_int_equal(skipped_for(&report, "guard: private or special address"), 1);
    assert_int_equal(skipped_for(&report, "guard: name of the machine itself"), 1);
    guard_set_free(guards);
}

static void without_guards_nothing_is_held_back(void **state)
{
    const struct feed feed = {.name = "mine", .format = "domains", .use = FEED_GUARDS};
    (void)state;
    struct feed_report report = read_feed(&feed, NULL, "github.com\n8.8.8.8\n", "github.com\n8.8.8.8/32\n");
    assert_int_equal(report.guarded_count, 0);
}

static void exemptions_are_not_guarded(void **state)
{
    const struct feed feed = {.name = "mine", .format = "adblock"};
    (void)state;
    struct guard_set *guards = gather();
    struct feed_report report =
        read_feed(&feed, guards, "@@||github.com^\n||github.com^\n", "github.com\ngithub.com log guarded\n");
    assert_int_equal(guarded_for(&report, GUARD_SHARED_HOST), 1);
    guard_set_free(guards);
}

static void only_the_first_entries_are_taken_where_that_is_set(void **state)
{
    const struct feed feed = {.name = "mine", .format = "domains", .top = 2};
    (void)state;
    struct feed_report report = read_feed(&feed, NULL, "# list\na.example\n10.0.0.1\nb.example\nc.example\nd.example\n",
                                          "a.example\nb.example\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 2);
    assert_int_equal(skipped_for(&report, "beyond the first that are wanted"), 2);
    assert_int_equal(report.example_count, 1); /* of the special address, none of what was left out on purpose */
    /* What it says that it has is what it has, not what is taken. */
    report = read_feed(&feed, NULL, "# Number of entries: 4\na.example\nb.example\nc.example\nd.example\n",
                       "a.example\nb.example\n");
    assert_int_equal(report.declared, 4);
}

static void entries_of_little_confidence_are_only_recorded(void **state)
{
    const struct feed feed = {.name = "mine", .format = "ipsum", .min_confidence = 30};
    (void)state;
    struct feed_report report = read_feed(&feed, NULL, "192.0.2.1\t5\n192.0.2.2\t2\n192.0.2.3\t3\n",
                                          "192.0.2.1/32\n192.0.2.2/32 log\n192.0.2.3/32\n");
    assert_int_equal(report.unsure, 1);
    const struct feed silent = {.name = "mine", .format = "ips", .min_confidence = 100};
    report = read_feed(&silent, NULL, "192.0.2.1\n", "192.0.2.1/32\n"); /* the feed does not say */
    assert_int_equal(report.unsure, 0);
}

static void names_stand_alone_where_the_feed_is_set_so_and_the_format_has_no_say(void **state)
{
    struct feed feed = {.name = "mine", .format = "domains", .match = FEED_MATCH_EXACT};
    (void)state;
    read_feed(&feed, NULL, "a.example\n192.0.2.1\n", "a.example exact\n192.0.2.1/32\n");
    feed.format = "hosts";
    read_feed(&feed, NULL, "0.0.0.0 a.example\n", "a.example exact\n");
    feed.format = "adblock";
    read_feed(&feed, NULL, "||a.example^\n", "a.example\n");
    feed.format = "wildcard";
    read_feed(&feed, NULL, "*.a.example\n", "a.example\n");
    feed.format = "dnscrypt-names";
    read_feed(&feed, NULL, "a.example\n=b.example\n", "a.example\nb.example exact\n");
    feed.format = "rpz";
    read_feed(&feed, NULL, "a.example CNAME .\n*.a.example CNAME .\n", "a.example exact\na.example\n");
}

static void an_expiry_of_the_feeds_own_stays(void **state)
{
    const struct feed feed = {.name = "mine", .format = "ioc-csv", .retain = FEED_RETAIN_WINDOW};
    struct kept kept = {0};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = keep_record, .user = &kept};
    (void)state;
    read_feed(&feed, NULL, "domain,valid_until\na.example,2020-01-01\nb.example,\n",
              "a.example expires\nb.example expires\n");
    assert_int_equal(feed_parse(write_text("feed", "domain,valid_until\na.example,2020-01-01\n"), &feed, false, &sink,
                                &report, &fault),
                     ST_OK);
    assert_int_equal(kept.expires, 1577836800);
}

static void a_list_of_an_earlier_day_ends_earlier(void **state)
{
    const struct feed feed = {.name = "mine", .format = "domains", .expire_s = 86400 * 10, .listed_ms = 1000000000000};
    struct kept kept = {0};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = keep_record, .user = &kept};
    (void)state;
    assert_int_equal(feed_parse(write_text("feed", "a.example\n"), &feed, false, &sink, &report, &fault), ST_OK);
    assert_in_range(kept.expires, 1000000000 + 86400 * 10, 1000000000 + 86400 * 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(guarded_entries_are_taken_and_counted_as_only_recorded, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(without_guards_nothing_is_held_back, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(exemptions_are_not_guarded, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(only_the_first_entries_are_taken_where_that_is_set, make_scratch,
                                        remove_scratch),
        cmocka_unit_test_setup_teardown(entries_of_little_confidence_are_only_recorded, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(names_stand_alone_where_the_feed_is_set_so_and_the_format_has_no_say,
                                        make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(an_expiry_of_the_feeds_own_stays, make_scratch, remove_scratch),
        cmocka_unit_test_setup_teardown(a_list_of_an_earlier_day_ends_earlier, make_scratch, remove_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
