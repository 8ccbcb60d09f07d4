#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void numbers_are_read_in_network_order(void **state)
{
    (void)state;
    struct cursor cursor = cursor_over(bytes, sizeof bytes);
    assert_int_equal(cursor_u8(&cursor), 1);
    assert_int_equal(cursor_u16(&cursor), 0x0203);
    assert_int_equal(cursor_u24(&cursor), 0x040506);
    assert_int_equal(cursor_u32(&cursor), 0x0708090a);
    assert_false(cursor.failed);
    assert_int_equal(cursor_left(&cursor), 0);
    assert_int_equal(cursor_offset(&cursor), 10);
}

static void the_highest_values_keep_their_sign(void **state)
{
    (void)state;
    static const uint8_t ones[] = {0xff, 0xff, 0xff, 0xff};
    struct cursor cursor = cursor_over(ones, 4);
    assert_true(cursor_u32(&cursor) == UINT32_MAX);
    cursor = cursor_over(ones, 4);
    assert_int_equal(cursor_u24(&cursor), 0xffffff);
}

static void a_read_past_the_end_gives_zero_and_sticks(void **state)
{
    (void)state;
    struct cursor cursor = cursor_over(bytes, 3);
    assert_int_equal(cursor_u32(&cursor), 0);
    assert_true(cursor.failed);
    assert_int_equal(cursor_offset(&cursor), 0);
    assert_int_equal(cursor_u8(&cursor), 0); /* though a byte is there */
    assert_int_equal(cursor_u16(&cursor), 0);
    assert_int_equal(cursor_u24(&cursor), 0);
    assert_null(cursor_bytes(&cursor, 0));
}

static void a_huge_count_does_not_wrap(void **state)
{
    (void)state;
    struct cursor cursor = cursor_over(bytes, 3);
    assert_null(cursor_bytes(&cursor, SIZE_MAX));
    assert_true(cursor.failed);
}

static void a_cursor_over_nothing_is_at_its_end(void **state)
{
    (void)state;
    struct cursor cursor = cursor_over(NULL, 5);
    assert_int_equal(cursor_left(&cursor), 0);
    assert_int_equal(cursor_u8(&cursor), 0);
    assert_true(cursor.failed);
}

static void a_sub_cursor_ends_with_its_bytes(void **state)
{
    (void)state;
    struct cursor cursor = cursor_over(bytes, sizeof bytes);
    struct cursor sub = cursor_sub(&cursor, 2);
    assert_int_equal(cursor_u8(&cursor), 3);
    assert_int_equal(cursor_u16(&sub), 0x0102);
    assert_int_equal(cursor_u8(&sub), 0);
    assert_true(sub.failed);
    assert_false(cursor.failed);
    sub = cursor_sub(&cursor, 100);
    assert_true(sub.failed && cursor.failed);
}

static void what_is_written_is_in_network_order(void **state)
{
    (void)state;
    uint8_t out[10];
    struct wire wire = wire_into(out, sizeof out);
    wire_u8(&wire, 1);
    wire_u16(&wire, 0);
    wire_u32(&wire, 0x04050607);
    wire_bytes(&wire, "\10\11\12", 3);
    wire_bytes(&wire, NULL, 0);
    wire_patch_u16(&wire, 1, 0x0203);
    assert_false(wire.failed);
    assert_int_equal(wire_length(&wire), 10);
    assert_memory_equal(out, bytes, 10);
}

static void what_does_not_fit_is_not_written_and_sticks(void **state)
{
    (void)state;
    uint8_t out[4] = {0, 0, 0, 99};
    struct wire wire = wire_into(out, 3);
    wire_u16(&wire, 1);
    wire_u16(&wire, 0xffff);
    assert_true(wire.failed);
    assert_int_equal(wire_length(&wire), 2);
    wire_u8(&wire, 7);
    wire_patch_u16(&wire, 0, 0xffff);
    assert_memory_equal(out, "\0\1\0\143", 4);
    wire = wire_into(out, 3);
    wire_bytes(&wire, bytes, SIZE_MAX);
    assert_true(wire.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_network_order),
        cmocka_unit_test(the_highest_values_keep_their_sign),
        cmocka_unit_test(a_read_past_the_end_gives_zero_and_sticks),
        cmocka_unit_test(a_huge_count_does_not_wrap),
        cmocka_unit_test(a_cursor_over_nothing_is_at_its_end),
        cmocka_unit_test(a_sub_cursor_ends_with_its_bytes),
        cmocka_unit_test(what_is_written_is_in_network_order),
        cmocka_unit_test(what_does_not_fit_is_not_written_and_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
