#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_published_is_found, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(the_same_content_again_writes_nothing, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
