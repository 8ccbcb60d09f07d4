#include "proxy/access_log.h"

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

static char dir[64], path[128];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/access-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/access.log", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static struct access_file *open_file(void)
{
    struct access_settings settings = {.path = path, .format = ACCESS_JSON, .privacy = ACCESS_FULL};
    struct access_file *file;
    struct fault fault = {0};
    assert_int_equal(access_file_open(&settings, &file, &fault), ST_OK);
    return file;
}

static void put(struct access_log *log, const char *host)
{
    struct access_entry entry = {.time_ms = 1000, .status = 200, .client = addr_v4(0x7f000001, 0)};
    entry.texts[ACCESS_METHOD] = STR("GET");
    entry.texts[ACCESS_HOST] = str_of(host);
    access_log_put(log, &entry);
}

static unsigned lines_in(const char *name, const char *text)
{
    struct buf bytes = {0};
    struct fault fault = {0};
    unsigned count = 0;
    assert_int_equal(file_read(name, 64 << 20, &bytes, &fault), ST_OK);
    struct str line, rest = {bytes.data, bytes.length};
    while (str_cut(rest, '\n', &line, &rest))
        count += memmem(line.data, line.length, text, strlen(text)) != NULL;
    assert_int_equal(rest.length, 0); /* whole lines alone */
    buf_free(&bytes);
    return count;
}

static void requests_of_all_workers_are_written(void **state)
{
    (void)state;
    struct access_file *file = open_file();
    struct access_log *one = access_file_add_log(file), *two = access_file_add_log(file);
    put(one, "one.example");
    put(two, "two.example");
    put(one, "one.example");
    access_file_step(file, 1000);
    assert_int_equal(lines_in(path, "one.example"), 2);
    assert_int_equal(lines_in(path, "two.example"), 1);
    put(two, "late.example");
    access_file_close(file);
    assert_int_equal(lines_in(path, "late.example"), 1);
    file = open_file(); /* appends */
    put(access_file_add_log(file), "again.example");
    access_file_close(file);
    assert_int_equal(lines_in(path, "example"), 5);
    access_file_close(NULL);
}

static void the_file_is_for_its_owner_and_group_alone(void **state)
{
    (void)state;
    struct stat st;
    access_file_close(open_file());
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
}

static void a_file_that_was_moved_away_is_begun_anew(void **state)
{
    (void)state;
    char old[160];
    struct access_file *file = open_file();
    struct access_log *log = access_file_add_log(file);
    snprintf(old, sizeof old, "%s.1", path);
    put(log, "before.example");
    access_file_step(file, 1000);
    assert_int_equal(rename(path, old), 0);
    access_file_reopen(file);
    put(log, "after.example");
    access_file_step(file, 1100);
    assert_int_equal(lines_in(old, "example"), 1);
    assert_int_equal(lines_in(path, "after.example"), 1);
    assert_int_equal(unlink(path), 0); /* without a word */
    put(log, "third.example");
    access_file_step(file, 1200);
    assert_int_equal(lines_in(path, "third.example"), 1);
    access_file_close(file);
}

static void what_is_too_much_is_left_out_and_no_line_is_hurt(void **state)
{
    (void)state;
    struct access_file *file = open_file();
    struct access_log *log = access_file_add_log(file);
    for (unsigned i = 0; i < 50000; i++)
        put(log, "flood.example");
    access_file_step(file, 1000);
    unsigned written = lines_in(path, "flood.example");
    assert_true(written > 1000 && written < 50000);
    put(log, "next.example");
    access_file_step(file, 1100);
    assert_int_equal(lines_in(path, "next.example"), 1);
    access_file_close(file);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    struct access_settings settings = {.path = "/nonexistent/access.log"};
    struct access_file *file;
    struct fault fault = {0};
    assert_int_not_equal(access_file_open(&settings, &file, &fault), ST_OK);
    assert_non_null(strstr(fault.text, "proxy.access-log: /nonexistent/access.log"));
    assert_int_equal(symlink("/etc/passwd", path), 0); /* nothing that a link leads to */
    settings.path = path;
    assert_int_not_equal(access_file_open(&settings, &file, &fault), ST_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_of_all_workers_are_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_file_is_for_its_owner_and_group_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_was_moved_away_is_begun_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_much_is_left_out_and_no_line_is_hurt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_opened_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
