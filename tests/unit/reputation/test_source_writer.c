#include <fcntl.h>
#include <glob.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "fixture.h"

/* Publishes a source "feed" of COUNT names nI.TAG.example, and gives what publishing gave. */
static enum status publish(const char *dir, const char *tag, unsigned count, bool *unchanged, struct source_info *info,
                           struct fault *fault)
{
    struct source_writer *writer = new_writer("feed");
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "n%u.%s.example", i, tag);
        add_name(writer, name, plain_record);
    }
    enum status status = source_writer_publish(writer, dir, unchanged, info, fault);
    source_writer_free(writer);
    return status;
}

static struct store *open_store(const char *dir, unsigned *damaged)
{
    struct fault fault = {0};
    struct store *store = store_new();
    assert_non_null(store);
    assert_int_equal(store_add_directory(store, dir, damaged, &fault), ST_OK);
    return store;
}

/* How many of n0..n(COUNT-1).TAG.example the directory's store lists. */
static unsigned listed(const char *dir, const char *tag, unsigned count)
{
    unsigned damaged, found = 0;
    struct store *store = open_store(dir, &damaged);
    struct store_reader *reader = new_reader(store);
    struct store_hit hits[STORE_MAX_HITS];
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "n%u.%s.example", i, tag);
        found += find_name(reader, name, hits) == 1;
    }
    store_reader_free(reader);
    store_free(store);
    return found;
}

static size_t files_like(const char *dir, const char *pattern)
{
    char path[512];
    glob_t found;
    snprintf(path, sizeof path, "%s/%s", dir, pattern);
    size_t n = glob(path, GLOB_PERIOD, NULL, &found) ? 0 : found.gl_pathc;
    globfree(&found);
    return n;
}

static void what_is_published_is_found(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    struct source_info info;
    bool unchanged = true;
    assert_int_equal(publish(dir, "a", 1000, &unchanged, &info, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    assert_false(unchanged);
    assert_int_equal(info.generation, 1);
    assert_int_equal(info.counts[INDICATOR_NAME], 1000);
    assert_int_equal(listed(dir, "a", 1000), 1000);
    assert_int_equal(listed(dir, "b", 1000), 0);
    assert_int_equal(files_like(dir, ".tmp.*"), 0);
    assert_int_equal(files_like(dir, "feed.1.mdb"), 1);
}

static void the_same_content_again_writes_nothing(void **state)
{
    const char *dir = *state;
    struct source_info info;
    struct stat before, after;
    bool unchanged = false;
    struct source_writer *writer;
    assert_int_equal(publish(dir, "a", 3, NULL, NULL, NULL), ST_OK);
    assert_int_equal(stat(dir, &before), 0);
    writer = new_writer("feed");
    add_name(writer, "n2.a.example", plain_record);
    add_name(writer, "n0.a.example", plain_record);
    add_name(writer, "N1.a.example.", plain_record);
    add_name(writer, "n2.a.example", plain_record);
    assert_int_equal(source_writer_publish(writer, dir, &unchanged, &info, NULL), ST_OK);
    assert_int_equal(source_writer_count(writer, INDICATOR_NAME), 3);
    source_writer_free(writer);
    assert_true(unchanged);
    assert_int_equal(info.generation, 1);
    assert_int_equal(stat(dir, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

static void changed_content_is_a_new_generation_and_two_are_kept(void **state)
{
    const char *dir = *state;
    struct source_info info;
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(publish(dir, "a", i, NULL, &info, NULL), ST_OK);
        assert_int_equal(info.generation, i);
    }
    assert_int_equal(listed(dir, "a", 10), 5);
    assert_int_equal(files_like(dir, "feed.*.mdb"), 2);
    assert_int_equal(files_like(dir, "feed.*.json"), 2);
    assert_int_equal(files_like(dir, "feed.5.*") + files_like(dir, "feed.4.*"), 4);
}

static void an_empty_source_can_be_published(void **state)
{
    const char *dir = *state;
    unsigned damaged;
    assert_int_equal(publish(dir, "a", 0, NULL, NULL, NULL), ST_OK);
    struct store *store = open_store(dir, &damaged);
    assert_int_equal(store_source_count(store), 1);
    store_free(store);
    assert_int_equal(listed(dir, "a", 10), 0);
}

/* Writes a byte at OFFSET (negative: from the end) of DIR/FILE, or cuts it there. */
static void damage(const char *dir, const char *file, off_t offset, bool cut)
{
    char path[512];
    uint8_t byte;
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    off_t at = offset < 0 ? lseek(fd, 0, SEEK_END) + offset : offset;
    if (cut) {
        assert_int_equal(ftruncate(fd, at), 0);
    } else {
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
}

static void a_damaged_file_is_refused_and_the_generation_before_is_taken(void **state)
{
    const char *dir = *state;
    char path[512];
    struct source *source = NULL;
    assert_int_equal(publish(dir, "old", 500, NULL, NULL, NULL), ST_OK);
    assert_int_equal(publish(dir, "new", 600, NULL, NULL, NULL), ST_OK);
    snprintf(path, sizeof path, "%s/feed.2.json", dir);
    for (unsigned i = 0; i < 40; i++) {
        struct fault fault = {0};
        unsigned damaged = 0;
        bool cut = i % 4 == 3;
        off_t offset = (off_t)(i * 977 % 20000);
        if (cut && i != 39)
            continue;
        damage(dir, "feed.2.mdb", offset, cut);
        assert_int_equal(source_open(path, &source, &fault), ST_CORRUPT);
        assert_non_null(strstr(fault.text, "feed.2.mdb"));
        struct store *store = open_store(dir, &damaged);
        assert_int_equal(damaged, 1);
        assert_int_equal(store_source_count(store), 1);
        assert_int_equal(store_source_info(store, 0)->generation, 1);
        store_free(store);
        if (!cut)
            damage(dir, "feed.2.mdb", offset, false); /* back as it was */
    }
    assert_int_equal(listed(dir, "old", 500), 500);
    damage(dir, "feed.1.mdb", 0, true);
    unsigned damaged;
    struct store *store = open_store(dir, &damaged);
    assert_int_equal(store_source_count(store), 0);
    assert_int_equal(damaged, 1);
    store_free(store);
}

static void a_file_that_was_touched_but_not_changed_is_taken(void **state)
{
    const char *dir = *state;
    assert_int_equal(publish(dir, "a", 500, NULL, NULL, NULL), ST_OK);
    damage(dir, "feed.1.mdb", 5000, false);
    damage(dir, "feed.1.mdb", 5000, false);
    assert_int_equal(listed(dir, "a", 500), 500);
}

static void damaged_content_is_not_taken_for_unchanged(void **state)
{
    const char *dir = *state;
    bool unchanged = true;
    struct source_info info;
    assert_int_equal(publish(dir, "a", 500, NULL, NULL, NULL), ST_OK);
    damage(dir, "feed.1.mdb", 5000, false);
    assert_int_equal(publish(dir, "a", 500, &unchanged, &info, NULL), ST_OK);
    assert_false(unchanged);
    assert_int_equal(info.generation, 2);
    assert_int_equal(listed(dir, "a", 500), 500);
}

static void write_text(const char *dir, const char *file, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void a_manifest_is_outside_input(void **state)
{
    const char *dir = *state;
    char path[512], text[8192], hostile[9000];
    struct source *source = NULL;
    assert_int_equal(publish(dir, "a", 5, NULL, NULL, NULL), ST_OK);
    snprintf(path, sizeof path, "%s/feed.1.json", dir);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    size_t n = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[n] = '\0';
    static const char *const changes[][3] = {
        {"\"feed\"", "\"../feed\"", "c"},
        {"\"feed\"", "\"other\"", "c"},
        {"\"generation\": 1", "\"generation\": 2", "c"},
        {"\"generation\": 1", "\"generation\": -1", "c"},
        {"\"generation\": 1", "\"generation\": 99999999999999999999999", "c"},
        {"\"names\": 5", "\"names\": 0", "c"},
        {"\"names\": 5", "\"names\": \"5\"", "c"},
        {"\"networks\": 0,", "", "c"},
        {"\"urls\": 0", "\"urls\": 0, \"more\": 1", "c"},
        {"\"size_bytes\": ", "\"size_bytes\": 1", "c"},
        {"\"category\": \"malware\"", "\"category\": \"fun\"", "c"},
        {"\"sha256\": \"", "\"sha256\": \"0", "c"},
        {"\"schema\": 2", "\"schema\": 3", "u"},
        {"\"schema\": 2", "\"schema\": 1", "u"},
        {"\"schema\": 2", "\"schema\": 2, \"schema\": 2", "c"},
        {"{", "[{", "c"},
        {"}", "", "c"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *at = strstr(text, changes[i][0]);
        assert_non_null(at);
        snprintf(hostile, sizeof hostile, "%.*s%s%s", (int)(at - text), text, changes[i][1],
                 at + strlen(changes[i][0]));
        write_text(dir, "feed.1.json", hostile);
        struct fault fault = {0};
        assert_int_equal(source_open(path, &source, &fault), changes[i][2][0] == 'u' ? ST_UNSUPPORTED : ST_CORRUPT);
        assert_true(fault.text[0]);
    }
    write_text(dir, "feed.1.json", "");
    assert_int_equal(source_open(path, &source, NULL), ST_CORRUPT);
    write_text(dir, "feed.1.json", text);
    assert_int_equal(source_open(path, &source, NULL), ST_OK);
    source_close(source);
    assert_int_equal(source_open("/nonexistent/feed.1.json", &source, NULL), ST_NOT_FOUND);
    assert_int_equal(source_open("feed.json", &source, NULL), ST_INVALID);
}

static void links_are_not_followed(void **state)
{
    const char *dir = *state;
    char from[512], to[512];
    struct source *source = NULL;
    assert_int_equal(publish(dir, "a", 5, NULL, NULL, NULL), ST_OK);
    snprintf(from, sizeof from, "%s/feed.1.mdb", dir);
    snprintf(to, sizeof to, "%s/elsewhere", dir);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(symlink(to, from), 0);
    snprintf(to, sizeof to, "%s/feed.1.json", dir);
    assert_int_equal(source_open(to, &source, NULL), ST_IO);
}

static void a_second_writer_finds_it_busy(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    int first, second;
    assert_int_equal(store_lock(dir, &first, NULL), ST_OK);
    assert_int_equal(store_lock(dir, &second, &fault), ST_BUSY);
    assert_non_null(strstr(fault.text, dir));
    store_unlock(first);
    assert_int_equal(store_lock(dir, &second, NULL), ST_OK);
    store_unlock(second);
}

static void the_lock_makes_the_directory_and_removes_leftovers(void **state)
{
    char dir[512];
    struct stat st;
    int lock;
    snprintf(dir, sizeof dir, "%s/var/lib/reputation", (const char *)*state);
    assert_int_equal(store_lock(dir, &lock, NULL), ST_OK);
    store_unlock(lock);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0750, 0);
    write_text(dir, ".tmp.feed.1.mdb", "half");
    write_text(dir, "feed.1.mdb", "not mine to judge");
    assert_int_equal(store_lock(dir, &lock, NULL), ST_OK);
    store_unlock(lock);
    assert_int_equal(files_like(dir, ".tmp.*"), 0);
    assert_int_equal(files_like(dir, "feed.1.mdb"), 1);
}

static void a_leftover_of_the_same_name_does_no_harm(void **state)
{
    const char *dir = *state;
    struct source_info info;
    write_text(dir, "feed.1.mdb", "a killed writer's");
    assert_int_equal(publish(dir, "a", 50, NULL, &info, NULL), ST_OK);
    assert_int_equal(info.generation, 2);
    assert_int_equal(listed(dir, "a", 50), 50);
    assert_int_equal(files_like(dir, "feed.1.mdb"), 0);
}

static void removing_takes_all_generations(void **state)
{
    const char *dir = *state;
    assert_int_equal(publish(dir, "a", 1, NULL, NULL, NULL), ST_OK);
    assert_int_equal(publish(dir, "a", 2, NULL, NULL, NULL), ST_OK);
    write_text(dir, "feed.x.1.json", "another source's");
    assert_int_equal(source_remove(dir, "feed", NULL), ST_OK);
    assert_int_equal(files_like(dir, "feed.[0-9]*"), 0);
    assert_int_equal(files_like(dir, "feed.x.*"), 1);
    assert_int_equal(source_remove(dir, "feed", NULL), ST_NOT_FOUND);
    assert_int_equal(source_remove("/nonexistent", "feed", NULL), ST_NOT_FOUND);
}

static void a_directory_that_cannot_be_written_keeps_what_is_there(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    uid_t user = geteuid();
    assert_int_equal(publish(dir, "old", 5, NULL, NULL, NULL), ST_OK);
    assert_int_equal(chmod(dir, 0555), 0);
    if (!user)
        assert_int_equal(seteuid(65534), 0); /* root may write everywhere */
    enum status status = publish(dir, "new", 5, NULL, NULL, &fault);
    int lock;
    enum status locked = store_lock(dir, &lock, NULL);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(dir, 0750), 0);
    assert_int_equal(status, ST_DENIED);
    assert_int_equal(locked, ST_DENIED);
    assert_true(fault.text[0]);
    assert_int_equal(listed(dir, "old", 5), 5);
    assert_int_equal(publish("/proc/nowhere", "new", 5, NULL, NULL, NULL), ST_IO);
}

static void a_full_disk_keeps_what_is_there(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    if (mount("none", dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=512k"))
        skip(); /* only root may */
    enum status first = publish(dir, "old", 500, NULL, NULL, NULL);
    enum status second = publish(dir, "new", 50000, NULL, NULL, &fault);
    unsigned old = listed(dir, "old", 500);
    size_t left = files_like(dir, ".tmp.*") + files_like(dir, "feed.2.*");
    enum status third = publish(dir, "new", 600, NULL, NULL, NULL);
    unsigned new = listed(dir, "new", 600);
    assert_int_equal(umount(dir), 0);
    assert_int_equal(first, ST_OK);
    assert_int_equal(second, ST_FULL);
    assert_true(fault.text[0]);
    assert_int_equal(old, 500);
    assert_int_equal(left, 0);
    assert_int_equal(third, ST_OK);
    assert_int_equal(new, 600);
}

static void source_names_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   ".",  "..",  ".a",       "a..b", "a/b",  "A",
                                      "-a", "_a", "a b", "\xc3\xbc", "a\n",  "../a", "a/../b"};
    struct source_writer *writer;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct source_writer_settings settings = {.name = bad[i], .format = "test"};
        assert_int_equal(source_writer_new(&settings, &writer), ST_INVALID);
    }
    assert_true(source_name_valid(STR("urlhaus-1.x_y")));
    char longest[SOURCE_NAME_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    assert_true(source_name_valid((struct str){longest, SOURCE_NAME_SIZE - 1}));
    assert_false(source_name_valid((struct str){longest, SOURCE_NAME_SIZE}));
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_is_published_is_found),
        IN_DIRECTORY(the_same_content_again_writes_nothing),
        IN_DIRECTORY(changed_content_is_a_new_generation_and_two_are_kept),
        IN_DIRECTORY(an_empty_source_can_be_published),
        IN_DIRECTORY(a_damaged_file_is_refused_and_the_generation_before_is_taken),
        IN_DIRECTORY(a_file_that_was_touched_but_not_changed_is_taken),
        IN_DIRECTORY(damaged_content_is_not_taken_for_unchanged),
        IN_DIRECTORY(a_manifest_is_outside_input),
        IN_DIRECTORY(links_are_not_followed),
        IN_DIRECTORY(a_second_writer_finds_it_busy),
        IN_DIRECTORY(the_lock_makes_the_directory_and_removes_leftovers),
        IN_DIRECTORY(a_leftover_of_the_same_name_does_no_harm),
        IN_DIRECTORY(removing_takes_all_generations),
        IN_DIRECTORY(a_directory_that_cannot_be_written_keeps_what_is_there),
        IN_DIRECTORY(a_full_disk_keeps_what_is_there),
        cmocka_unit_test(source_names_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
