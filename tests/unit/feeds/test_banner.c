#include "feed_test.h"

#include "feeds/banner.h"

static void counts_are_found_in_comments(void **state)
{
    static const struct {
        const char *comment;
        uint64_t want;
    } counts[] = {
        {"# Number of entries: 869", 869},
        {"! Number of entries: 18254", 18254},
        {"# Number of unique domains: 55,983", 55983},
        {"# Number of unique hostnames: 0", 0},
        {"# END 28 entries", 28},
        {"# Domains: 7355", 7355},
        {"# Entries         : 2892 subnets, 619304666 unique IPs", 2892},
    };
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint64_t count = 1;
        assert_true(banner_count(str_of(counts[i].comment), &count));
        assert_int_equal(count, counts[i].want);
    }
}

static void other_comments_have_no_count(void **state)
{
    static const char *const comments[] = {"",
                                           "#",
                                           "# entries:        2946",
                                           "# Domains: many",
                                           "# END",
                                           "# END x",
                                           "# Domains: 12x",
                                           "# Number of entries",
                                           "# Domains 7",
                                           "# Entries: ,",
                                           "# Domains: 99999999999999999999999"};
    uint64_t count;
    (void)state;
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++)
        assert_false(banner_count(str_of(comments[i]), &count));
}

static enum status parse(const char *format, const char *text, struct feed_report *report, struct fault *fault)
{
    struct feed feed = {.name = "mine", .format = format};
    *fault = (struct fault){0};
    return feed_parse(write_text("feed", text), &feed, false, NULL, report, fault);
}

static void a_feed_with_fewer_entries_than_it_says_is_refused(void **state)
{
    struct feed_report report;
    struct fault fault;
    (void)state;
    assert_int_equal(parse("domains", "# Domains: 2\na.example\nb.example\n", &report, &fault), ST_OK);
    assert_int_equal(report.declared, 2);
    assert_int_equal(parse("domains", "# Domains: 2\na.example\na.example\n", &report, &fault), ST_OK);
    assert_int_equal(parse("hosts", "# Domains: 2\n0.0.0.0 a.example b.example\n", &report, &fault), ST_OK);
    assert_int_equal(parse("domains", "# Domains: 2\na.example\nno name\n", &report, &fault), ST_OK);
    assert_int_equal(parse("domains", "# Domains: 1\na.example\nb.example\n", &report, &fault), ST_OK);
    assert_int_equal(parse("domains", "# Domains: 3\na.example\nb.example\n", &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "3 entries, but has 2"));
    assert_int_equal(parse("domains", "a.example\n# Number of entries: 2\n", &report, &fault), ST_INVALID);
    assert_int_equal(
        parse("spamhaus-json", "{\"cidr\":\"192.0.2.0/24\"}\n{\"type\":\"metadata\",\"records\":2}\n", &report, &fault),
        ST_INVALID);
    assert_non_null(strstr(fault.text, "not whole"));
    assert_int_equal(
        parse("spamhaus-json", "{\"cidr\":\"192.0.2.0/24\"}\n{\"type\":\"metadata\",\"records\":1}\n", &report, &fault),
        ST_OK);
}

static void a_list_that_says_that_it_has_ended_is_shown_with_its_words(void **state)
{
    struct feed_report report;
    struct fault fault;
    char *text = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(
        parse("domains", "# ATTENTION: This list has been DEPRECATED\x1b[0m\na.example\n", &report, &fault), ST_OK);
    assert_string_equal(report.notice, "# ATTENTION: This list has been DEPRECATED\\x1b[0m");
    for (int json = 0; json < 2; json++) {
        FILE *out = open_memstream(&text, &n);
        assert_int_equal(feed_report_print(&report, json, out), ST_OK);
        fclose(out);
        assert_non_null(strstr(text, json ? "\"notice\":\"# ATTENTION" : "warning: the list says: # ATTENTION"));
        free(text);
    }
    assert_int_equal(parse("domains", "# It is no longer maintained.\n", &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "it says: # It is no longer"));
    assert_int_equal(parse("domains", "a.example\n# b.example is discontinued\n", &report, &fault), ST_OK);
    assert_string_equal(report.notice, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_found_in_comments),
        cmocka_unit_test(other_comments_have_no_count),
        cmocka_unit_test(a_feed_with_fewer_entries_than_it_says_is_refused),
        cmocka_unit_test(a_list_that_says_that_it_has_ended_is_shown_with_its_words),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
