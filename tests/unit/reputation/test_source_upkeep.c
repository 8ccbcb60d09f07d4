#include <fcntl.h>
#include <sys/stat.h>

#include "fixture.h"
#include "reputation/source_upkeep.h"

/* COUNT names of the source NAME. */
static void publish(const char *dir, const char *name, unsigned count)
{
    struct source_writer *writer = new_writer(name);
    struct fault fault = {0};
    for (unsigned i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "n%u.example", i);
        add_name(writer, text, plain_record);
    }
    add_url(writer, "http://url.example/a/b?c", plain_record);
    add_network(writer, "192.0.2.0/24", plain_record);
    assert_int_equal(source_writer_publish(writer, dir, NULL, NULL, &fault), ST_OK);
    source_writer_free(writer);
}

/* Generation and number of names of what is in force of "feed"; 0: nothing is. */
static uint64_t in_force(const char *dir, uint64_t *names)
{
    unsigned damaged;
    struct store *store = store_new();
    assert_non_null(store);
    assert_int_equal(store_add_directory(store, dir, &damaged, NULL), ST_OK);
    uint64_t generation = 0;
    for (size_t i = 0; i < store_source_count(store); i++) {
        const struct source_info *info = store_source_info(store, i);
        if (strcmp(info->name, "feed"))
            continue;
        generation = info->generation;
        *names = info->counts[INDICATOR_NAME];
    }
    store_free(store);
    return generation;
}

/* Turns a bit of DIR/FILE. */
static void damage(const char *dir, const char *file, off_t offset)
{
    char path[512];
    uint8_t byte;
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    /* The clock of file times may stand still between publishing and here. */
    assert_int_equal(futimens(fd, (struct timespec[2]){{.tv_sec = 1000000000}, {.tv_sec = 1000000000}}), 0);
    close(fd);
}

static bool exists(const char *dir, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return access(path, F_OK) == 0;
}

static void rollback_brings_the_generation_before_back(void **state)
{
    const char *dir = *state;
    struct source_info info;
    struct fault fault = {0};
    uint64_t names;
    publish(dir, "feed", 10);
    publish(dir, "feed", 20);
    publish(dir, "other", 5);
    assert_int_equal(source_rollback(dir, "feed", &info, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    assert_int_equal(info.generation, 1);
    assert_int_equal(info.counts[INDICATOR_NAME], 10);
    assert_string_equal(strrchr(info.path, '/'), "/feed.1.mdb");
    assert_int_equal(in_force(dir, &names), 1);
    assert_int_equal(names, 10);
    assert_false(exists(dir, "feed.2.json"));
    assert_false(exists(dir, "feed.2.mdb"));
    assert_true(exists(dir, "other.1.mdb"));
    publish(dir, "feed", 30);
    assert_int_equal(in_force(dir, &names), 2);
    assert_int_equal(names, 30);
    assert_int_equal(source_rollback(dir, "feed", NULL, NULL), ST_OK);
}

static void rollback_without_a_generation_before_changes_nothing(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    uint64_t names;
    assert_int_equal(source_rollback("/nonexistent", "feed", NULL, NULL), ST_NOT_FOUND);
    assert_int_equal(source_rollback(dir, "feed", NULL, NULL), ST_NOT_FOUND);
    publish(dir, "feed", 10);
    publish(dir, "feed.x", 10);
    publish(dir, "feed.x", 20);
    assert_int_equal(source_rollback(dir, "feed", NULL, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "no generation before"));
    assert_int_equal(in_force(dir, &names), 1);
    assert_true(exists(dir, "feed.x.2.json"));
}

static void rollback_to_a_damaged_generation_is_refused(void **state)
{
    const char *dir = *state;
    struct fault fault = {0};
    uint64_t names;
    publish(dir, "feed", 10);
    publish(dir, "feed", 20);
    damage(dir, "feed.1.mdb", 9000);
    assert_int_equal(source_rollback(dir, "feed", NULL, &fault), ST_CORRUPT);
    assert_non_null(strstr(fault.text, "feed.1.mdb"));
    assert_int_equal(in_force(dir, &names), 2);
    assert_int_equal(names, 20);
}

static void a_generation_that_is_damaged_already_does_not_count_as_in_force(void **state)
{
    const char *dir = *state;
    uint64_t names;
    publish(dir, "feed", 10);
    publish(dir, "feed", 20);
    damage(dir, "feed.2.mdb", 9000);
    assert_int_equal(in_force(dir, &names), 1);
    assert_int_equal(source_rollback(dir, "feed", NULL, NULL), ST_NOT_FOUND);
    assert_int_equal(in_force(dir, &names), 1);
    publish(dir, "feed", 30); /* keeps what is whole */
    assert_true(exists(dir, "feed.1.json"));
    assert_false(exists(dir, "feed.2.json"));
    assert_false(exists(dir, "feed.2.mdb"));
    assert_int_equal(source_rollback(dir, "feed", NULL, NULL), ST_OK);
    assert_int_equal(in_force(dir, &names), 1);
    assert_int_equal(names, 10);
}

static void rollback_needs_a_writable_directory(void **state)
{
    const char *dir = *state;
    uid_t user = geteuid();
    uint64_t names;
    publish(dir, "feed", 10);
    publish(dir, "feed", 20);
    assert_int_equal(chmod(dir, 0555), 0);
    if (!user)
        assert_int_equal(seteuid(65534), 0); /* root may write everywhere */
    enum status status = source_rollback(dir, "feed", NULL, NULL);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(dir, 0750), 0);
    assert_int_not_equal(status, ST_OK);
    assert_int_equal(in_force(dir, &names), 2);
}

struct told {
    unsigned sources, failed;
    struct source_info last_failed;
    enum status status;
    char text[512];
};

static void note(void *context, const struct source_info *info, enum status status, const struct fault *fault)
{
    struct told *told = context;
    told->sources++;
    if (status == ST_OK)
        return;
    told->failed++;
    told->last_failed = *info;
    told->status = status;
    text_copy(told->text, sizeof told->text, str_of(fault->text));
}

static struct told verify(const char *dir)
{
    struct told told = {0};
    struct fault fault = {0};
    assert_int_equal(source_verify_all(dir, note, &told, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    return told;
}

static void verify_finds_whole_sources_whole(void **state)
{
    const char *dir = *state;
    assert_int_equal(verify(dir).sources, 0);
    publish(dir, "a", 0);
    publish(dir, "feed", 100);
    publish(dir, "feed", 200);
    struct told told = verify(dir);
    assert_int_equal(told.sources, 2);
    assert_int_equal(told.failed, 0);
    assert_int_equal(source_verify_all("/nonexistent", note, &told, NULL), ST_NOT_FOUND);
}

static void verify_tells_what_is_damaged_and_goes_on(void **state)
{
    const char *dir = *state;
    publish(dir, "a", 10);
    publish(dir, "feed", 100);
    publish(dir, "feed", 200);
    publish(dir, "z", 10);
    damage(dir, "feed.2.mdb", 9000);
    struct told told = verify(dir);
    assert_int_equal(told.sources, 3);
    assert_int_equal(told.failed, 1);
    assert_int_equal(told.status, ST_CORRUPT);
    assert_string_equal(told.last_failed.name, "feed");
    assert_int_equal(told.last_failed.generation, 2);
    assert_int_equal(told.last_failed.counts[INDICATOR_NAME], 200);
    assert_non_null(strstr(told.text, "SHA-256"));
    damage(dir, "z.1.json", 0);
    told = verify(dir);
    assert_int_equal(told.failed, 2);
    assert_string_equal(told.last_failed.name, "z");
    assert_non_null(strstr(told.text, "z.1.json"));
}

static void verify_tells_a_missing_file(void **state)
{
    const char *dir = *state;
    char path[512];
    publish(dir, "feed", 10);
    snprintf(path, sizeof path, "%s/feed.1.mdb", dir);
    assert_int_equal(unlink(path), 0);
    struct told told = verify(dir);
    assert_int_equal(told.failed, 1);
    assert_int_equal(told.status, ST_NOT_FOUND);
}

/* As a bad medium does it: other bytes, and all that stat() tells as it was. */
static void damage_silently(const char *dir, const char *data, const char *manifest)
{
    char path[512], text[8192], before[160], after[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, data);
    damage(dir, data, 9000);
    assert_int_equal(stat(path, &st), 0);
    snprintf(after, sizeof after, "%ju:%ju:%jd:%jd.%09ld:%jd.%09ld", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
             (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
             st.st_ctim.tv_nsec);
    snprintf(path, sizeof path, "%s/%s", dir, manifest);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    char *at = strstr(text, "\"identity\": \"");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"identity\": \"%159[^\"]", before), 1);
    assert_int_equal(strlen(before), strlen(after));
    memcpy(strstr(at, before), after, strlen(after));
    rewind(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void damage_that_stat_does_not_show_is_found_by_verify_and_mended_by_publishing(void **state)
{
    const char *dir = *state;
    uint64_t names;
    publish(dir, "feed", 2000);
    damage_silently(dir, "feed.1.mdb", "feed.1.json");
    assert_int_equal(in_force(dir, &names), 1); /* taken: the price of a fast start */
    assert_int_equal(verify(dir).failed, 1);
    publish(dir, "feed", 2000);
    assert_int_equal(verify(dir).failed, 0);
    assert_int_equal(in_force(dir, &names), 2);
}

static void the_newest_generation_of_one_source_is_told(void **state)
{
    const char *dir = *state;
    struct source_info info;
    struct fault fault = {0};
    assert_int_equal(source_newest("/nonexistent", "feed", &info, NULL), ST_NOT_FOUND);
    assert_int_equal(source_newest(dir, "feed", &info, NULL), ST_NOT_FOUND);
    publish(dir, "feed", 10);
    publish(dir, "feed", 20);
    publish(dir, "feed.x", 30);
    damage(dir, "feed.x.1.json", 0); /* another one's damage is no matter of this one */
    assert_int_equal(source_newest(dir, "feed", &info, &fault), ST_OK);
    assert_string_equal(fault.text, "");
    assert_string_equal(info.name, "feed");
    assert_int_equal(info.generation, 2);
    assert_int_equal(info.counts[INDICATOR_NAME], 20);
    assert_string_equal(strrchr(info.path, '/'), "/feed.2.mdb");
    assert_int_equal(source_newest(dir, "fee", &info, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "fee"));
}

static void a_newest_generation_that_is_damaged_is_told_as_such(void **state)
{
    const char *dir = *state;
    char path[512];
    struct source_info info;
    struct fault fault = {0}, again = {0};
    publish(dir, "feed", 10);
    publish(dir, "feed", 20);
    damage(dir, "feed.2.mdb", 9000);
    assert_int_equal(source_newest(dir, "feed", &info, &fault), ST_CORRUPT);
    assert_non_null(strstr(fault.text, "feed.2.mdb"));
    snprintf(path, sizeof path, "%s/feed.2.mdb", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(source_newest(dir, "feed", &info, &again), ST_CORRUPT);
    assert_non_null(strstr(again.text, "feed.2.mdb"));
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(rollback_brings_the_generation_before_back),
        IN_DIRECTORY(rollback_without_a_generation_before_changes_nothing),
        IN_DIRECTORY(rollback_to_a_damaged_generation_is_refused),
        IN_DIRECTORY(a_generation_that_is_damaged_already_does_not_count_as_in_force),
        IN_DIRECTORY(rollback_needs_a_writable_directory),
        IN_DIRECTORY(verify_finds_whole_sources_whole),
        IN_DIRECTORY(verify_tells_what_is_damaged_and_goes_on),
        IN_DIRECTORY(verify_tells_a_missing_file),
        IN_DIRECTORY(the_newest_generation_of_one_source_is_told),
        IN_DIRECTORY(a_newest_generation_that_is_damaged_is_told_as_such),
        IN_DIRECTORY(damage_that_stat_does_not_show_is_found_by_verify_and_mended_by_publishing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
