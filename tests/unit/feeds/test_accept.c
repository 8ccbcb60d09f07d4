#include "feed_test.h"

#include <fcntl.h>
#include <zlib.h>

#include "feeds/accept.h"

static struct feed_held held;
static struct fault fault;
static int64_t now_ms;

static const struct feed mine = {.name = "mine"};

static int start_anew(void **state)
{
    (void)state;
    held = (struct feed_held){0};
    now_ms = INT64_C(1700000000000);
    return 0;
}

static enum status count_as(const struct feed *feed, uint64_t had, uint64_t got)
{
    fault = (struct fault){0};
    enum status st = accept_count(feed, had, got, now_ms, &held, &fault);
    assert_int_equal(st == ST_OK, held.times == 0);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    return st;
}

static enum status count(uint64_t had, uint64_t got)
{
    return count_as(&mine, had, got);
}

static void half_of_a_list_may_go_at_once(void **state)
{
    (void)state;
    assert_int_equal(count(1000, 500), ST_OK);
    assert_int_equal(count(1000, 499), ST_DENIED);
    assert_string_equal(fault.text,
                        "it has 499 entries now, 1000 before: too few to be believed at once. If that is right, "
                        "`ccward feeds refresh mine --accept` takes it; else it is taken when 3 tries over a day find "
                        "about as many (1 so far)");
}

static void a_list_may_grow_tenfold_at_once(void **state)
{
    (void)state;
    assert_int_equal(count(1000, 10000), ST_OK);
    assert_int_equal(count(1000, 10001), ST_DENIED);
    assert_non_null(strstr(fault.text, "too many"));
    assert_int_equal(count(4000000, 5000000), ST_OK);
    assert_int_equal(count(4000000, 5000001), ST_DENIED);
    assert_int_equal(count(5000001, 9000000), ST_OK);
}

static void small_lists_do_what_they_like(void **state)
{
    (void)state;
    assert_int_equal(count(199, 1), ST_OK);
    assert_int_equal(count(199, 100000), ST_OK);
    assert_int_equal(count(200, 99), ST_DENIED);
    assert_int_equal(count(199, 5000001), ST_DENIED);
}

static void the_first_list_is_believed(void **state)
{
    (void)state;
    assert_int_equal(count(0, 1), ST_OK);
    assert_int_equal(count(0, 9000000), ST_OK);
}

static void a_list_that_can_be_empty_may_shrink_but_not_explode(void **state)
{
    struct feed feed = {.name = "mine", .can_be_empty = true};
    (void)state;
    assert_int_equal(count_as(&feed, 1000, 0), ST_OK);
    assert_int_equal(count_as(&feed, 1000, 10001), ST_DENIED);
}

static void the_same_size_three_times_in_a_day_is_believed(void **state)
{
    (void)state;
    assert_int_equal(count(1000, 100), ST_DENIED);
    now_ms += 12 * 3600 * 1000;
    assert_int_equal(count(1000, 105), ST_DENIED);
    assert_int_equal(held.times, 2);
    assert_non_null(strstr(fault.text, "(2 so far)"));
    now_ms += 12 * 3600 * 1000;
    assert_int_equal(count(1000, 110), ST_OK);
}

static void three_times_within_a_day_are_not_enough(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        assert_int_equal(count(1000, 100), ST_DENIED);
        now_ms += 3600 * 1000;
    }
    assert_int_equal(count(1000, 100), ST_OK);
}

static void another_size_starts_anew(void **state)
{
    (void)state;
    assert_int_equal(count(1000, 100), ST_DENIED);
    now_ms += 86400 * 1000;
    assert_int_equal(count(1000, 111), ST_DENIED);
    assert_int_equal(held.times, 1);
    assert_int_equal(held.first_ms, now_ms);
    assert_int_equal(count(1000, 99), ST_DENIED);
    assert_int_equal(held.times, 1);
    assert_int_equal(count(1000, 600), ST_OK);
}

static void a_clock_that_went_back_starts_anew(void **state)
{
    (void)state;
    assert_int_equal(count(1000, 100), ST_DENIED);
    now_ms -= 1000;
    assert_int_equal(count(1000, 100), ST_DENIED);
    assert_int_equal(held.times, 1);
}

static enum status find_marker(const void *data, size_t n, const char *marker)
{
    int fd = open(write_file("body", data, n), O_RDONLY);
    fault = (struct fault){0};
    assert_true(fd >= 0);
    enum status st = accept_marker(fd, marker, &fault);
    close(fd);
    return st;
}

static void a_marker_is_looked_for_in_the_first_64_kib(void **state)
{
    static char text[66000];
    (void)state;
    memset(text, '#', sizeof text);
    assert_int_equal(find_marker(text, sizeof text, NULL), ST_OK);
    assert_int_equal(find_marker(text, sizeof text, ""), ST_OK);
    assert_int_equal(find_marker("", 0, "URLhaus"), ST_INVALID);
    assert_int_equal(find_marker(text, sizeof text, "URLhaus"), ST_INVALID);
    assert_non_null(strstr(fault.text, "have no 'URLhaus' (`must-contain`)"));
    memcpy(text + 65536 - 7, "URLhaus", 7);
    assert_int_equal(find_marker(text, sizeof text, "URLhaus"), ST_OK);
    memcpy(text + 65536 - 7, "#URLhau", 7);
    assert_int_equal(find_marker(text, sizeof text, "URLhaus"), ST_INVALID);
}

static void a_marker_is_looked_for_in_what_is_unpacked(void **state)
{
    (void)state;
    const char *path = in_scratch("packed");
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_true(gzputs(file, "# abuse.ch URLhaus Host file\n127.0.0.1\tevil.example\n") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(accept_marker(fd, "URLhaus", &fault), ST_OK);
    assert_int_equal(accept_marker(fd, "ThreatFox", &fault), ST_INVALID);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(half_of_a_list_may_go_at_once, start_anew),
        cmocka_unit_test_setup(a_list_may_grow_tenfold_at_once, start_anew),
        cmocka_unit_test_setup(small_lists_do_what_they_like, start_anew),
        cmocka_unit_test_setup(the_first_list_is_believed, start_anew),
        cmocka_unit_test_setup(a_list_that_can_be_empty_may_shrink_but_not_explode, start_anew),
        cmocka_unit_test_setup(the_same_size_three_times_in_a_day_is_believed, start_anew),
        cmocka_unit_test_setup(three_times_within_a_day_are_not_enough, start_anew),
        cmocka_unit_test_setup(another_size_starts_anew, start_anew),
        cmocka_unit_test_setup(a_clock_that_went_back_starts_anew, start_anew),
        cmocka_unit_test(a_marker_is_looked_for_in_the_first_64_kib),
        cmocka_unit_test(a_marker_is_looked_for_in_what_is_unpacked),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
