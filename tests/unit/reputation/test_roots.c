#include <pthread.h>
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

static int compare(const void *pa, const void *pb)
{
    const uint32_t *a = pa, *b = pb;
    return (*a > *b) - (*a < *b);
}

/* COUNT sorted hashes of one kind, which the caller frees. */
static struct str hashes_of(const char *kind, unsigned count)
{
    uint32_t *hashes = calloc(count, sizeof *hashes);
    assert_non_null(hashes);
    for (unsigned i = 0; i < count; i++)
        hashes[i] = roots_hash(hash_of(kind, i));
    qsort(hashes, count, sizeof *hashes, compare);
    return (struct str){(const char *)hashes, count * sizeof *hashes};
}

static void free_hashes(struct str hashes)
{
    union {
        const char *in;
        void *out;
    } data = {.in = hashes.data};
    free(data.out);
}

static struct roots *new_roots(uint64_t count)
{
    struct roots *roots = NULL;
    assert_int_equal(roots_new(count, &roots), ST_OK);
    return roots;
}

static unsigned bits_of(uint64_t groups)
{
    unsigned count = 0;
    for (; groups; groups &= groups - 1)
        count++;
    return count;
}

static void each_root_is_known_of_its_groups_and_of_few_others(void **state)
{
    (void)state;
    struct str first = hashes_of("first", COUNT / 2), second = hashes_of("second", COUNT / 2);
    struct roots *roots = new_roots(COUNT);
    unsigned others = 0, strangers = 0;
    roots_add(roots, 0, first);
    roots_add(roots, 63, second);
    for (unsigned i = 0; i < COUNT / 2; i++) {
        uint64_t a = roots_find(roots, hash_of("first", i)), b = roots_find(roots, hash_of("second", i));
        assert_true(a & 1);
        assert_true(b >> 63);
        others += bits_of(a & ~UINT64_C(1)) + bits_of(b << 1);
        strangers += bits_of(roots_find(roots, hash_of("stranger", i)));
    }
    /* Of 63 or 64 groups each is named wrongly once in fifty times. */
    assert_in_range(others, COUNT / 2, 2 * COUNT);
    assert_in_range(strangers, COUNT / 4, COUNT);
    roots_unref(roots);
    free_hashes(first);
    free_hashes(second);
}

static void a_root_may_be_of_several_groups(void **state)
{
    (void)state;
    uint32_t hash = roots_hash(hash_of("shared", 1));
    struct str hashes = {(const char *)&hash, sizeof hash};
    struct roots *roots = new_roots(100);
    for (unsigned group = 0; group < ROOTS_GROUPS; group += 2)
        roots_add(roots, group, hashes);
    assert_int_equal(roots_find(roots, hash_of("shared", 1)), UINT64_C(0x5555555555555555));
    assert_int_equal(roots_find(roots, hash_of("other", 1)) & UINT64_C(0xaaaaaaaaaaaaaaaa), 0);
    roots_unref(roots);
}

static void hashes_may_lie_anywhere(void **state)
{
    (void)state;
    uint32_t hash = roots_hash(hash_of("listed", 1));
    char bytes[sizeof hash + 1];
    memcpy(bytes + 1, &hash, sizeof hash);
    struct roots *roots = new_roots(1);
    roots_add(roots, 5, (struct str){bytes + 1, sizeof hash});
    assert_int_equal(roots_find(roots, hash_of("listed", 1)), 1 << 5);
    roots_unref(roots);
}

static void no_roots_know_nothing(void **state)
{
    (void)state;
    struct roots *roots = new_roots(0);
    roots_add(roots, 0, (struct str){NULL, 0});
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(roots_find(roots, hash_of("other", i)), 0);
    roots_unref(roots);
    roots_unref(NULL);
    assert_int_equal(roots_new(UINT64_MAX / 64, &roots), ST_TOO_LARGE);
}

static void what_is_full_or_far_too_large_does_not_fit(void **state)
{
    (void)state;
    struct str hashes[3] = {hashes_of("a", COUNT), hashes_of("b", COUNT), hashes_of("c", COUNT)};
    struct roots *roots = new_roots(COUNT);
    roots_add(roots, 0, hashes[0]);
    assert_true(roots_fit(roots, COUNT));
    assert_false(roots_fit(roots, COUNT / 3));
    roots_add(roots, 0, hashes[0]); /* again: no bits more */
    assert_true(roots_fit(roots, COUNT));
    roots_add(roots, 1, hashes[1]);
    roots_add(roots, 2, hashes[2]);
    assert_false(roots_fit(roots, 3 * COUNT));
    roots_unref(roots);
    for (unsigned i = 0; i < 3; i++)
        free_hashes(hashes[i]);
}

struct watching {
    struct roots *roots;
    atomic_bool done;
    bool lost;
};

static void *watch(void *arg)
{
    struct watching *watching = arg;
    do
        for (unsigned i = 0; i < 1000; i++)
            watching->lost = watching->lost || !(roots_find(watching->roots, hash_of("there", i)) >> 7 & 1);
    while (!atomic_load(&watching->done));
    return NULL;
}

static void others_may_look_while_roots_are_added(void **state)
{
    (void)state;
    pthread_t thread;
    struct str there = hashes_of("there", 1000), more = hashes_of("more", COUNT);
    struct watching watching = {.roots = new_roots(2 * COUNT)};
    roots_add(watching.roots, 7, there);
    assert_int_equal(pthread_create(&thread, NULL, watch, &watching), 0);
    for (unsigned group = 0; group < 4; group++)
        roots_add(watching.roots, group, more);
    atomic_store(&watching.done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(watching.lost);
    roots_unref(watching.roots);
    free_hashes(there);
    free_hashes(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_root_is_known_of_its_groups_and_of_few_others),
        cmocka_unit_test(a_root_may_be_of_several_groups),
        cmocka_unit_test(hashes_may_lie_anywhere),
        cmocka_unit_test(no_roots_know_nothing),
        cmocka_unit_test(what_is_full_or_far_too_large_does_not_fit),
        cmocka_unit_test(others_may_look_while_roots_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
