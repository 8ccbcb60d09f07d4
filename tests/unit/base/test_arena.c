#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    unsigned char *pieces[200];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 200; i++) {
            pieces[i] = arena_alloc(arena, i);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
            for (unsigned k = 0; k < i; k++)
                assert_int_equal(pieces[i][k], 0);
            memset(pieces[i], (int)i, i);
        }
        for (unsigned i = 0; i < 200; i++)
            for (unsigned k = 0; k < i; k++)
                assert_int_equal(pieces[i][k], i);
        assert_int_equal(arena_used_bytes(arena), 199 * 100);
        arena_reset(arena);
        assert_int_equal(arena_used_bytes(arena), 0);
    }
    arena_free(arena);
}

static void the_limit_holds(void **state)
{
    (void)state;
    struct arena *arena = arena_new(100);
    assert_non_null(arena_alloc(arena, 60));
    assert_null(arena_alloc(arena, 41));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_non_null(arena_alloc(arena, 40));
    assert_null(arena_alloc(arena, 1));
    arena_reset(arena);
    assert_non_null(arena_alloc(arena, 100));
    arena_free(arena);
}

static void large_and_small_requests_mix(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    for (unsigned round = 0; round < 2; round++) {
        char *first = arena_alloc(arena, round ? 100000 : 10), *large = arena_alloc(arena, 50000);
        char *after = arena_alloc(arena, 10);
        assert_true(first && large && after);
        memset(large, 'x', 50000);
        memset(after, 'y', 10);
        assert_int_equal(large[49999], 'x');
        arena_reset(arena);
    }
    assert_non_null(arena_alloc(arena, 10));
    arena_free(arena);
}

static void a_copy_is_ended(void **state)
{
    (void)state;
    struct arena *arena = arena_new(10);
    assert_string_equal(arena_copy(arena, "abc", 3), "abc");
    assert_string_equal(arena_copy(arena, NULL, 0), "");
    assert_null(arena_copy(arena, "abcdef", 6));
    assert_null(arena_copy(arena, "", SIZE_MAX));
    arena_free(arena);
}

static void no_arena_may_be_freed(void **state)
{
    (void)state;
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(large_and_small_requests_mix),
        cmocka_unit_test(a_copy_is_ended),
        cmocka_unit_test(no_arena_may_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
