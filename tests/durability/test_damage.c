/* Damaged files: what is damaged is left out, the generation before is taken, no look-up is wrong, nothing crashes.
 *
 * Damage below the file system, which changes bytes but not what stat() tells, is not seen at the start; that verifying
 * finds it is shown by tests/unit/reputation/test_source_upkeep.c. */
#include <fcntl.h>
#include <sys/stat.h>

#include "reputation/source_upkeep.h"
#include "tests/durability/feed.h"
#include "tests/unit/reputation/fixture.h"

enum { PAGE_BYTES = 4096, FILE_MAX_BYTES = 1 << 20 };

struct bytes {
    uint8_t data[FILE_MAX_BYTES];
    size_t length;
};

static struct bytes was, is;

static void read_bytes(const char *path, struct bytes *bytes)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    bytes->length = fread(bytes->data, 1, sizeof bytes->data, file);
    assert_true(bytes->length < sizeof bytes->data - PAGE_BYTES);
    fclose(file);
}

/* In place, or as another file of the name. */
static void write_bytes(const char *path, const struct bytes *bytes, bool in_place)
{
    if (!in_place)
        assert_int_equal(unlink(path), 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes->data, bytes->length), bytes->length);
    /* The clock of file times may stand still between publishing and here. */
    assert_int_equal(futimens(fd, (struct timespec[2]){{.tv_sec = 1000000000}, {.tv_sec = 1000000000}}), 0);
    close(fd);
}

static void flip_a_bit(struct bytes *bytes)
{
    bytes->data[pick((unsigned)bytes->length)] ^= (uint8_t)(1u << pick(8));
}

static void flip_some_bits(struct bytes *bytes)
{
    for (unsigned n = 2 + pick(30); n; n--)
        flip_a_bit(bytes);
}

static uint8_t *some_page(struct bytes *bytes)
{
    if (bytes->length < PAGE_BYTES) {
        memset(bytes->data + bytes->length, 0, PAGE_BYTES - bytes->length);
        bytes->length = PAGE_BYTES;
    }
    return bytes->data + (size_t)pick((unsigned)(bytes->length / PAGE_BYTES)) * PAGE_BYTES;
}

static void zero_a_page(struct bytes *bytes)
{
    memset(some_page(bytes), 0, PAGE_BYTES);
}

static void fill_a_page_with_noise(struct bytes *bytes)
{
    uint8_t *page = some_page(bytes);
    for (size_t i = 0; i < PAGE_BYTES; i++)
        page[i] = (uint8_t)pick(256);
}

static void copy_a_page_over_another(struct bytes *bytes)
{
    const uint8_t *from = some_page(bytes);
    memmove(some_page(bytes), from, PAGE_BYTES);
}

static void cut(struct bytes *bytes)
{
    bytes->length = pick((unsigned)bytes->length);
}

static void cut_at_a_page(struct bytes *bytes)
{
    bytes->length = pick((unsigned)(bytes->length / PAGE_BYTES + 1)) * PAGE_BYTES;
}

static void lengthen(struct bytes *bytes)
{
    size_t more = 1 + pick(PAGE_BYTES);
    memset(bytes->data + bytes->length, 0, more);
    bytes->length += more;
}

static void empty(struct bytes *bytes)
{
    bytes->length = 0;
}

static void (*const ways[])(struct bytes *bytes) = {
    flip_a_bit,    flip_some_bits, zero_a_page, fill_a_page_with_noise, copy_a_page_over_another, cut,
    cut_at_a_page, lengthen,       empty,
};

/* False: the bytes happen to be the same as before. */
static bool damage(const char *dir, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    read_bytes(path, &was);
    is = was;
    ways[pick(sizeof ways / sizeof ways[0])](&is);
    write_bytes(path, &is, pick(2));
    return is.length != was.length || memcmp(is.data, was.data, is.length);
}

static void swap_files(const char *dir, const char *a, const char *b)
{
    char path[3][512];
    const char *const names[] = {a, b, "elsewhere"};
    for (unsigned i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", dir, names[i]);
    assert_int_equal(rename(path[0], path[2]), 0);
    assert_int_equal(rename(path[1], path[0]), 0);
    assert_int_equal(rename(path[2], path[1]), 0);
}

static void count_failed(void *context, const struct source_info *info, enum status status, const struct fault *fault)
{
    (void)info, (void)fault;
    *(unsigned *)context += status != ST_OK;
}

static unsigned found_by_verify(const char *dir)
{
    unsigned failed = 0;
    assert_int_equal(source_verify_all(dir, count_failed, &failed, NULL), ST_OK);
    return failed;
}

static const char *const tags[] = {"old", "new", "next"};

static void make_two_generations(const char *dir)
{
    assert_int_equal(feed_publish(dir, tags[0], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_publish(dir, tags[1], FEED_NAMES, NULL), ST_OK);
}

/* Publishing goes on over whatever lies there. */
static void assert_mendable(const char *dir)
{
    assert_int_equal(feed_publish(dir, tags[2], FEED_NAMES, NULL), ST_OK);
    assert_int_equal(feed_judge(dir, tags, 3), VERDICT_THIRD);
    assert_true(feed_directory_is_clean(dir));
    assert_int_equal(found_by_verify(dir), 0);
}

/* Runs ROUND for each of COUNT new directories with an old and a new generation. */
static void with_directories(unsigned count, void (*round)(const char *dir))
{
    for (; count; count--) {
        void *dir;
        assert_int_equal(make_directory(&dir), 0);
        make_two_generations(dir);
        round(dir);
        assert_mendable(dir);
        remove_directory(&dir);
    }
}

static void damage_the_newest(const char *dir)
{
    bool damaged = damage(dir, "feed.2.mdb");
    assert_int_equal(feed_judge(dir, tags, 3), damaged ? VERDICT_FIRST : VERDICT_SECOND);
    assert_int_equal(found_by_verify(dir), damaged);
}

static void damaged_data_gives_way_to_the_generation_before(void **state)
{
    (void)state;
    with_directories(rounds(30, 150), damage_the_newest);
}

static void damage_both(const char *dir)
{
    bool newest = damage(dir, "feed.2.mdb"), before = damage(dir, "feed.1.mdb");
    assert_int_equal(feed_judge(dir, tags, 3), !newest ? VERDICT_SECOND : before ? VERDICT_NOTHING : VERDICT_FIRST);
}

static void a_source_with_nothing_whole_is_left_out(void **state)
{
    (void)state;
    with_directories(rounds(5, 30), damage_both);
}

static void damage_the_one_before(const char *dir)
{
    (void)damage(dir, pick(2) ? "feed.1.mdb" : "feed.1.json");
    assert_int_equal(feed_judge(dir, tags, 3), VERDICT_SECOND);
}

static void damage_to_what_is_not_in_force_changes_nothing(void **state)
{
    (void)state;
    with_directories(rounds(5, 30), damage_the_one_before);
}

/* What a manifest says beside name, counts, size and digest (its origin, when it was made) is for people, and may be
 * wrong without harm. */
static void damage_the_manifest(const char *dir)
{
    (void)damage(dir, "feed.2.json");
    enum verdict verdict = feed_judge(dir, tags, 3);
    assert_true(verdict == VERDICT_FIRST || verdict == VERDICT_SECOND);
    if (verdict == VERDICT_FIRST)
        assert_int_equal(found_by_verify(dir), 1);
}

static void a_damaged_manifest_harms_at_most_its_generation(void **state)
{
    (void)state;
    with_directories(rounds(15, 75), damage_the_manifest);
}

static void swap_data(const char *dir)
{
    swap_files(dir, "feed.1.mdb", "feed.2.mdb");
    assert_int_equal(feed_judge(dir, tags, 3), VERDICT_NOTHING);
    assert_int_equal(found_by_verify(dir), 1);
}

static void swap_manifests(const char *dir)
{
    swap_files(dir, "feed.1.json", "feed.2.json");
    assert_int_equal(feed_judge(dir, tags, 3), VERDICT_NOTHING);
}

static void swap_all(const char *dir)
{
    swap_data(dir);
    swap_manifests(dir);
}

static void swap_data_with_a_directory(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/feed.2.mdb", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0750), 0);
    assert_int_equal(feed_judge(dir, tags, 3), VERDICT_FIRST);
    assert_int_equal(rmdir(path), 0);
}

static void swap_data_with_a_pipe(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/feed.2.mdb", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0640), 0);
    assert_int_equal(feed_judge(dir, tags, 3), VERDICT_FIRST);
}

static void swapped_files_are_not_taken(void **state)
{
    (void)state;
    with_directories(1, swap_data);
    with_directories(1, swap_manifests);
    with_directories(1, swap_all);
    with_directories(1, swap_data_with_a_directory);
    with_directories(1, swap_data_with_a_pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_data_gives_way_to_the_generation_before),
        cmocka_unit_test(a_source_with_nothing_whole_is_left_out),
        cmocka_unit_test(damage_to_what_is_not_in_force_changes_nothing),
        cmocka_unit_test(a_damaged_manifest_harms_at_most_its_generation),
        cmocka_unit_test(swapped_files_are_not_taken),
    };
    seed_random();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
