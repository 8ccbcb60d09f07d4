#include "base/ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void records_come_out_whole_and_in_order(void **state)
{
    (void)state;
    struct ring *ring = ring_new(4096);
    struct buf out = {0};
    assert_non_null(ring);
    assert_false(ring_has_any(ring));
    assert_false(ring_take(ring, &out));
    assert_true(ring_put(ring, "one", 3));
    assert_true(ring_put(ring, "", 0));
    assert_true(ring_put(ring, "three\0!", 7));
    assert_true(ring_has_any(ring));
    assert_true(ring_take(ring, &out));
    assert_string_equal(buf_text(&out), "one");
    buf_clear(&out);
    assert_true(ring_take(ring, &out));
    assert_int_equal(out.length, 0);
    assert_true(ring_take(ring, &out));
    assert_int_equal(out.length, 7);
    assert_memory_equal(out.data, "three\0!", 7);
    assert_false(ring_take(ring, &out));
    buf_free(&out);
    ring_free(ring);
    ring_free(NULL);
}

static void what_finds_no_room_is_counted_and_harms_nothing(void **state)
{
    (void)state;
    struct ring *ring = ring_new(1); /* becomes 4096 */
    struct buf out = {0};
    char record[1000];
    memset(record, 'a', sizeof record);
    unsigned put = 0;
    while (ring_put(ring, record, sizeof record))
        put++;
    assert_int_equal(put, 4);
    assert_false(ring_put(ring, record, sizeof record));
    assert_false(ring_put(ring, record, SIZE_MAX));
    assert_true(ring_put(ring, record, 4096 - 4 * 1004 - 4)); /* to the last byte */
    assert_int_equal(ring_take_dropped(ring), 3);
    assert_int_equal(ring_take_dropped(ring), 0);
    for (unsigned i = 0; i < 4; i++) {
        buf_clear(&out);
        assert_true(ring_take(ring, &out));
        assert_int_equal(out.length, sizeof record);
    }
    assert_true(ring_take(ring, &out));
    assert_false(ring_take(ring, &out));
    buf_free(&out);
    ring_free(ring);
}

static void a_record_that_goes_over_the_end_is_whole(void **state)
{
    (void)state;
    struct ring *ring = ring_new(4096);
    struct buf out = {0};
    char record[701];
    for (unsigned round = 0; round < 100; round++) {
        for (size_t i = 0; i < sizeof record; i++)
            record[i] = (char)(i * 7 + round);
        assert_true(ring_put(ring, record, sizeof record));
        buf_clear(&out);
        assert_true(ring_take(ring, &out));
        assert_int_equal(out.length, sizeof record);
        assert_memory_equal(out.data, record, sizeof record);
    }
    buf_free(&out);
    ring_free(ring);
}

static void a_reader_without_memory_loses_the_record_alone(void **state)
{
    (void)state;
    struct ring *ring = ring_new(4096);
    struct buf small = {.max_bytes = 4};
    assert_true(ring_put(ring, "too long", 8));
    assert_true(ring_put(ring, "fits", 4));
    assert_true(ring_take(ring, &small));
    assert_true(small.failed);
    buf_clear(&small);
    assert_true(ring_take(ring, &small));
    assert_memory_equal(small.data, "fits", 4);
    buf_free(&small);
    ring_free(ring);
}

enum { RECORDS = 20000 };

static void *write_all(void *arg)
{
    struct ring *ring = arg;
    for (uint32_t i = 0; i < RECORDS; i++) {
        char record[64] = {0};
        memcpy(record, &i, sizeof i);
        ring_put(ring, record, sizeof i + i % 60);
    }
    return NULL;
}

static void two_threads_lose_nothing_that_is_not_counted(void **state)
{
    (void)state;
    struct ring *ring = ring_new(4096);
    struct buf out = {0};
    pthread_t writer;
    uint32_t got = 0, next = 0;
    uint64_t dropped = 0;
    assert_int_equal(pthread_create(&writer, NULL, write_all, ring), 0);
    while (got + dropped < RECORDS) {
        buf_clear(&out);
        if (ring_take(ring, &out)) {
            uint32_t number;
            assert_true(out.length >= sizeof number);
            memcpy(&number, out.data, sizeof number);
            assert_true(number >= next && number < RECORDS);
            assert_int_equal(out.length, sizeof number + number % 60);
            next = number + 1;
            got++;
        }
        dropped += ring_take_dropped(ring);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_false(ring_has_any(ring));
    assert_int_equal(got + dropped, RECORDS);
    buf_free(&out);
    ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_whole_and_in_order),
        cmocka_unit_test(what_finds_no_room_is_counted_and_harms_nothing),
        cmocka_unit_test(a_record_that_goes_over_the_end_is_whole),
        cmocka_unit_test(a_reader_without_memory_loses_the_record_alone),
        cmocka_unit_test(two_threads_lose_nothing_that_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
