#include "fixture.h"
#include "reputation/filter.h"

static void what_was_added_is_there_and_little_else(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    size_t size = filter_size(COUNT);
    void *memory = malloc(size);
    struct filter filter;
    unsigned wrong = 0, other_fact = 0;
    assert_non_null(memory);
    filter_init(memory, size);
    for (uint32_t i = 0; i < COUNT; i++)
        filter_add(memory, filter_hash(&i, sizeof i), FILTER_ENTRY);
    assert_int_equal(filter_over((struct str){memory, size}, &filter), ST_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t hash = filter_hash(&i, sizeof i);
        assert_true(filter_has(&filter, hash, FILTER_ENTRY));
        other_fact += filter_has(&filter, hash, FILTER_PARENT);
        uint32_t absent = i + COUNT;
        wrong += filter_has(&filter, filter_hash(&absent, sizeof absent), FILTER_ENTRY);
    }
    assert_in_range(wrong, 0, COUNT / 100);
    assert_in_range(other_fact, 0, COUNT / 100);
    assert_in_range(size, 0, COUNT * 2);
    free(memory);
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    size_t size = filter_size(1);
    char *memory = malloc(size + 1);
    struct filter filter;
    assert_non_null(memory);
    filter_init(memory, size);
    assert_int_equal(filter_over((struct str){memory, size}, &filter), ST_OK);
    assert_int_equal(filter_over((struct str){memory, size - 1}, &filter), ST_CORRUPT);
    assert_int_equal(filter_over((struct str){memory, size + 1}, &filter), ST_CORRUPT);
    assert_int_equal(filter_over((struct str){memory, 4}, &filter), ST_CORRUPT);
    assert_int_equal(filter_over((struct str){NULL, 0}, &filter), ST_CORRUPT);
    memory[0] ^= 1;
    assert_int_equal(filter_over((struct str){memory, size}, &filter), ST_CORRUPT);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_there_and_little_else),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
