#include "feed_test.h"

#include "feeds/csv.h"

static void expect_fields(const char *line, size_t want, const char *const *texts)
{
    struct str fields[CSV_FIELDS];
    size_t count = csv_split(str_of(line), ',', fields);
    assert_int_equal(count, want);
    for (size_t i = 0; i < count; i++)
        assert_true(str_eq(fields[i], str_of(texts[i])));
}

static void fields_lose_their_quotes(void **state)
{
    (void)state;
    expect_fields("a,b,c", 3, (const char *const[]){"a", "b", "c"});
    expect_fields("\"a,b\",\"\",c", 3, (const char *const[]){"a,b", "", "c"});
    expect_fields("\"a\", \"b\",\t c ", 3, (const char *const[]){"a", "b", "c"});
    expect_fields("\"say \"\"x\"\"\",b", 2, (const char *const[]){"say \"\"x\"\"", "b"});
    expect_fields("", 1, (const char *const[]){""});
    expect_fields(",", 2, (const char *const[]){"", ""});
    expect_fields("a,", 2, (const char *const[]){"a", ""});
}

static void what_is_no_csv_has_no_fields(void **state)
{
    (void)state;
    expect_fields("\"a", 0, NULL);
    expect_fields("\"", 0, NULL);
    expect_fields("\"a\"b,c", 0, NULL);
    expect_fields("a,\"b\"\"", 0, NULL);
}

static void the_number_of_fields_is_bounded(void **state)
{
    char line[2 * CSV_FIELDS + 1];
    struct str fields[CSV_FIELDS];
    (void)state;
    memset(line, ',', sizeof line);
    assert_int_equal(csv_split((struct str){line, CSV_FIELDS - 1}, ',', fields), CSV_FIELDS);
    assert_int_equal(csv_split((struct str){line, CSV_FIELDS}, ',', fields), 0);
    assert_int_equal(csv_split((struct str){line, sizeof line}, ',', fields), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_lose_their_quotes),
        cmocka_unit_test(what_is_no_csv_has_no_fields),
        cmocka_unit_test(the_number_of_fields_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
