#include "blockpage/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "blockpage/embedded.h"

static void a_line_is_a_key_and_its_text(void **state)
{
    (void)state;
    struct str text, file = STR("# note: no key\n\na: one: two \nempty:\nno colon\nlast: x");
    assert_true(catalogue_find(file, STR("a"), &text));
    assert_true(str_eq(text, STR("one: two")));
    assert_true(catalogue_find(file, STR("empty"), &text));
    assert_int_equal(text.length, 0);
    assert_true(catalogue_find(file, STR("last"), &text));
    assert_true(str_eq(text, STR("x")));
    assert_false(catalogue_find(file, STR("# note"), &text));
    assert_false(catalogue_find(file, STR("no colon"), &text));
    assert_false(catalogue_find((struct str){0}, STR("a"), &text));
}

/* Whether every {{name}} of TEXT is in OTHER. */
static bool names_are_in(struct str text, struct str other)
{
    for (size_t i = 0; i + 4 <= text.length; i++) {
        if (memcmp(text.data + i, "{{", 2))
            continue;
        const char *end = memmem(text.data + i, text.length - i, "}}", 2);
        assert_non_null(end);
        size_t n = (size_t)(end - text.data) + 2 - i;
        if (!other.length || !memmem(other.data, other.length, text.data + i, n))
            return false;
    }
    return true;
}

static void assert_has_all_of(struct str catalogue, struct str model)
{
    struct str key, text, other;
    while (catalogue_next(&model, &key, &text)) {
        if (!catalogue_find(catalogue, key, &other))
            fail_msg("no text for %.*s", (int)key.length, key.data);
        if (!text.length != !other.length)
            fail_msg("%.*s is empty in one language only", (int)key.length, key.data);
        if (!names_are_in(text, other))
            fail_msg("%.*s names other values", (int)key.length, key.data);
    }
}

static void both_languages_have_the_same_keys_and_names(void **state)
{
    (void)state;
    assert_has_all_of(embedded_ja_txt, embedded_en_txt);
    assert_has_all_of(embedded_en_txt, embedded_ja_txt);
}

static void no_key_stands_twice(void **state)
{
    (void)state;
    const struct str files[] = {embedded_en_txt, embedded_ja_txt};
    for (size_t i = 0; i < 2; i++) {
        struct str rest = files[i], key, text, first;
        while (catalogue_next(&rest, &key, &text)) {
            assert_true(catalogue_find(files[i], key, &first));
            if (first.data != text.data)
                fail_msg("%.*s stands twice", (int)key.length, key.data);
        }
    }
}

static void texts_hold_no_markup(void **state)
{
    (void)state;
    const struct str files[] = {embedded_en_txt, embedded_ja_txt};
    for (size_t i = 0; i < 2; i++)
        assert_null(memchr(files[i].data, '<', files[i].length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_key_and_its_text),
        cmocka_unit_test(both_languages_have_the_same_keys_and_names),
        cmocka_unit_test(no_key_stands_twice),
        cmocka_unit_test(texts_hold_no_markup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
