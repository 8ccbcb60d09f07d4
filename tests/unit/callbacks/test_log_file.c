#include "fixture.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void record_numbered(struct fixture *fixture, unsigned first, unsigned count)
{
    char name[64];
    for (unsigned i = first; i < first + count; i++) {
        snprintf(name, sizeof name, "%u.example", i);
        record(fixture, i % 250, name, name);
    }
    step_after(fixture, 1000);
}

static void reopen_with(struct fixture *fixture, const struct collector_settings *settings)
{
    fixture_close(fixture);
    fixture_open(fixture, settings);
}

static bool exists(const struct fixture *fixture, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    return access(path, F_OK) == 0;
}

static void a_log_over_its_size_is_renamed_and_old_ones_go(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    settings.rotate_bytes = 4096;
    settings.rotate_keep = 2;
    reopen_with(fixture, &settings);
    for (unsigned i = 0; i < 4; i++)
        record_numbered(fixture, i * 20, 20);
    assert_true(exists(fixture, "callbacks.jsonl.1") && exists(fixture, "callbacks.jsonl.2"));
    assert_false(exists(fixture, "callbacks.jsonl.3"));
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 20);
    assert_in_range(strtoll(text(fixture, 0, "subject"), NULL, 10), 60, 79);
    fixture_read_file(fixture, "callbacks.jsonl.2");
    assert_in_range(strtoll(text(fixture, 0, "subject"), NULL, 10), 20, 39);
}

static void fewer_kept_logs_take_the_others_away(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    settings.rotate_bytes = 1024;
    settings.rotate_keep = 4;
    reopen_with(fixture, &settings);
    for (unsigned i = 0; i < 6; i++)
        record_numbered(fixture, i * 20, 20);
    assert_true(exists(fixture, "callbacks.jsonl.4"));
    settings.rotate_keep = 1;
    reopen_with(fixture, &settings);
    record_numbered(fixture, 500, 1);
    assert_true(exists(fixture, "callbacks.jsonl.1"));
    assert_false(exists(fixture, "callbacks.jsonl.2") || exists(fixture, "callbacks.jsonl.4"));
}

static void keeping_none_starts_anew(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    settings.rotate_bytes = 1024;
    settings.rotate_keep = 0;
    reopen_with(fixture, &settings);
    record_numbered(fixture, 0, 20);
    record_numbered(fixture, 20, 1);
    assert_false(exists(fixture, "callbacks.jsonl.1"));
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 1);
}

static void reopening_goes_on_in_a_new_file(void **state)
{
    struct fixture *fixture = *state;
    char from[128], to[128];
    record_numbered(fixture, 0, 1);
    snprintf(from, sizeof from, "%s/%s", fixture->dir, LOG_FILE_NAME);
    snprintf(to, sizeof to, "%s/moved", fixture->dir);
    assert_int_equal(rename(from, to), 0);
    collector_reopen(fixture->collector);
    record_numbered(fixture, 1, 1);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 1);
    fixture_read_file(fixture, "moved");
    assert_int_equal(fixture->line_count, 1);
}

/* What the program tells its operator meanwhile goes to a file; the number of lines in it that hold WORDS. */
static int start_telling(const struct fixture *fixture)
{
    char path[128];
    snprintf(path, sizeof path, "%s/told", fixture->dir);
    int before = dup(STDERR_FILENO), fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(before >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    close(fd);
    return before;
}

static unsigned stop_telling(const struct fixture *fixture, int before, const char *words)
{
    char path[128], line[512];
    unsigned count = 0;
    dup2(before, STDERR_FILENO);
    close(before);
    snprintf(path, sizeof path, "%s/told", fixture->dir);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, words) != NULL;
    fclose(file);
    return count;
}

static void a_removed_log_is_started_anew_before_the_next_line(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    record_numbered(fixture, 0, 1);
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    assert_int_equal(unlink(path), 0);
    int before = start_telling(fixture);
    record_numbered(fixture, 1, 1);
    record_numbered(fixture, 2, 1);
    assert_int_equal(stop_telling(fixture, before, "removed or moved away"), 1);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 2);
    assert_string_equal(text(fixture, 0, "subject"), "1.example");
}

static void a_log_moved_away_is_started_anew_though_nothing_is_to_be_written(void **state)
{
    struct fixture *fixture = *state;
    char from[128], to[128];
    record_numbered(fixture, 0, 1);
    step_after(fixture, 20000);
    snprintf(from, sizeof from, "%s/%s", fixture->dir, LOG_FILE_NAME);
    snprintf(to, sizeof to, "%s/moved", fixture->dir);
    assert_int_equal(rename(from, to), 0);
    step_after(fixture, 1000);
    assert_true(exists(fixture, LOG_FILE_NAME));
    record_numbered(fixture, 1, 1);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 1);
    fixture_read_file(fixture, "moved");
    assert_int_equal(fixture->line_count, 1);
}

static void a_log_put_in_the_place_of_ours_is_appended_to(void **state)
{
    struct fixture *fixture = *state;
    char path[128], other[128];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    snprintf(other, sizeof other, "%s/other", fixture->dir);
    FILE *file = fopen(other, "we");
    fputs("{\"count\":5}\n", file);
    fclose(file);
    record_numbered(fixture, 0, 1);
    assert_int_equal(rename(other, path), 0);
    record_numbered(fixture, 1, 1);
    fixture_read(fixture);
    assert_int_equal(fixture->line_count, 2);
    assert_int_equal(sum_of(fixture), 6);
}

static void hits_wait_while_no_new_log_can_be_made(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    int before = start_telling(fixture);
    assert_false(collector_is_failing(fixture->collector));
    record_numbered(fixture, 0, 3);
    assert_true(collector_is_failing(fixture->collector));
    record_numbered(fixture, 3, 2);
    assert_true(collector_is_failing(fixture->collector));
    assert_int_equal(stop_telling(fixture, before, "can't be written"), 1);
    assert_int_equal(rmdir(path), 0);
    step_after(fixture, 1000);
    assert_false(collector_is_failing(fixture->collector));
    fixture_read(fixture);
    assert_int_equal(sum_of(fixture), 5);
}

static void failing_ends_also_when_nothing_waits(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    step_after(fixture, 1000);
    assert_true(collector_is_failing(fixture->collector));
    assert_int_equal(rmdir(path), 0);
    step_after(fixture, 1000);
    assert_false(collector_is_failing(fixture->collector));
}

static void a_log_is_appended_to_after_a_restart_and_half_a_line_is_ended(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    char path[128], line[64];
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    FILE *file = fopen(path, "we");
    fputs("{\"schema\":1,\"ti", file);
    fclose(file);
    fixture_open(fixture, &settings);
    record_numbered(fixture, 0, 1);
    file = fopen(path, "re");
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "{\"schema\":1,\"ti\n");
    assert_int_equal(fgetc(file), '{');
    fclose(file);
}

static void the_log_is_not_for_everyone_to_read(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    struct stat stat_of_log;
    snprintf(path, sizeof path, "%s/%s", fixture->dir, LOG_FILE_NAME);
    assert_int_equal(stat(path, &stat_of_log), 0);
    assert_int_equal(stat_of_log.st_mode & 07137, 0);
}

static void a_log_that_can_not_be_opened_is_a_fault(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    struct collector *collector;
    struct fault fault = {0};
    settings.state_dir = "/proc/none";
    assert_int_equal(collector_open(&settings, &collector, &fault), ST_IO);
    assert_non_null(strstr(fault.text, "/proc/none"));
}

/* The disk as others leave it: filled by one big file. */
static void fill_disk(const struct fixture *fixture, bool full)
{
    char path[128];
    static char block[4096];
    snprintf(path, sizeof path, "%s/filler", fixture->dir);
    unlink(path);
    if (!full)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
}

static void a_full_disk_leaves_whole_lines_and_is_counted(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    fixture_close(fixture);
    if (mount("tmpfs", fixture->dir, "tmpfs", 0, "size=1m"))
        skip();
    fixture_open(fixture, &settings);
    record_numbered(fixture, 0, 20);
    fill_disk(fixture, true);
    for (unsigned i = 1; i <= 10; i++)
        record_numbered(fixture, i * 20, 20);
    uint64_t errors = collector_counters(fixture->collector)->write_errors;
    fixture_read(fixture); /* fails on half a line */
    long long sum = sum_of(fixture);
    fixture_close(fixture);
    umount2(fixture->dir, MNT_DETACH);
    assert_in_range(errors, 9, 11);
    assert_in_range(sum, 20, 40);
}

static void what_did_not_fit_is_in_the_sum_when_there_is_room_again(void **state)
{
    struct fixture *fixture = *state;
    struct collector_settings settings = fixture_settings(fixture);
    fixture_close(fixture);
    if (mount("tmpfs", fixture->dir, "tmpfs", 0, "size=4m"))
        skip();
    fixture_open(fixture, &settings);
    fill_disk(fixture, true);
    for (unsigned i = 0; i < 60; i++)
        record_numbered(fixture, i * 100, 100);
    assert_true(collector_is_failing(fixture->collector));
    fill_disk(fixture, false);
    for (unsigned i = 0; i < 12; i++)
        step_after(fixture, 1000);
    fixture_read(fixture);
    long long after = sum_of(fixture);
    bool failing = collector_is_failing(fixture->collector);
    fixture_close(fixture);
    umount2(fixture->dir, MNT_DETACH);
    assert_int_equal(after, 6000);
    assert_false(failing);
}

static void assert_refused(const char *path, const char *word)
{
    struct fault checked = {0}, opened = {0};
    struct log_file file;
    assert_int_not_equal(log_file_check(path, &checked), ST_OK);
    assert_int_not_equal(log_file_open_at(path, "lines", &file, &opened), ST_OK);
    log_file_close(&file);
    assert_string_equal(checked.text, opened.text);
    if (!strstr(checked.text, word) || !strstr(checked.text, path))
        fail_msg("%s", checked.text);
}

static void looking_finds_what_opening_would_and_makes_nothing(void **state)
{
    struct fixture *fixture = *state;
    char path[128], link[128];
    struct fault fault = {0};
    snprintf(path, sizeof path, "%s/lines.log", fixture->dir);
    snprintf(link, sizeof link, "%s/link.log", fixture->dir);
    assert_int_equal(log_file_check(path, &fault), ST_OK);
    assert_false(exists(fixture, "lines.log"));
    assert_int_equal(symlink(path, link), 0);
    assert_refused(link, "is a link, which is not followed");
    assert_refused(fixture->dir, "cannot be written: Is a directory");
    snprintf(path, sizeof path, "%s/none/lines.log", fixture->dir);
    assert_refused(path, "its folder is not there");
    unlink(link);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_log_over_its_size_is_renamed_and_old_ones_go),
        TEST(fewer_kept_logs_take_the_others_away),
        TEST(keeping_none_starts_anew),
        TEST(reopening_goes_on_in_a_new_file),
        TEST(a_removed_log_is_started_anew_before_the_next_line),
        TEST(a_log_moved_away_is_started_anew_though_nothing_is_to_be_written),
        TEST(a_log_put_in_the_place_of_ours_is_appended_to),
        TEST(hits_wait_while_no_new_log_can_be_made),
        TEST(failing_ends_also_when_nothing_waits),
        TEST(a_log_is_appended_to_after_a_restart_and_half_a_line_is_ended),
        TEST(the_log_is_not_for_everyone_to_read),
        TEST(a_log_that_can_not_be_opened_is_a_fault),
        TEST(looking_finds_what_opening_would_and_makes_nothing),
        TEST(a_full_disk_leaves_whole_lines_and_is_counted),
        TEST(what_did_not_fit_is_in_the_sum_when_there_is_room_again),
    };
    return cmocka_run_group_tests_name("log_file", tests, NULL, NULL);
}
