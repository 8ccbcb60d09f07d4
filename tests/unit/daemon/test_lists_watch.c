#include "daemon/lists_watch.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "log_capture.h"

static char dir[64], path[80];

static int make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ccward-lists-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/" USER_LISTS_FILE, dir);
    clock_fake(1000, 1768000000000);
    return 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(name);
}

static int clean(void **state)
{
    (void)state;
    clock_real();
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Times of files tick slowly: another length of time than any tick. */
static void write_file(const char *text)
{
    struct fault fault = {0};
    static time_t second = 1700000000;
    const struct timespec times[] = {{.tv_sec = second}, {.tv_sec = second}};
    second += 10;
    assert_int_equal(file_replace(path, str_of(text), &fault), ST_OK);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

#define DENY(name) "{\"schema\": 1, \"entries\": [{\"subject\": \"" name "\", \"verb\": \"deny\"}]}"

static int generation(void)
{
    char file[128];
    for (int i = 9; i > 0; i--) {
        snprintf(file, sizeof file, "%s/reputation/user.%d.json", dir, i);
        if (!access(file, F_OK))
            return i;
    }
    return 0;
}

static void what_is_in_the_file_is_published_at_the_start(void **state)
{
    (void)state;
    struct lists_watch watch;
    write_file(DENY("evil.example"));
    lists_watch_start(&watch, dir);
    assert_int_equal(generation(), 1);
    assert_string_equal(watch.fault.text, "");
}

static void a_change_is_published_after_the_command_has_had_its_time(void **state)
{
    (void)state;
    struct lists_watch watch;
    lists_watch_start(&watch, dir);
    write_file(DENY("evil.example"));
    lists_watch_step(&watch, dir);
    clock_fake_advance(900);
    lists_watch_step(&watch, dir);
    assert_int_equal(generation(), 0);
    clock_fake_advance(200);
    lists_watch_step(&watch, dir);
    assert_int_equal(generation(), 1);
    clock_fake_advance(60000);
    lists_watch_step(&watch, dir);
    assert_int_equal(watch.due_ms, 0);
}

static void a_damaged_file_is_told_once_and_tried_again(void **state)
{
    (void)state;
    struct lists_watch watch;
    struct log_capture capture;
    write_file(DENY("evil.example"));
    lists_watch_start(&watch, dir);
    write_file("{");
    log_capture_begin(&capture);
    for (unsigned i = 0; i < 300; i++) {
        lists_watch_step(&watch, dir);
        clock_fake_advance(100);
    }
    assert_int_equal(log_capture_end(&capture, "error"), 1);
    assert_non_null(strstr(capture.text, ".json:1: "));
    assert_non_null(strstr(watch.fault.text, ".json:1: "));
    assert_int_equal(generation(), 1);
    write_file(DENY("other.example"));
    log_capture_begin(&capture);
    for (unsigned i = 0; i < 20; i++) {
        lists_watch_step(&watch, dir);
        clock_fake_advance(100);
    }
    assert_int_equal(log_capture_end(&capture, "in force again"), 1);
    assert_string_equal(watch.fault.text, "");
    assert_int_equal(generation(), 2);
}

static void a_command_at_work_is_waited_for(void **state)
{
    (void)state;
    struct lists_watch watch;
    struct user_lists *lists;
    struct fault fault = {0};
    int lock;
    write_file(DENY("evil.example"));
    assert_int_equal(user_lists_open(dir, &lists, &lock, &fault), ST_OK);
    lists_watch_start(&watch, dir);
    assert_string_equal(watch.fault.text, ""); /* that is no fault */
    assert_int_equal(generation(), 0);
    user_lists_close(lists, lock);
    clock_fake_advance(1000);
    lists_watch_step(&watch, dir);
    assert_int_equal(generation(), 1);
}

int main(void)
{
#define WATCH_TEST(name) cmocka_unit_test_setup_teardown(name, make, clean)
    const struct CMUnitTest tests[] = {
        WATCH_TEST(what_is_in_the_file_is_published_at_the_start),
        WATCH_TEST(a_change_is_published_after_the_command_has_had_its_time),
        WATCH_TEST(a_damaged_file_is_told_once_and_tried_again),
        WATCH_TEST(a_command_at_work_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
