/* Whatever the disk makes of a power loss in the middle of publishing, going back or removing, the store has what was
 * in force before or what is after, whole; what was told to be done stays done. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "reputation/source_upkeep.h"
#include "tests/durability/crash_image.h"
#include "tests/durability/feed.h"
#include "tests/unit/reputation/fixture.h"

/* This program again, recorded: the verb and its tag. */
static int run_recorded(const char *dir, const char *verb, const char *tag)
{
    enum status status;
    int lock;
    if (!strcmp(verb, "publish"))
        return feed_publish(dir, tag, FEED_NAMES, NULL) == ST_OK ? 0 : 1;
    status = store_lock(dir, &lock, NULL);
    if (status == ST_OK)
        status = strcmp(verb, "remove") ? source_rollback(dir, "feed", NULL, NULL) : source_remove(dir, "feed", NULL);
    return status == ST_OK ? 0 : 1;
}

static struct crash_run *record(const char *dir, const char *verb, const char *tag)
{
    char log[512], options[512];
    const char *const argv[] = {"recorded", dir, verb, tag, NULL};
    const char *sanitizer = getenv("ASAN_OPTIONS");
    int result;
    struct crash_run *run = crash_run_new(dir);
    snprintf(log, sizeof log, "%s.log", dir);
    snprintf(options, sizeof options, "%s:verify_asan_link_order=0", sanitizer ? sanitizer : "");
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        setenv("LD_PRELOAD", RECORD_WRITES_LIBRARY, 1);
        setenv("ASAN_OPTIONS", options, 1);
        setenv(RECORD_DIRECTORY_VARIABLE, dir, 1);
        setenv(RECORD_LOG_VARIABLE, log, 1);
        execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_true(crash_run_read_log(run, log));
    assert_int_equal(unlink(log), 0);
    return run;
}

static bool same_file(const char *dir, const char *other, const char *name)
{
    bool same = true;
    char path[2][512];
    snprintf(path[0], sizeof path[0], "%s/%s", dir, name);
    snprintf(path[1], sizeof path[1], "%s/%s", other, name);
    FILE *a = fopen(path[0], "r"), *b = fopen(path[1], "r");
    for (int byte = 0; a && b && same && byte != EOF;) {
        byte = getc(a);
        same = getc(b) == byte;
    }
    same = same && a && b;
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return same;
}

/* The files of DIR that are not in OTHER just so. */
static unsigned differences(const char *dir, const char *other)
{
    unsigned count = 0;
    DIR *open = opendir(dir);
    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open));)
        count += entry->d_type == DT_REG && !same_file(dir, other, entry->d_name);
    closedir(open);
    return count;
}

/* Makes an image, judges it among TAGS, and what a writer then makes of it. */
static enum verdict judge_image(const struct crash_run *run, const struct crash_choice *choice, const char *const *tags,
                                unsigned n)
{
    static const char *const next[] = {"next"};
    void *dir;
    assert_int_equal(make_directory(&dir), 0);
    crash_run_image(run, choice, dir);
    enum verdict verdict = feed_judge(dir, tags, n);
    if (!choice->forget_syncs) {
        assert_int_equal(feed_publish(dir, "next", FEED_NAMES, NULL), ST_OK);
        assert_int_equal(feed_judge(dir, next, 1), VERDICT_FIRST);
        assert_true(feed_directory_is_clean(dir));
    }
    remove_directory(&dir);
    return verdict;
}

/* That the log leads to what is on the disk shows that no write escaped it. */
static void assert_complete(const struct crash_run *run, const char *dir)
{
    struct crash_choice choice = {.events = crash_run_events(run), .all_survived = true};
    void *image;
    assert_int_equal(make_directory(&image), 0);
    crash_run_image(run, &choice, image);
    assert_int_equal(differences(dir, image), 0);
    assert_int_equal(differences(image, dir), 0);
    remove_directory(&image);
}

static void lose_power(const struct crash_run *run, const char *const tags[3], enum verdict before, enum verdict after,
                       unsigned images)
{
    unsigned befores = 0, events = (unsigned)crash_run_events(run);
    for (unsigned i = 0; i < images; i++) {
        struct crash_choice choice = {.events = (size_t)events * i / (images - 1), .keep_identity = pick(2)};
        enum verdict verdict = judge_image(run, &choice, tags, 3);
        if (verdict != before && verdict != after)
            print_error("image %u, after %zu of %u events, identity %s\n", i, choice.events, events,
                        choice.keep_identity ? "kept" : "new");
        assert_true(verdict == before || verdict == after);
        befores += verdict == before;
        if (!choice.events)
            assert_int_equal(verdict, before);
        if (choice.events == events)
            assert_int_equal(verdict, after);
    }
    print_message("%u images of %u events: %u times before, %u times after\n", images, events, befores,
                  images - befores);
}

static const char *const tags[3] = {"one", "two", "three"};

static void publishing_a_third_generation(void **state)
{
    const char *dir = *state;
    assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_publish(dir, tags[1], FEED_NAMES, NULL), ST_OK);
    struct crash_run *run = record(dir, "publish", tags[2]);
    assert_complete(run, dir);
    lose_power(run, tags, VERDICT_SECOND, VERDICT_THIRD, rounds(40, 200));
    crash_run_free(run);
}

static void publishing_the_first_generation(void **state)
{
    const char *dir = *state;
    struct crash_run *run = record(dir, "publish", tags[0]);
    assert_complete(run, dir);
    lose_power(run, tags, VERDICT_NOTHING, VERDICT_FIRST, rounds(20, 200));
    crash_run_free(run);
}

static void going_back(void **state)
{
    const char *dir = *state;
    assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_publish(dir, tags[1], FEED_NAMES, NULL), ST_OK);
    struct crash_run *run = record(dir, "rollback", "");
    assert_complete(run, dir);
    lose_power(run, tags, VERDICT_SECOND, VERDICT_FIRST, rounds(15, 100));
    crash_run_free(run);
}

static void removing(void **state)
{
    const char *dir = *state;
    assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_publish(dir, tags[1], FEED_NAMES, NULL), ST_OK);
    struct crash_run *run = record(dir, "remove", "");
    assert_complete(run, dir);
    lose_power(run, tags, VERDICT_SECOND, VERDICT_NOTHING, rounds(15, 100));
    crash_run_free(run);
}

static void without_the_syncs_the_same_images_do_harm(void **state)
{
    const char *dir = *state;
    enum { IMAGES = 300 };
    unsigned harmed = 0;
    assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_publish(dir, tags[1], FEED_NAMES, NULL), ST_OK);
    struct crash_run *run = record(dir, "publish", tags[2]);
    for (unsigned i = 0; i < IMAGES; i++) {
        struct crash_choice choice = {.events = crash_run_events(run), .forget_syncs = true, .keep_identity = true};
        enum verdict verdict = judge_image(run, &choice, tags, 3);
        harmed += verdict != VERDICT_SECOND && verdict != VERDICT_THIRD;
    }
    print_message("%u of %d images harmed\n", harmed, IMAGES);
    assert_true(harmed > 0);
    crash_run_free(run);
}

int main(int argc, char **argv)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(publishing_a_third_generation),
        IN_DIRECTORY(publishing_the_first_generation),
        IN_DIRECTORY(going_back),
        IN_DIRECTORY(removing),
        IN_DIRECTORY(without_the_syncs_the_same_images_do_harm),
    };
    if (argc == 4)
        return run_recorded(argv[1], argv[2], argv[3]);
    seed_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
