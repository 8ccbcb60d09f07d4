#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"

static void assert_str(struct str actual, const char *expected)
{
    if (!str_eq(actual, str_of(expected)))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)actual.length, actual.data, expected);
}

static void texts_are_compared(void **state)
{
    (void)state;
    assert_true(str_eq(STR("ab"), STR("ab")));
    assert_false(str_eq(STR("ab"), STR("aB")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq((struct str){0}, STR("")));
    assert_true(str_eq_nocase(STR("aB-1"), STR("Ab-1")));
    assert_false(str_eq_nocase(STR("@"), STR("`"))); /* 32 apart, but no letters */
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_int_equal(str_of(NULL).length, 0);
}

static void texts_are_cut_into_parts(void **state)
{
    (void)state;
    struct str before, after, words = STR(" one\t two  ");
    assert_str(str_trim(STR("\t a b \t")), "a b");
    assert_str(str_trim(STR(" \t ")), "");
    assert_str(str_from(STR("abc"), 1), "bc");
    assert_str(str_from(STR("abc"), 9), "");
    assert_int_equal(str_from((struct str){0}, 3).length, 0);
    assert_true(str_cut(STR("a=b=c"), '=', &before, &after));
    assert_str(before, "a");
    assert_str(after, "b=c");
    assert_true(str_cut(STR("="), '=', &before, &after));
    assert_str(before, "");
    assert_str(after, "");
    assert_false(str_cut(STR("abc"), '=', &before, &after));
    assert_false(str_cut((struct str){0}, '=', &before, &after));
    assert_str(str_word(&words), "one");
    assert_str(str_word(&words), "two");
    assert_str(str_word(&words), "");
}

static void numbers_are_plain_digits_up_to_the_bound(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_int_equal(text_u64(STR("0"), 10, &value), ST_OK);
    assert_true(value == 0);
    assert_int_equal(text_u64(STR("18446744073709551615"), UINT64_MAX, &value), ST_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(text_u64(STR("18446744073709551616"), UINT64_MAX, &value), ST_TOO_LARGE);
    assert_int_equal(text_u64(STR("99999999999999999999"), UINT64_MAX, &value), ST_TOO_LARGE);
    assert_int_equal(text_u64(STR("255"), 255, &value), ST_OK);
    assert_int_equal(text_u64(STR("256"), 255, &value), ST_TOO_LARGE);
    assert_int_equal(text_u64(STR("6"), 5, &value), ST_TOO_LARGE);
    assert_int_equal(text_u64(STR("1"), 0, &value), ST_TOO_LARGE);
    static const char *const refused[] = {"", "+1", "-1", " 1", "1 ", "0x1", "1.0", "a"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(text_u64(str_of(refused[i]), UINT64_MAX, &value), ST_INVALID);
}

static void hex_digits_have_values(void **state)
{
    (void)state;
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    for (int c = 0; c < 256; c++) {
        int expected = -1;
        for (int value = 0; value < 16; value++)
            if (c == lower[value] || c == upper[value])
                expected = value;
        assert_int_equal(hex_value((char)c), expected);
    }
}

static void a_copy_is_cut_and_ended(void **state)
{
    (void)state;
    char out[4] = "xxx";
    text_copy(out, sizeof out, STR("abcdef"));
    assert_string_equal(out, "abc");
    text_copy(out, sizeof out, (struct str){0});
    assert_string_equal(out, "");
    text_copy(out, 1, STR("a"));
    assert_string_equal(out, "");
}

static void assert_printable(struct str text, const char *expected)
{
    char out[200];
    text_printable(out, sizeof out, text);
    assert_string_equal(out, expected);
}

static void h24_what_hurts_a_terminal_is_escaped(void **state)
{
    (void)state;
    assert_printable(STR("plain \xc3\xa4\xe6\x97\xa5\xf0\x9f\x98\x80"), "plain \xc3\xa4\xe6\x97\xa5\xf0\x9f\x98\x80");
    assert_printable((struct str){"\0\x1b[0m\n\x7f", 7}, "\\x00\\x1b[0m\\x0a\\x7f");
    assert_printable(STR("\xc2\x9b"), "\\xc2\\x9b");          /* C1: CSI */
    assert_printable(STR("\xe2\x80\xa8"), "\\xe2\\x80\\xa8"); /* line separator */
    assert_printable(STR("\x80\xff"), "\\x80\\xff");
    assert_printable(STR("\xc0\x80"), "\\xc0\\x80"); /* overlong */
    assert_printable(STR("\xe0\x80\x80"), "\\xe0\\x80\\x80");
    assert_printable(STR("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* surrogate */
    assert_printable(STR("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
    assert_printable(STR("a\xe6\x97"), "a\\xe6\\x97");                 /* cut short */
}

static void printable_text_is_cut_on_a_characters_edge(void **state)
{
    (void)state;
    char out[8];
    for (size_t size = 1; size <= sizeof out; size++) {
        static const char *const expected[] = {
            "", "a", "a", "a", "a\xe6\x97\xa5", "a\xe6\x97\xa5", "a\xe6\x97\xa5", "a\xe6\x97\xa5"};
        text_printable(out, size, STR("a\xe6\x97\xa5\n"));
        assert_string_equal(out, expected[size - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_compared),
        cmocka_unit_test(texts_are_cut_into_parts),
        cmocka_unit_test(numbers_are_plain_digits_up_to_the_bound),
        cmocka_unit_test(hex_digits_have_values),
        cmocka_unit_test(a_copy_is_cut_and_ended),
        cmocka_unit_test(h24_what_hurts_a_terminal_is_escaped),
        cmocka_unit_test(printable_text_is_cut_on_a_characters_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
