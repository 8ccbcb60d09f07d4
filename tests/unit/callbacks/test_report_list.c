#include "callbacks/report_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char dir[64], file[128];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/reports-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/" REPORTS_FILE, dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static struct report_list *open_list(void)
{
    struct report_list *list;
    struct fault fault = {0};
    assert_int_equal(report_list_open(dir, false, &list, &fault), ST_OK);
    return list;
}

static struct report report_of(const char *host, int64_t time_ms)
{
    struct report report = {.time_ms = time_ms,
                            .client = addr_v4(0xc0a80105, 5000),
                            .category = CATEGORY_PHISHING,
                            .reference = "CC-7F3A91B2",
                            .indicator = "evil.example",
                            .family = "a\"b\\c\xff\x1b",
                            .sources = "one, two",
                            .comment = "仕事で使います"};
    snprintf(report.host, sizeof report.host, "%s", host);
    return report;
}

static void save(struct report_list *list)
{
    struct fault fault = {0};
    assert_int_equal(report_list_save(list, &fault), ST_OK);
    report_list_free(list);
}

static void what_was_saved_is_read_again(void **state)
{
    (void)state;
    struct report_list *list = open_list();
    struct report report = report_of("www.evil.example", 1767268800000);
    report.https = true;
    report.port = 8443;
    assert_int_equal(list->count, 0);
    assert_true(report_list_add(list, &report));
    list->entries[0].done_ms = 1767268900000;
    snprintf(list->entries[0].allowed, sizeof list->entries[0].allowed, "=www.evil.example");
    save(list);
    struct fault fault = {0};
    assert_int_equal(report_list_read(dir, &list, &fault), ST_OK);
    assert_int_equal(list->count, 1);
    const struct report_entry *entry = report_list_find(list, 1);
    assert_non_null(entry);
    assert_string_equal(entry->report.host, "www.evil.example");
    assert_string_equal(report_entry_comment(entry), "仕事で使います");
    assert_string_equal(entry->report.family, "a\"b\\c\\xff\\x1b"); /* as everybody may see it */
    assert_int_equal(entry->report.category, CATEGORY_PHISHING);
    assert_true(addr_same_ip(&entry->report.client, &report.client));
    assert_true(entry->report.https);
    assert_int_equal(entry->report.port, 8443);
    assert_int_equal(entry->report.time_ms, report.time_ms);
    assert_int_equal(entry->done_ms, 1767268900000);
    assert_string_equal(entry->allowed, "=www.evil.example");
    char url[REPORT_HOST_SIZE + 32];
    report_url(&entry->report, url, sizeof url);
    assert_string_equal(url, "https://www.evil.example:8443/");
    report_list_free(list);
    report_list_free(NULL);
}

static void the_same_again_is_counted_until_it_is_done(void **state)
{
    (void)state;
    struct report_list *list = open_list();
    struct report report = report_of("evil.example", 2000), again = report_of("EVIL.example", 3000),
                  earlier = report_of("evil.example", 1000);
    snprintf(again.comment, sizeof again.comment, "newer");
    assert_true(report_list_add(list, &report));
    assert_true(report_list_add(list, &again));
    assert_true(report_list_add(list, &earlier)); /* of another worker */
    assert_int_equal(list->count, 1);
    assert_int_equal(list->entries[0].times, 3);
    assert_int_equal(list->entries[0].last_ms, 3000);
    assert_string_equal(report_entry_comment(&list->entries[0]), "newer");
    again.comment[0] = '\0';
    assert_true(report_list_add(list, &again));
    assert_string_equal(report_entry_comment(&list->entries[0]), "newer");
    list->entries[0].done_ms = 4000;
    assert_true(report_list_add(list, &report));
    assert_int_equal(list->count, 2);
    report.client.ip[15]++;
    assert_true(report_list_add(list, &report));
    assert_int_equal(list->count, 3);
    assert_int_equal(report_list_open_count(list), 2);
    assert_int_equal(list->entries[2].number, 3);
    report_list_free(list);
}

static void add_comment(struct report_list *list, int64_t time_ms, const char *text)
{
    struct report report = report_of("evil.example", time_ms);
    snprintf(report.comment, sizeof report.comment, "%s", text);
    assert_true(report_list_add(list, &report));
}

static void assert_comments(const struct report_list *list, const char *expected)
{
    char all[256] = "";
    for (size_t i = 0; i < list->entries[0].comment_count; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%d:%s", i ? " " : "",
                 (int)list->entries[0].comments[i].time_ms, list->entries[0].comments[i].text);
    assert_string_equal(all, expected);
}

static void the_last_five_comments_are_kept(void **state)
{
    (void)state;
    struct report_list *list = open_list();
    add_comment(list, 2000, "b");
    add_comment(list, 3000, "");
    add_comment(list, 1000, "a"); /* of another worker */
    add_comment(list, 4000, "c");
    assert_comments(list, "1000:a 2000:b 4000:c");
    add_comment(list, 5000, "b"); /* said again */
    add_comment(list, 4500, "c");
    assert_comments(list, "1000:a 4500:c 5000:b");
    add_comment(list, 6000, "d");
    add_comment(list, 7000, "e");
    assert_comments(list, "1000:a 4500:c 5000:b 6000:d 7000:e");
    add_comment(list, 900, "older than all");
    assert_comments(list, "1000:a 4500:c 5000:b 6000:d 7000:e");
    add_comment(list, 8000, "f");
    assert_comments(list, "4500:c 5000:b 6000:d 7000:e 8000:f");
    save(list);
    list = open_list();
    assert_comments(list, "4500:c 5000:b 6000:d 7000:e 8000:f");
    assert_string_equal(report_entry_comment(&list->entries[0]), "f");
    assert_int_equal(list->entries[0].times, 10);
    report_list_free(list);
}

/* Reads an entry with this for its comments. */
static enum status parse_with(struct report_list *list, const char *comments)
{
    struct buf line = {0};
    *list = (struct report_list){.next_number = 1};
    buf_printf(&line,
               "{\"id\":1,\"time_ms\":1,\"last_ms\":9,\"times\":2,\"client\":\"192.0.2.1\",\"host\":\"evil.example\","
               "\"https\":false,\"port\":0,\"reference\":\"\",\"category\":\"c2\",\"family\":\"\",\"indicator\":\"\","
               "\"sources\":\"\",\"comment\":\"old\",%s\"done_ms\":0,\"allowed\":\"\"}\n",
               comments);
    enum status status = report_list_parse(list, (struct str){line.data, line.length}, "file", NULL);
    buf_free(&line);
    return status;
}

static void comments_are_read_strictly_and_one_alone_as_before(void **state)
{
    (void)state;
    static struct report_list list;
    assert_int_equal(parse_with(&list, ""), ST_OK);
    assert_comments(&list, "9:old");
    assert_int_equal(parse_with(&list, "\"comments\":[],"), ST_OK);
    assert_comments(&list, "");
    assert_int_equal(parse_with(&list, "\"comments\":[{\"time_ms\":7,\"text\":\"x\\u001b\"}],"), ST_OK);
    assert_comments(&list, "7:x\\x1b");
    static const char *const bad[] = {
        "{}",
        "null",
        "[1]",
        "[{}]",
        "[{\"time_ms\":1}]",
        "[{\"text\":\"x\"}]",
        "[{\"time_ms\":1,\"text\":\"\"}]",
        "[{\"time_ms\":-1,\"text\":\"x\"}]",
        "[{\"time_ms\":1e3,\"text\":\"x\"}]",
        "[{\"time_ms\":1,\"text\":\"1\"},{\"time_ms\":1,\"text\":\"2\"},{\"time_ms\":1,\"text\":\"3\"},"
        "{\"time_ms\":1,\"text\":\"4\"},{\"time_ms\":1,\"text\":\"5\"},{\"time_ms\":1,\"text\":\"6\"}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char comments[400];
        snprintf(comments, sizeof comments, "\"comments\":%s,", bad[i]);
        assert_int_equal(parse_with(&list, comments), ST_INVALID);
    }
}

static void a_full_queue_gives_up_what_is_done_and_then_takes_no_more(void **state)
{
    (void)state;
    struct report_list *list = open_list();
    char host[32];
    for (unsigned i = 0; i < REPORTS_MAX; i++) {
        snprintf(host, sizeof host, "h%u.example", i);
        struct report report = report_of(host, 1000);
        assert_true(report_list_add(list, &report));
    }
    struct report one_more = report_of("more.example", 1000);
    assert_false(report_list_add(list, &one_more));
    list->entries[7].done_ms = 5000;
    assert_true(report_list_add(list, &one_more));
    assert_null(report_list_find(list, 8));
    assert_int_equal(report_list_find(list, REPORTS_MAX + 1)->number, REPORTS_MAX + 1);
    save(list);
    list = open_list(); /* as many can be read */
    assert_int_equal(list->count, REPORTS_MAX);
    assert_int_equal(list->next_number, REPORTS_MAX + 2);
    report_list_free(list);
}

static void two_processes_do_not_write_at_once(void **state)
{
    (void)state;
    struct report_list *list = open_list(), *other;
    struct fault fault = {0};
    assert_int_equal(report_list_open(dir, false, &other, &fault), ST_BUSY);
    assert_non_null(strstr(fault.text, "held by another process"));
    assert_int_equal(report_list_read(dir, &other, &fault), ST_OK); /* readers need no lock */
    report_list_free(other);
    report_list_free(list);
    report_list_free(open_list());
}

static void damage_is_told_with_its_line_and_nothing_is_lost(void **state)
{
    (void)state;
    struct report_list *list = open_list();
    struct report report = report_of("evil.example", 1000);
    struct buf good = {0}, text = {0};
    struct fault fault = {0};
    assert_true(report_list_add(list, &report));
    save(list);
    assert_int_equal(file_read(file, 1 << 20, &good, &fault), ST_OK);
    static const char *const bad[] = {"{}", "nonsense", "[]", "null", "{\"id\": 2", "\xff", "{\"id\": 2, \"id\": 3}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        buf_clear(&text);
        buf_printf(&text, "%s\n%s\n", buf_text(&good), bad[i]);
        assert_int_equal(file_replace(file, (struct str){text.data, text.length}, &fault), ST_OK);
        assert_int_equal(report_list_open(dir, false, &list, &fault), ST_INVALID);
        assert_non_null(strstr(fault.text, REPORTS_FILE ":3:"));
    }
    buf_clear(&text); /* a number twice */
    buf_printf(&text, "%s%s", buf_text(&good), buf_text(&good));
    assert_int_equal(file_replace(file, (struct str){text.data, text.length}, &fault), ST_OK);
    assert_int_equal(report_list_open(dir, false, &list, &fault), ST_INVALID);
    buf_free(&good);
    buf_free(&text);
}

static void a_state_directory_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct report_list *list;
    struct fault fault = {0};
    assert_int_equal(report_list_open("/nonexistent", false, &list, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "/nonexistent/reports.lock"));
    assert_int_equal(report_list_read("/nonexistent", &list, &fault), ST_OK); /* nobody has reported */
    assert_int_equal(list->count, 0);
    report_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_saved_is_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_again_is_counted_until_it_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_five_comments_are_kept, set_up, tear_down),
        cmocka_unit_test(comments_are_read_strictly_and_one_alone_as_before),
        cmocka_unit_test_setup_teardown(a_full_queue_gives_up_what_is_done_and_then_takes_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_processes_do_not_write_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_told_with_its_line_and_nothing_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_state_directory_that_is_not_there_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
