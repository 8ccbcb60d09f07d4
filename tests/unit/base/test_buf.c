#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"

static void text_is_appended_and_ended(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_string_equal(buf_text(&buf), "");
    buf_add_text(&buf, "ab");
    buf_add_char(&buf, 'c');
    buf_add(&buf, "de", 2);
    buf_add(&buf, NULL, 0);
    buf_printf(&buf, "-%d-%s", 42, "x");
    assert_string_equal(buf_text(&buf), "abcde-42-x");
    assert_int_equal(buf.length, 10);
    assert_false(buf.failed);
    buf_free(&buf);
    assert_null(buf.data);
}

static void it_grows_as_needed(void **state)
{
    (void)state;
    struct buf buf = {0};
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&buf, "%u,", i % 10);
    assert_int_equal(buf.length, 20000);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(buf.data[2 * i], '0' + i % 10);
    buf_free(&buf);
}

static void what_is_over_the_bound_fails_and_leaves_what_was_there(void **state)
{
    (void)state;
    struct buf buf = {.max_bytes = 5};
    buf_add_text(&buf, "abc");
    buf_add_text(&buf, "def");
    assert_true(buf.failed);
    assert_string_equal(buf_text(&buf), "abc");
    buf_add_text(&buf, "d"); /* sticks */
    assert_int_equal(buf.length, 3);
    buf_clear(&buf);
    assert_false(buf.failed);
    buf_printf(&buf, "%s", "12345");
    assert_false(buf.failed);
    assert_string_equal(buf_text(&buf), "12345");
    buf_printf(&buf, "%s", "6");
    assert_true(buf.failed);
    buf_free(&buf);
    assert_int_equal(buf.max_bytes, 5);
}

static void a_count_that_cannot_be_fails(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    buf_clear(&buf);
    buf_add_text(&buf, "a");
    assert_null(buf_reserve(&buf, SIZE_MAX - 1));
    buf_free(&buf);
}

static void reserved_room_is_added_by_the_caller(void **state)
{
    (void)state;
    struct buf buf = {0};
    char *room = buf_reserve(&buf, 100);
    assert_non_null(room);
    memset(room, 'x', 100);
    buf.length += 100;
    assert_int_equal(strlen(buf_text(&buf)), 100);
    buf_free(&buf);
}

static void consumed_bytes_go_from_the_front(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_consume(&buf, 0);
    buf_add_text(&buf, "abcdef");
    buf_consume(&buf, 2);
    assert_string_equal(buf_text(&buf), "cdef");
    buf_consume(&buf, 4);
    assert_string_equal(buf_text(&buf), "");
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_appended_and_ended),
        cmocka_unit_test(it_grows_as_needed),
        cmocka_unit_test(what_is_over_the_bound_fails_and_leaves_what_was_there),
        cmocka_unit_test(a_count_that_cannot_be_fails),
        cmocka_unit_test(reserved_room_is_added_by_the_caller),
        cmocka_unit_test(consumed_bytes_go_from_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
