#include "fixture.h"
#include "reputation/entry_list.h"

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void random_keys_come_out_in_order_and_once(void **state)
{
    (void)state;
    enum { COUNT = 20000, SIZE = 40 };
    static char keys[COUNT][SIZE];
    struct entry_list list = {0};
    srandom(7);
    for (unsigned i = 0; i < COUNT; i++) {
        size_t n = 1 + (size_t)random() % (SIZE - 2);
        for (size_t k = 0; k < n; k++)
            keys[i][k] = (char)('a' + random() % 2); /* long common prefixes, many equal keys */
        assert_int_equal(entry_list_add(&list, keys[i], n, "r", 1), ST_OK);
    }
    entry_list_sort(&list);
    qsort(keys, COUNT, SIZE, compare_texts);
    size_t at = 0;
    struct str key;
    struct buf value = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        if (i && !strcmp(keys[i], keys[i - 1]))
            continue;
        assert_true(entry_list_next(&list, &at, &key, &value));
        assert_true(str_eq(key, str_of(keys[i])));
        assert_int_equal(value.length, 1);
    }
    assert_false(entry_list_next(&list, &at, &key, &value));
    buf_free(&value);
    entry_list_free(&list);
}

static void a_key_is_before_what_it_is_a_prefix_of(void **state)
{
    (void)state;
    struct entry_list list = {0};
    char zeros[64] = {0};
    for (size_t n = sizeof zeros; n; n--) /* padding must not be taken for bytes */
        for (unsigned again = 0; again < 2; again++)
            assert_int_equal(entry_list_add(&list, zeros, n, "", 0), ST_OK);
    entry_list_sort(&list);
    assert_int_equal(list.count, sizeof zeros);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(list.refs[i].entry->key_length, i + 1);
    entry_list_free(&list);
}

static void records_of_one_key_are_gathered_in_order(void **state)
{
    (void)state;
    struct entry_list list = {0};
    static const char *const records[] = {"c", "ab", "a", "ab", "c", "b"};
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(entry_list_add(&list, "key", 3, records[i], strlen(records[i])), ST_OK);
        assert_int_equal(entry_list_add(&list, "other", 5, "x", 1), ST_OK);
    }
    entry_list_sort(&list);
    size_t at = 0;
    struct str key;
    struct buf value = {0};
    assert_true(entry_list_next(&list, &at, &key, &value));
    assert_true(str_eq(key, STR("key")));
    assert_string_equal(buf_text(&value), "aabbc");
    assert_true(entry_list_next(&list, &at, &key, &value));
    assert_string_equal(buf_text(&value), "x");
    assert_false(entry_list_next(&list, &at, &key, &value));
    buf_free(&value);
    entry_list_free(&list);
}

static void many_records_for_one_key_are_bounded(void **state)
{
    (void)state;
    struct entry_list list = {0};
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(entry_list_add(&list, "key", 3, &i, sizeof i), ST_OK);
    entry_list_sort(&list);
    size_t at = 0;
    struct str key;
    struct buf value = {0};
    assert_true(entry_list_next(&list, &at, &key, &value));
    assert_int_equal(value.length, 1024 * sizeof(unsigned));
    assert_int_equal(at, 100000);
    buf_free(&value);
    entry_list_free(&list);
}

static void nested_keys_do_not_exhaust_the_stack(void **state)
{
    (void)state;
    enum { LONGEST = 500 };
    char key[LONGEST];
    struct entry_list list = {0};
    memset(key, 'a', sizeof key);
    for (size_t n = 1; n <= LONGEST; n++)
        for (unsigned i = 0; i < 60; i++) /* groups too large for the simple sort */
            assert_int_equal(entry_list_add(&list, key, n, &i, sizeof i), ST_OK);
    entry_list_sort(&list);
    assert_int_equal(list.count, LONGEST * 60);
    for (size_t i = 1; i < list.count; i++)
        assert_true(list.refs[i - 1].entry->key_length <= list.refs[i].entry->key_length);
    entry_list_free(&list);
}

static void an_empty_list_sorts(void **state)
{
    (void)state;
    struct entry_list list = {0};
    entry_list_sort(&list);
    assert_int_equal(list.count, 0);
    entry_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_come_out_in_order_and_once),
        cmocka_unit_test(a_key_is_before_what_it_is_a_prefix_of),
        cmocka_unit_test(records_of_one_key_are_gathered_in_order),
        cmocka_unit_test(many_records_for_one_key_are_bounded),
        cmocka_unit_test(nested_keys_do_not_exhaust_the_stack),
        cmocka_unit_test(an_empty_list_sorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
