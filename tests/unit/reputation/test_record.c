#include "fixture.h"

static void words_and_values_go_both_ways(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CATEGORY_COUNT; i++) {
        enum category category;
        assert_int_equal(category_parse(str_of(category_text(i)), &category), ST_OK);
        assert_int_equal(category, i);
    }
    for (unsigned i = RISK_LOW; i <= RISK_HIGH; i++) {
        enum risk risk;
        assert_int_equal(risk_parse(str_of(risk_text(i)), &risk), ST_OK);
        assert_int_equal(risk, i);
    }
}

static void other_words_are_refused(void **state)
{
    (void)state;
    enum category category;
    enum risk risk;
    assert_int_equal(category_parse(STR("C2"), &category), ST_INVALID);
    assert_int_equal(category_parse(STR(""), &category), ST_INVALID);
    assert_int_equal(category_parse(STR("c2 "), &category), ST_INVALID);
    assert_int_equal(risk_parse(STR("highest"), &risk), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_values_go_both_ways),
        cmocka_unit_test(other_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
