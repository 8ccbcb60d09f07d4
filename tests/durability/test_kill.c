/* A writer that is killed at any moment leaves the old feed or the new one, whole. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/durability/feed.h"
#include "tests/unit/reputation/fixture.h"

enum { NEW_NAMES = 10000 };

static pid_t start_publishing(const char *dir, const char *tag)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        _exit(feed_publish(dir, tag, NEW_NAMES, NULL) == ST_OK ? 0 : 1);
    return child;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* How long publishing takes when nobody disturbs it. */
static unsigned publishing_us(const char *dir)
{
    int result;
    int64_t start = now_us();
    pid_t child = start_publishing(dir, "whole");
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    return (unsigned)(now_us() - start);
}

static void a_kill_at_any_moment_leaves_the_old_or_the_new(void **state)
{
    const char *dir = *state;
    char tags[2][16];
    const char *const both[] = {tags[0], tags[1]};
    unsigned seen[2] = {0}, longest = publishing_us(dir) * 5 / 4, count = rounds(20, 100);
    for (unsigned round = 0; round < count; round++) {
        snprintf(tags[0], sizeof tags[0], "old%u", round);
        snprintf(tags[1], sizeof tags[1], "new%u", round);
        assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
        assert_true(feed_directory_is_clean(dir));
        pid_t child = start_publishing(dir, tags[1]);
        unsigned us = pick(longest);
        nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        unsigned which = feed_judge(dir, both, 2) - VERDICT_FIRST;
        assert_in_range(which, 0, 1);
        seen[which]++;
    }
    print_message("%u times the old, %u times the new\n", seen[0], seen[1]);
    assert_true(seen[0] > 0);
}

/* The next publishing after a kill may find its own content in force, and has the same to tidy up. */
static void publishing_again_after_a_kill_tidies_up(void **state)
{
    const char *dir = *state;
    const char *const tags[] = {"again"};
    unsigned longest = publishing_us(dir) * 5 / 4;
    for (unsigned round = rounds(5, 25); round; round--) {
        pid_t child = start_publishing(dir, "again");
        unsigned us = pick(longest);
        nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(feed_publish(dir, "again", NEW_NAMES, NULL), ST_OK);
        assert_int_equal(feed_judge(dir, tags, 1), VERDICT_FIRST);
        assert_true(feed_directory_is_clean(dir));
        assert_int_equal(feed_publish(dir, "other", FEED_NAMES, NULL), ST_OK);
    }
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_kill_at_any_moment_leaves_the_old_or_the_new),
        IN_DIRECTORY(publishing_again_after_a_kill_tidies_up),
    };
    seed_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
