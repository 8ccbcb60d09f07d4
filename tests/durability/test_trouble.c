/* A full disk, files that cannot be read, two writers at once, a clock that jumps: what was there stays in force. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "tests/durability/feed.h"
#include "tests/unit/reputation/fixture.h"

static const char *const tags[] = {"old", "new", "next"};

/* Leaves about FREE bytes free on the file system of DIR, in DIR/filler. */
static void fill_disk(const char *dir, size_t disk, size_t free_bytes)
{
    char path[512];
    static const char page[4096];
    snprintf(path, sizeof path, "%s/filler", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0640);
    assert_true(fd >= 0);
    for (size_t written = 0; written < disk; written += sizeof page)
        if (write(fd, page, sizeof page) != (ssize_t)sizeof page)
            break;
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(ftruncate(fd, st.st_size > (off_t)free_bytes ? st.st_size - (off_t)free_bytes : 0), 0);
    close(fd);
}

static void empty_disk(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/filler", dir);
    assert_int_equal(unlink(path), 0);
}

static bool mount_small(const char *dir, const char *options)
{
    return !mount("none", dir, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

/* What publishing "new" over "old" gives, and that one of both is in force and nothing lies about. */
static enum status publish_into_trouble(const char *store)
{
    struct fault fault = {0};
    enum status status = feed_publish(store, tags[1], FEED_NAMES, &fault);
    assert_int_equal(feed_judge(store, tags, 3), status == ST_OK ? VERDICT_SECOND : VERDICT_FIRST);
    assert_true((status == ST_OK) == !fault.text[0]);
    return status;
}

static void assert_next_works(const char *store)
{
    assert_int_equal(feed_publish(store, tags[2], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_judge(store, tags, 3), VERDICT_THIRD);
    assert_true(feed_directory_is_clean(store));
}

static void a_disk_that_fills_at_any_moment_keeps_what_is_there(void **state)
{
    enum { DISK = 2 << 20, STEP = 4096 };
    const char *dir = *state;
    char store[512];
    unsigned full = 0, fits = 0, every = rounds(5, 1);
    snprintf(store, sizeof store, "%s/store", dir);
    for (size_t free_bytes = 0; fits < 3; free_bytes += every * STEP) {
        if (!mount_small(dir, "size=2m"))
            skip(); /* only root may */
        assert_int_equal(feed_publish(store, tags[0], FEED_NAMES, NULL), ST_OK);
        fill_disk(dir, DISK, free_bytes);
        enum status status = publish_into_trouble(store);
        empty_disk(dir);
        assert_next_works(store);
        assert_int_equal(umount(dir), 0);
        assert_true(status == ST_OK || status == ST_FULL);
        full += status == ST_FULL;
        fits += status == ST_OK;
    }
    print_message("%u times full\n", full);
    assert_true(full > 3);
}

static void a_disk_without_inodes_keeps_what_is_there(void **state)
{
    const char *dir = *state;
    char store[512], options[64];
    unsigned full = 0;
    enum status status = ST_FULL;
    snprintf(store, sizeof store, "%s/store", dir);
    for (unsigned inodes = 5; status != ST_OK; inodes++) { /* the root, the store, the lock, the old feed's two */
        snprintf(options, sizeof options, "size=2m,nr_inodes=%u", inodes);
        if (!mount_small(dir, options))
            skip(); /* only root may */
        assert_int_equal(feed_publish(store, tags[0], FEED_NAMES, NULL), ST_OK);
        status = publish_into_trouble(store);
        assert_int_equal(umount(dir), 0);
        assert_true(status == ST_OK || status == ST_FULL);
        full += status == ST_FULL;
    }
    assert_true(full >= 2); /* for the data, and for the manifest */
}

/* The verdict of someone who is not root, to whom files may be closed. */
static enum verdict judge_as_nobody(const char *dir)
{
    uid_t user = geteuid();
    if (!user)
        assert_int_equal(seteuid(65534), 0);
    enum verdict verdict = feed_judge(dir, tags, 3);
    assert_int_equal(seteuid(user), 0);
    return verdict;
}

static void set_mode(const char *dir, const char *file, mode_t mode)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_file_that_cannot_be_read_gives_way_to_the_generation_before(void **state)
{
    static const char *const files[] = {"feed.1.mdb", "feed.1.json", "feed.2.mdb", "feed.2.json"};
    const char *dir = *state;
    assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_publish(dir, tags[1], FEED_NAMES, NULL), ST_OK);
    set_mode(dir, ".", 0755);
    for (unsigned i = 0; i < 4; i++)
        set_mode(dir, files[i], 0644);
    assert_int_equal(judge_as_nobody(dir), VERDICT_SECOND);
    for (unsigned i = 2; i < 4; i++) {
        set_mode(dir, files[i], 0);
        assert_int_equal(judge_as_nobody(dir), VERDICT_FIRST);
        set_mode(dir, files[i], 0644);
    }
    set_mode(dir, ".", 0);
    assert_int_equal(judge_as_nobody(dir), VERDICT_UNREADABLE);
    set_mode(dir, ".", 0700);
}

enum { WRITERS = 2, TURNS = 8 };

static _Noreturn void publish_in_turn(const char *dir, char (*mine)[16])
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        enum status status;
        while ((status = feed_publish(dir, mine[turn], FEED_NAMES, NULL)) == ST_BUSY)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        if (status != ST_OK)
            _exit(1);
    }
    _exit(0);
}

static void two_writers_at_once_take_turns_and_readers_see_one_feed(void **state)
{
    const char *dir = *state;
    static char texts[WRITERS][TURNS][16];
    const char *all[WRITERS * TURNS];
    pid_t children[WRITERS];
    unsigned running = WRITERS;
    for (unsigned i = 0; i < WRITERS * TURNS; i++) {
        char *text = texts[i / TURNS][i % TURNS];
        snprintf(text, sizeof texts[0][0], "w%u-%u", i / TURNS, i % TURNS);
        all[i] = text;
    }
    assert_int_equal(feed_publish(dir, all[0], FEED_NAMES, NULL), ST_OK);
    fflush(NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (!children[i])
            publish_in_turn(dir, texts[i]);
    }
    while (running) {
        int result;
        enum verdict verdict = feed_judge(dir, all, WRITERS * TURNS);
        assert_in_range(verdict, VERDICT_FIRST, VERDICT_FIRST + WRITERS * TURNS - 1);
        for (unsigned i = 0; i < WRITERS; i++) {
            if (children[i] && waitpid(children[i], &result, WNOHANG) == children[i]) {
                assert_int_equal(result, 0);
                children[i] = 0;
                running--;
            }
        }
    }
    enum verdict last = feed_judge(dir, all, WRITERS * TURNS);
    assert_true(last == VERDICT_FIRST + TURNS - 1 || last == VERDICT_FIRST + WRITERS * TURNS - 1);
    assert_true(feed_directory_is_clean(dir));
}

enum { SECONDS_2026 = 1767225600, SECONDS_2031 = 1924992000, SECONDS_2036 = 2082758400 };

static void publish_expiring(const char *dir, const char *name)
{
    struct source_writer *writer = new_writer("feed");
    struct record expiring = plain_record;
    expiring.expires = SECONDS_2031;
    add_name(writer, name, plain_record);
    add_name(writer, "expires.example", expiring);
    assert_int_equal(source_writer_publish(writer, dir, NULL, NULL, NULL), ST_OK);
    source_writer_free(writer);
}

static size_t find_now(struct store_reader *reader, const char *text)
{
    struct store_hit hits[STORE_MAX_HITS];
    struct dname name = name_of(text);
    return store_find_name(reader, &name, (uint32_t)(clock_wall_ms() / 1000), hits, STORE_MAX_HITS);
}

static void a_clock_that_jumps_back_ten_years_changes_no_order(void **state)
{
    const char *dir = *state;
    unsigned damaged;
    struct store *store = store_new();
    clock_fake(0, SECONDS_2036 * INT64_C(1000));
    publish_expiring(dir, "old.example");
    clock_fake(0, SECONDS_2026 * INT64_C(1000));
    publish_expiring(dir, "new.example");
    assert_int_equal(store_add_directory(store, dir, &damaged, NULL), ST_OK);
    struct store_reader *reader = new_reader(store);
    assert_int_equal(store_source_info(store, 0)->generation, 2);
    assert_int_equal(store_source_info(store, 0)->created_ms, SECONDS_2026 * INT64_C(1000));
    assert_int_equal(find_now(reader, "old.example"), 0);
    assert_int_equal(find_now(reader, "new.example"), 1);
    /* Judged at each look-up: what had expired counts again as long as the clock says so, and nothing is lost. */
    assert_int_equal(find_now(reader, "expires.example"), 1);
    clock_fake(0, SECONDS_2036 * INT64_C(1000));
    assert_int_equal(find_now(reader, "expires.example"), 0);
    assert_int_equal(find_now(reader, "new.example"), 1);
    clock_fake(0, 0); /* a machine without a battery for its clock */
    assert_int_equal(find_now(reader, "expires.example"), 1);
    assert_int_equal(find_now(reader, "new.example"), 1);
    clock_real();
    store_reader_free(reader);
    store_free(store);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_disk_that_fills_at_any_moment_keeps_what_is_there),
        IN_DIRECTORY(a_disk_without_inodes_keeps_what_is_there),
        IN_DIRECTORY(a_file_that_cannot_be_read_gives_way_to_the_generation_before),
        IN_DIRECTORY(two_writers_at_once_take_turns_and_readers_see_one_feed),
        IN_DIRECTORY(a_clock_that_jumps_back_ten_years_changes_no_order),
    };
    seed_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
