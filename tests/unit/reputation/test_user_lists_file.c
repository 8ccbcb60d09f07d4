#include "reputation/user_lists_file.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"

static const char *store_of(const char *state_dir)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/reputation", state_dir);
    return path;
}

static const char *file_of(const char *state_dir)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/" USER_LISTS_FILE, state_dir);
    return path;
}

static enum status add(const char *state_dir, enum user_verb verb, const char *subject, struct fault *fault)
{
    struct user_lists *lists;
    int lock;
    struct user_entry entry = {.subject = subject, .verb = verb, .group = "", .note = "", .category = CATEGORY_OTHER};
    const struct user_entry *replaced;
    enum status status = user_lists_open(state_dir, &lists, &lock, fault);
    if (status != ST_OK)
        return status;
    status = user_lists_put(lists, &entry, &replaced, fault);
    if (status == ST_OK)
        status = user_lists_save(state_dir, lists, fault);
    user_lists_close(lists, lock);
    return status;
}

static void add_well(const char *state_dir, enum user_verb verb, const char *subject)
{
    struct fault fault = {0};
    if (add(state_dir, verb, subject, &fault) != ST_OK)
        fail_msg("%s", fault.text);
}

/* How many records of the source `user` cover NAME, as a daemon would see it; -1: there is no such source. */
static int published(const char *state_dir, const char *name)
{
    struct store *store = store_new();
    struct store_hit hits[STORE_MAX_HITS];
    struct fault fault = {0};
    unsigned damaged;
    int found = -1;
    assert_int_equal(store_add_directory(store, store_of(state_dir), &damaged, &fault), ST_OK);
    struct store_reader *reader = new_reader(store);
    for (size_t i = 0; i < store_source_count(store); i++)
        if (!strcmp(store_source_info(store, i)->name, SOURCE_USER))
            found = (int)find_name(reader, name, hits);
    store_reader_free(reader);
    store_free(store);
    return found;
}

static size_t entries_in_file(const char *state_dir)
{
    struct user_lists *lists;
    struct fault fault = {0};
    if (user_lists_read(state_dir, &lists, &fault) != ST_OK)
        fail_msg("%s", fault.text);
    size_t count = user_lists_count(lists);
    user_lists_free(lists);
    return count;
}

static void what_is_saved_is_kept_and_in_force(void **state)
{
    const char *dir = *state;
    assert_int_equal(entries_in_file(dir), 0); /* no file is no entry */
    add_well(dir, USER_DENY, "evil.example");
    add_well(dir, USER_ALLOW, "good.example");
    assert_int_equal(entries_in_file(dir), 2);
    assert_int_equal(published(dir, "www.evil.example"), 1);
    assert_int_equal(published(dir, "good.example"), 1);
    assert_int_equal(published(dir, "other.example"), 0);
}

static void the_last_entry_takes_the_source_with_it(void **state)
{
    const char *dir = *state;
    struct user_lists *lists;
    struct fault fault = {0};
    int lock;
    add_well(dir, USER_DENY, "evil.example");
    add_well(dir, USER_DENY, "other.example");
    assert_int_equal(user_lists_open(dir, &lists, &lock, &fault), ST_OK);
    assert_true(user_lists_remove(lists, "evil.example", "") && user_lists_remove(lists, "other.example", ""));
    assert_int_equal(user_lists_save(dir, lists, &fault), ST_OK);
    user_lists_close(lists, lock);
    assert_int_equal(entries_in_file(dir), 0);
    assert_int_equal(published(dir, "evil.example"), -1); /* no generation before comes back */
}

static void expired_entries_leave_the_file_at_the_next_change(void **state)
{
    const char *dir = *state;
    struct user_lists *lists;
    struct fault fault = {0};
    int lock;
    struct user_entry entry = {.subject = "brief.example", .verb = USER_DENY, .group = "", .note = ""};
    const struct user_entry *replaced;
    entry.expires_s = clock_wall_ms() / 1000 + 1000;
    assert_int_equal(user_lists_open(dir, &lists, &lock, &fault), ST_OK);
    assert_int_equal(user_lists_put(lists, &entry, &replaced, &fault), ST_OK);
    assert_int_equal(user_lists_save(dir, lists, &fault), ST_OK);
    user_lists_close(lists, lock);
    assert_int_equal(entries_in_file(dir), 1);
    clock_fake(0, clock_wall_ms() + 1000 * 1000);
    add_well(dir, USER_DENY, "evil.example");
    clock_real();
    assert_int_equal(entries_in_file(dir), 1);
}

static void several_processes_at_once_lose_nothing(void **state)
{
    enum { PROCESSES = 4, EACH = 8 };
    const char *dir = *state;
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        assert_true(children[p] >= 0);
        for (int i = 0; !children[p] && i < EACH; i++) {
            char subject[40];
            struct fault fault = {0};
            snprintf(subject, sizeof subject, "n%d-%d.example", p, i);
            if (add(dir, USER_DENY, subject, &fault) != ST_OK)
                _exit(1);
        }
        if (!children[p])
            _exit(0);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int result;
        assert_int_equal(waitpid(children[p], &result, 0), children[p]);
        assert_int_equal(result, 0);
    }
    assert_int_equal(entries_in_file(dir), PROCESSES * EACH);
    for (int p = 0; p < PROCESSES; p++)
        for (int i = 0; i < EACH; i++) {
            char subject[40];
            snprintf(subject, sizeof subject, "n%d-%d.example", p, i);
            assert_int_equal(published(dir, subject), 1);
        }
}

static void an_import_under_way_is_not_waited_for(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    int import;
    assert_int_equal(store_lock(store_of(dir), &import, &fault), ST_OK);
    add_well(dir, USER_DENY, "evil.example");
    assert_int_equal(published(dir, "evil.example"), 1);
    store_unlock(import);
}

static void touch(const char *dir, const char *file)
{
    char path[160];
    struct fault fault = {0};
    snprintf(path, sizeof path, "%s/%s", dir, file);
    assert_int_equal(file_replace(path, STR("half"), &fault), ST_OK);
}

static bool exists(const char *dir, const char *file)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return !access(path, F_OK);
}

static void each_lock_clears_what_its_own_writers_left(void **state)
{
    const char *dir = *state, *store = store_of(dir);
    struct fault fault = {0};
    int lock;
    add_well(dir, USER_DENY, "evil.example");
    touch(store, ".tmp.user.2.mdb");
    touch(store, ".tmp.user.x.2.mdb");
    assert_int_equal(store_lock(store, &lock, &fault), ST_OK);
    store_unlock(lock);
    assert_true(exists(store, ".tmp.user.2.mdb"));
    assert_false(exists(store, ".tmp.user.x.2.mdb"));
    add_well(dir, USER_DENY, "other.example"); /* its generation is 2 */
    assert_int_equal(published(dir, "other.example"), 1);
    assert_false(exists(store, ".tmp.user.2.mdb"));
}

static void what_a_killed_command_did_not_publish_is_published_later(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    struct buf text = {0};
    add_well(dir, USER_DENY, "evil.example");
    assert_int_equal(file_read(file_of(dir), 10000, &text, &fault), ST_OK);
    char *name = strstr(buf_text(&text), "evil");
    assert_non_null(name);
    memcpy(name, "EVEN", 4); /* as if killed right after the file was replaced */
    assert_int_equal(file_replace(file_of(dir), (struct str){text.data, text.length}, &fault), ST_OK);
    buf_free(&text);
    assert_int_equal(published(dir, "even.example"), 0);
    assert_int_equal(user_lists_publish(dir, &fault), ST_OK);
    assert_int_equal(published(dir, "even.example"), 1);
    assert_int_equal(published(dir, "evil.example"), 0);
}

static void publishing_again_writes_nothing(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    struct stat before, after;
    add_well(dir, USER_DENY, "evil.example");
    assert_int_equal(user_lists_publish(dir, &fault), ST_OK); /* its lock file is there now */
    assert_int_equal(stat(store_of(dir), &before), 0);
    assert_int_equal(user_lists_publish(dir, &fault), ST_OK);
    assert_int_equal(stat(store_of(dir), &after), 0);
    assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    assert_true(exists(store_of(dir), "user.1.mdb") && !exists(store_of(dir), "user.2.mdb"));
}

static void a_damaged_source_is_made_anew_from_the_file(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    char path[160];
    add_well(dir, USER_DENY, "evil.example");
    snprintf(path, sizeof path, "%s/user.1.mdb", store_of(dir));
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(published(dir, "evil.example"), -1);
    assert_int_equal(user_lists_publish(dir, &fault), ST_OK);
    assert_int_equal(published(dir, "evil.example"), 1);
}

static void a_damaged_file_is_left_alone_and_what_was_published_stays(void **state)
{
    const char *dir = *state;
    struct fault adding = {0}, publishing = {0}, reading = {0};
    struct user_lists *lists;
    struct buf text = {0};
    add_well(dir, USER_DENY, "evil.example");
    assert_int_equal(file_read(file_of(dir), 10000, &text, &reading), ST_OK);
    text.length -= 5; /* a lost end */
    assert_int_equal(file_replace(file_of(dir), (struct str){text.data, text.length}, &reading), ST_OK);
    assert_int_equal(add(dir, USER_DENY, "other.example", &adding), ST_INVALID);
    assert_non_null(strstr(adding.text, file_of(dir)));
    assert_non_null(strstr(adding.text, ".json:2: "));
    assert_int_equal(user_lists_publish(dir, &publishing), ST_INVALID);
    assert_int_equal(user_lists_read(dir, &lists, &reading), ST_INVALID);
    assert_int_equal(published(dir, "evil.example"), 1);
    struct buf after = {0};
    assert_int_equal(file_read(file_of(dir), 10000, &after, &reading), ST_OK);
    assert_int_equal(after.length, text.length);
    assert_memory_equal(after.data, text.data, text.length);
    buf_free(&after);
    buf_free(&text);
}

static void a_command_at_work_is_not_disturbed(void **state)
{
    const char *dir = *state;
    struct user_lists *lists;
    struct fault fault = {0}, busy = {0};
    int lock;
    assert_int_equal(user_lists_open(dir, &lists, &lock, &fault), ST_OK);
    assert_int_equal(user_lists_publish(dir, &busy), ST_BUSY);
    user_lists_close(lists, lock);
    assert_int_equal(user_lists_publish(dir, &fault), ST_OK);
}

/* A writer is killed at random moments; each time what stood in the file is in force after publishing. */
static void a_kill_at_any_moment_loses_nothing_that_was_there(void **state)
{
    const char *dir = *state;
    add_well(dir, USER_DENY, "stays.example");
    for (unsigned round = 0; round < 12; round++) {
        struct fault fault = {0};
        pid_t child = fork();
        assert_true(child >= 0);
        for (unsigned i = 0; !child; i++) {
            char subject[40];
            struct fault ignored = {0};
            snprintf(subject, sizeof subject, "n%u-%u.example", round, i);
            (void)!add(dir, USER_DENY, subject, &ignored);
        }
        usleep(3000 + round * 2777);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (user_lists_publish(dir, &fault) != ST_OK)
            fail_msg("%s", fault.text);
        struct user_lists *lists;
        assert_int_equal(user_lists_read(dir, &lists, &fault), ST_OK);
        assert_non_null(user_lists_find(lists, "stays.example", ""));
        for (size_t i = 0; i < user_lists_count(lists); i++)
            assert_int_equal(published(dir, user_lists_at(lists, i)->subject), 1);
        user_lists_free(lists);
    }
}

int main(void)
{
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_is_saved_is_kept_and_in_force),
        FILE_TEST(the_last_entry_takes_the_source_with_it),
        FILE_TEST(expired_entries_leave_the_file_at_the_next_change),
        FILE_TEST(several_processes_at_once_lose_nothing),
        FILE_TEST(an_import_under_way_is_not_waited_for),
        FILE_TEST(each_lock_clears_what_its_own_writers_left),
        FILE_TEST(what_a_killed_command_did_not_publish_is_published_later),
        FILE_TEST(publishing_again_writes_nothing),
        FILE_TEST(a_damaged_source_is_made_anew_from_the_file),
        FILE_TEST(a_damaged_file_is_left_alone_and_what_was_published_stays),
        FILE_TEST(a_command_at_work_is_not_disturbed),
        FILE_TEST(a_kill_at_any_moment_loses_nothing_that_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
