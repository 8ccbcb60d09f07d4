#include "fixture.h"
#include "reputation/public_suffix.h"

static bool is_suffix(const char *text, bool private_too)
{
    struct dname name = name_of(text);
    return public_suffix_is(&name, private_too);
}

static void suffixes_of_registries_are_known(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"com", "co.uk", "jp", "kobe.jp.", "рф", "xn--p1ai", "compute.ck"};
    static const char *const others[] = {"example.com", "bbc.co.uk", "city.kobe.jp", "www.ck"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (!is_suffix(suffixes[i], false))
            fail_msg("%s is a public suffix", suffixes[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (is_suffix(others[i], true))
            fail_msg("%s is no public suffix", others[i]);
}

static void suffixes_of_companies_are_told_apart(void **state)
{
    (void)state;
    assert_true(is_suffix("github.io", true));
    assert_false(is_suffix("github.io", false));
    assert_false(is_suffix("user.github.io", true));
}

static void a_single_label_that_no_list_knows_is_one(void **state)
{
    (void)state;
    assert_true(is_suffix("bazar", false));
    assert_false(is_suffix("evil.bazar", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suffixes_of_registries_are_known),
        cmocka_unit_test(suffixes_of_companies_are_told_apart),
        cmocka_unit_test(a_single_label_that_no_list_knows_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
