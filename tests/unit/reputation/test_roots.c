#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reputation/filter.h"
#include "reputation/roots.h"

enum { COUNT = 100000 };

static uint64_t hash_of(const char *kind, unsigned i)
{
    char text[64];
    return filter_hash(text, (size_t)snprintf(text, sizeof text, "%s%u", kind, i));
}

static void all_that_was_added_is_known_and_little_else(void **state)
{
    (void)state;
    struct roots roots;
    uint32_t *hashes = calloc(COUNT, sizeof *hashes);
    unsigned known = 0;
    assert_non_null(hashes);
    for (unsigned i = 0; i < COUNT; i++)
        hashes[i] = roots_hash(hash_of("listed", i));
    assert_int_equal(roots_init(&roots, COUNT), ST_OK);
    roots_add(&roots, (struct str){(const char *)hashes, COUNT / 2 * sizeof *hashes});
    roots_add(&roots, (struct str){(const char *)(hashes + COUNT / 2), COUNT / 2 * sizeof *hashes});
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(roots_have(&roots, hash_of("listed", i)));
    for (unsigned i = 0; i < COUNT; i++)
        known += roots_have(&roots, hash_of("other", i));
    assert_in_range(known, 1, COUNT / 10);
    roots_fini(&roots);
    free(hashes);
}

static void hashes_may_lie_anywhere(void **state)
{
    (void)state;
    struct roots roots;
    uint32_t hash = roots_hash(hash_of("listed", 1));
    char bytes[sizeof hash + 1];
    memcpy(bytes + 1, &hash, sizeof hash);
    assert_int_equal(roots_init(&roots, 1), ST_OK);
    roots_add(&roots, (struct str){bytes + 1, sizeof hash});
    assert_true(roots_have(&roots, hash_of("listed", 1)));
    roots_fini(&roots);
}

static void no_roots_know_nothing(void **state)
{
    (void)state;
    struct roots roots;
    assert_int_equal(roots_init(&roots, 0), ST_OK);
    roots_add(&roots, (struct str){NULL, 0});
    for (unsigned i = 0; i < 1000; i++)
        assert_false(roots_have(&roots, hash_of("other", i)));
    roots_fini(&roots);
    assert_int_equal(roots_init(&roots, UINT64_MAX / 64), ST_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_was_added_is_known_and_little_else),
        cmocka_unit_test(hashes_may_lie_anywhere),
        cmocka_unit_test(no_roots_know_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
