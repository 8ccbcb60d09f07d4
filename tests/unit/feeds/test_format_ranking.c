#include "feed_test.h"

struct order {
    char names[512];
    size_t length;
};

static enum status note_name(void *user, const struct indicator *indicator, bool guarded)
{
    struct order *order = user;
    char text[DNAME_TEXT_SIZE];
    assert_int_equal(indicator->kind, INDICATOR_NAME);
    dname_to_text(&indicator->name, text);
    if (!guarded)
        order->length += (size_t)snprintf(order->names + order->length, sizeof order->names - order->length, "%s%s",
                                          order->length ? " " : "", text);
    return ST_OK;
}

/* The names in the order in which they are taken. */
static struct feed_report expect_order(const char *format, const char *text, uint64_t top, const char *want)
{
    struct feed feed = {.name = "popular", .format = format, .use = FEED_GUARDS, .top = top};
    struct order order = {0};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = note_name, .user = &order};
    assert_int_equal(feed_parse(write_text("feed", text), &feed, false, &sink, &report, &fault), ST_OK);
    assert_string_equal(order.names, want);
    return report;
}

static void names_come_in_their_order_up_to_the_top(void **state)
{
    const char *text = "1,google.com\r\n2,b.example\r\n3,a.example\r\n4,last.example\r\n";
    (void)state;
    expect_order("ranking", text, 0, "google.com b.example a.example last.example");
    struct feed_report report = expect_order("ranking", text, 2, "google.com b.example");
    assert_int_equal(report.entries[INDICATOR_NAME], 2);
    assert_int_equal(report.faulty_lines, 0);
    expect_order("ranking", "b.example\n# c\na.example\n", 1, "b.example");
}

static void every_publishers_columns_are_told(void **state)
{
    static const char *const texts[] = {
        "GlobalRank,TldRank,Domain,TLD,RefSubNets,RefIPs,IDN_Domain,IDN_TLD,PrevGlobalRank\n1,1,b.example,example,5,6,"
        "b.example,example,1\n"
        "2,2,a.example,example,5,6,a.example,example,2\n",
        "rank,domain,categories\n1,b.example,\"Search; X\"\n2,a.example,\n",
        "\"Rank\",\"Domain\",\"Open Page Rank\"\n\"1\",\"b.example\",\"10.00\"\n\"2\",\"a.example\",\"9.9\"\n",
        "origin,rank\nhttps://b.example,1000\nhttp://a.example/,1000\n",
        "1\tb.example\n2\tA.example.\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_order("ranking", texts[i], 0, "b.example a.example");
        struct feed_report report = expect_order("auto", texts[i], 0, "b.example a.example");
        assert_string_equal(report.format, "ranking");
        assert_int_equal(report.comments, i < 4);
    }
    expect_order("ranking", "domain\nb.example\na.example\n", 0, "b.example a.example");
}

static void what_is_no_site_is_counted(void **state)
{
    (void)state;
    struct feed_report report = expect_order(
        "ranking", "1,com\n2,a.example\nx,b.example\n4,https://c.example/path\n5,not a name.example\n6\n7,\n", 0,
        "a.example");
    assert_int_equal(skipped_for(&report, "whole top-level domain"), 2);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 3);
    assert_int_equal(skipped_for(&report, "not a host name"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_in_their_order_up_to_the_top),
        cmocka_unit_test(every_publishers_columns_are_told),
        cmocka_unit_test(what_is_no_site_is_counted),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
