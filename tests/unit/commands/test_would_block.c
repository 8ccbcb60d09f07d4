#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "commands/would_block.h"

static char dir[64];

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)about, (void)type, (void)place;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ccward-would-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void add_line(const char *action, const char *indicator, int count, const char *sources)
{
    char path[128];
    static unsigned id;
    snprintf(path, sizeof path, "%s/callbacks.jsonl", dir);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fprintf(
        file,
        "{\"schema\":1,\"time\":\"2026-11-01T12:00:00.000Z\",\"last\":\"2026-11-01T12:00:01.000Z\",\"id\":\"x%u\","
        "\"count\":%d,\"client\":{\"ip\":\"127.0.0.1\"},\"channel\":\"dns\",\"subject\":\"%s\",\"indicator\":\"%s\","
        "\"action\":\"%s\",\"sources\":%s}\n",
        ++id, count, indicator, indicator, action, sources);
    fclose(file);
}

static char *printed(const struct would_block *found)
{
    static char text[4096];
    FILE *out = fmemopen(text, sizeof text, "w");
    would_block_print(found, "mine", out);
    fclose(out);
    return text;
}

static void recorded_contacts_of_the_feed_are_counted_by_entry(void **state)
{
    struct would_block found;
    struct fault fault = {0};
    (void)state;
    add_line("log", "evil.example", 2, "[\"mine\"]");
    add_line("log", "worse.example", 5, "[\"other\",\"mine\"]");
    add_line("log", "evil.example", 1, "[\"mine\"]");
    add_line("block", "blocked.example", 9, "[\"mine\"]");
    add_line("log", "others.example", 9, "[\"other\",\"mine2\"]");
    assert_int_equal(would_block_count(dir, "mine", &found, &fault), ST_OK);
    assert_int_equal(found.contacts, 8);
    assert_int_equal(json_object_size(found.indicators), 2);
    const char *text = printed(&found), *worse = strstr(text, "5  worse.example"),
               *evil = strstr(text, "3  evil.example");
    assert_non_null(strstr(text, "since 2026-11-01, 8 contacts"));
    assert_non_null(worse);
    assert_non_null(evil);
    assert_true(worse < evil); /* the most frequent first */
    would_block_fini(&found);
}

static void damaged_lines_and_no_log_are_no_failure(void **state)
{
    struct would_block found;
    struct fault fault = {0};
    char path[128];
    (void)state;
    assert_int_equal(would_block_count(dir, "mine", &found, &fault), ST_OK);
    assert_int_equal(found.contacts, 0);
    assert_non_null(strstr(printed(&found), "no contact"));
    would_block_fini(&found);
    snprintf(path, sizeof path, "%s/callbacks.jsonl", dir);
    FILE *file = fopen(path, "a");
    fputs("{\"action\":\"log\",\"sources\":[\"mine\"]}\nnot JSON\n", file);
    fclose(file);
    add_line("log", "evil.example", 1, "[\"mine\"]");
    assert_int_equal(would_block_count(dir, "mine", &found, &fault), ST_OK);
    assert_int_equal(found.contacts, 1);
    would_block_fini(&found);
}

static void many_entries_are_cut_to_the_most_frequent(void **state)
{
    struct would_block found;
    struct fault fault = {0};
    (void)state;
    for (int i = 1; i <= 15; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%d.example", i);
        add_line("log", name, i, "[\"mine\"]");
    }
    assert_int_equal(would_block_count(dir, "mine", &found, &fault), ST_OK);
    assert_non_null(strstr(printed(&found), "15  n15.example"));
    assert_null(strstr(printed(&found), "n5.example"));
    assert_non_null(strstr(printed(&found), "and 5 more"));
    would_block_fini(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(recorded_contacts_of_the_feed_are_counted_by_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_lines_and_no_log_are_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_entries_are_cut_to_the_most_frequent, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
