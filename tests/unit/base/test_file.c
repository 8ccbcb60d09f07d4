#include "base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32], path[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/ccward-file-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void assert_holds(const char *expected)
{
    struct buf got = {0};
    struct fault fault = {0};
    assert_int_equal(file_read(path, 100, &got, &fault), ST_OK);
    assert_string_equal(buf_text(&got), expected);
    buf_free(&got);
}

static bool is_alone(void)
{
    char aside[80];
    snprintf(aside, sizeof aside, "%s.part", path);
    return access(aside, F_OK) != 0;
}

static void what_is_put_in_place_is_read_back(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct stat st;
    assert_int_equal(file_replace(path, STR("one"), &fault), ST_OK);
    assert_holds("one");
    assert_int_equal(file_replace(path, STR(""), &fault), ST_OK);
    assert_holds("");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07137, 0);
    assert_true(is_alone());
}

static void what_a_killed_writer_left_aside_does_not_matter(void **state)
{
    (void)state;
    char aside[80];
    struct fault fault = {0};
    snprintf(aside, sizeof aside, "%s.part", path);
    assert_int_equal(symlink("/nowhere/at/all", aside), 0);
    assert_int_equal(file_replace(path, STR("new"), &fault), ST_OK);
    assert_holds("new");
    assert_true(is_alone());
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
    (void)state;
    struct rlimit before, small;
    struct fault fault = {0};
    assert_int_equal(file_replace(path, STR("old"), &fault), ST_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status status = file_replace(path, STR("new and longer"), &fault);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, ST_IO);
    assert_non_null(strstr(fault.text, path));
    assert_holds("old");
    assert_true(is_alone());
}

static void errors_of_the_system_have_our_words(void **state)
{
    (void)state;
    char missing[64];
    struct fault fault = {0};
    assert_int_equal(file_status(ENOSPC), ST_FULL);
    assert_int_equal(file_status(EROFS), ST_DENIED);
    assert_int_equal(file_status(EIO), ST_IO);
    snprintf(missing, sizeof missing, "%s/none/file", folder);
    assert_int_equal(file_replace(missing, STR("new"), &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, missing));
}

static void what_cannot_be_read_is_told_with_its_place(void **state)
{
    (void)state;
    struct buf out = {0};
    struct fault missing = {0}, large = {0}, folder_fault = {0}, link = {0};
    assert_int_equal(file_read(path, 100, &out, &missing), ST_NOT_FOUND);
    assert_non_null(strstr(missing.text, path));
    assert_int_equal(file_replace(path, STR("1234567890"), &missing), ST_OK);
    assert_int_equal(file_read(path, 9, &out, &large), ST_TOO_LARGE);
    assert_non_null(strstr(large.text, "9 bytes"));
    assert_int_equal(file_read(folder, 9, &out, &folder_fault), ST_INVALID);
    assert_int_equal(rename(path, "/tmp/ccward-file-elsewhere"), 0);
    assert_int_equal(symlink("/tmp/ccward-file-elsewhere", path), 0);
    assert_int_equal(file_read(path, 100, &out, &link), ST_DENIED);
    unlink("/tmp/ccward-file-elsewhere");
    buf_free(&out);
}

int main(void)
{
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_is_put_in_place_is_read_back),
        FILE_TEST(what_a_killed_writer_left_aside_does_not_matter),
        FILE_TEST(a_write_that_fails_leaves_the_old_file),
        FILE_TEST(errors_of_the_system_have_our_words),
        FILE_TEST(what_cannot_be_read_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
