#include "feed_test.h"

#include "feeds/name_set.h"

static struct dname name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return name;
}

static int value_of(const struct name_set *set, const char *text)
{
    struct dname name = name_of(text);
    const struct name_slot *slot = name_set_find(set, &name);
    return slot ? slot->value : -1;
}

static int below(const struct name_set *set, const char *text)
{
    struct dname name = name_of(text);
    const struct name_slot *slot = name_set_find(set, &name);
    return slot ? slot->below : -1;
}

static void names_and_what_is_above_them_are_found(void **state)
{
    struct name_set set = {0};
    struct dname deep = name_of("a.b.c.example"), middle = name_of("b.c.example");
    (void)state;
    assert_int_equal(value_of(&set, "b.c.example"), -1);
    assert_int_equal(name_set_add(&set, &deep, 7), ST_OK);
    assert_int_equal(name_set_add(&set, &middle, 9), ST_OK);
    assert_int_equal(name_set_add(&set, &middle, 3), ST_OK); /* it keeps the first */
    assert_int_equal(value_of(&set, "a.b.c.example"), 7);
    assert_int_equal(below(&set, "a.b.c.example"), 0);
    assert_int_equal(value_of(&set, "b.c.example"), 9);
    assert_int_equal(below(&set, "b.c.example"), 7);
    assert_int_equal(value_of(&set, "c.example"), 0);
    assert_int_equal(below(&set, "c.example"), 7);
    assert_int_equal(value_of(&set, "example"), -1); /* one label */
    assert_int_equal(value_of(&set, "x.a.b.c.example"), -1);
    assert_int_equal(value_of(&set, "b.example"), -1);
    struct dname child = name_of("x.b.c.example"), top = name_of("example");
    assert_int_equal(name_set_find_parent(&set, &child)->value, 9);
    assert_null(name_set_find_parent(&set, &top));
    name_set_fini(&set);
}

static void thousands_of_names_keep_their_values(void **state)
{
    struct name_set set = {0};
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        char text[64];
        snprintf(text, sizeof text, "n%u.z%u.example", i, i % 70);
        struct dname name = name_of(text);
        assert_int_equal(name_set_add(&set, &name, (uint8_t)(1 + i % 200)), ST_OK);
    }
    for (unsigned i = 0; i < 5000; i++) {
        char text[64];
        snprintf(text, sizeof text, "n%u.z%u.example", i, i % 70);
        assert_int_equal(value_of(&set, text), 1 + i % 200);
        snprintf(text, sizeof text, "n%u.z%u.example", i, i % 70 + 1);
        assert_int_equal(value_of(&set, text), -1);
    }
    assert_int_equal(set.count, 5000 + 70); /* and what is above them, of two labels or more */
    name_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_what_is_above_them_are_found),
        cmocka_unit_test(thousands_of_names_keep_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
