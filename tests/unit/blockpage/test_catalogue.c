#include "blockpage/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "blockpage/embedded.h"

static struct catalogue english, japanese;

static int load(void **state)
{
    (void)state;
    catalogue_load(&english, embedded_en_txt);
    catalogue_load(&japanese, embedded_ja_txt);
    return 0;
}

static void a_line_is_a_key_and_its_text(void **state)
{
    (void)state;
    static struct catalogue catalogue;
    struct str text;
    catalogue_load(&catalogue, STR("# note: no key\n\na: one: two \nempty:\nno colon\nab: y\nlast: x"));
    assert_int_equal(catalogue.count, 4);
    assert_true(catalogue_find(&catalogue, STR("a"), &text));
    assert_true(str_eq(text, STR("one: two")));
    assert_true(catalogue_find(&catalogue, STR("ab"), &text));
    assert_true(str_eq(text, STR("y")));
    assert_true(catalogue_find(&catalogue, STR("empty"), &text));
    assert_int_equal(text.length, 0);
    assert_true(catalogue_find(&catalogue, STR("last"), &text));
    assert_true(str_eq(text, STR("x")));
    assert_false(catalogue_find(&catalogue, STR("# note"), &text));
    assert_false(catalogue_find(&catalogue, STR("no colon"), &text));
    assert_false(catalogue_find(&catalogue, STR("abc"), &text));
    assert_false(catalogue_find(&catalogue, (struct str){0}, &text));
    catalogue_load(&catalogue, (struct str){0});
    assert_false(catalogue_find(&catalogue, STR("a"), &text));
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

static void assert_has_all_of(const struct catalogue *catalogue, const struct catalogue *model)
{
    for (size_t i = 0; i < model->count; i++) {
        struct str key = model->entries[i].key, text = model->entries[i].text, other;
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
    assert_true(english.count > 100);
    assert_has_all_of(&japanese, &english);
    assert_has_all_of(&english, &japanese);
}

static void no_key_stands_twice(void **state)
{
    (void)state;
    const struct catalogue *const all[] = {&english, &japanese};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 1; k < all[i]->count; k++)
            if (str_eq(all[i]->entries[k - 1].key, all[i]->entries[k].key))
                fail_msg("%.*s stands twice", (int)all[i]->entries[k].key.length, all[i]->entries[k].key.data);
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
    return cmocka_run_group_tests(tests, load, NULL);
}
