#include "feed_test.h"

#include "base/buf.h"
#include "feeds/stix_pattern.h"

static void note(void *user, const struct stix_value *value)
{
    struct buf *out = user;
    buf_printf(out, "%s%.*s is %.*s%s", out->length ? "; " : "", (int)value->path.length, value->path.data,
               (int)value->text.length, value->text.data, value->combined ? " and more" : "");
}

static void expect_values(const char *pattern, const char *want)
{
    struct buf out = {0};
    assert_true(stix_pattern_values(str_of(pattern), note, &out));
    assert_string_equal(buf_text(&out), want);
    buf_free(&out);
}

static void equality_is_taken(void **state)
{
    (void)state;
    expect_values("[domain-name:value='evil.example']", "domain-name:value is evil.example");
    expect_values(" [ ipv4-addr:value == '192.0.2.1' ] ", "ipv4-addr:value is 192.0.2.1");
    expect_values("[file:hashes.'SHA-256' = '00']", "file:hashes.'SHA-256' is 00");
    expect_values("[url:value = 'http://a.example/\\'x\\\\y']", "url:value is http://a.example/'x\\y");
}

static void alternatives_are_taken_one_by_one(void **state)
{
    (void)state;
    expect_values("[a:value = '1' OR b:value = '2'] OR ([c:value = '3'])", "a:value is 1; b:value is 2; c:value is 3");
    expect_values("[a:value IN ('1', '2') OR b:value = '3']", "a:value is 1; a:value is 2; b:value is 3");
    expect_values("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "ipv4-addr:value is 192.0.2.0/24");
}

static void what_holds_only_with_something_else_is_marked(void **state)
{
    (void)state;
    expect_values("[a:value = '1' AND a:refs[*].value = '2']", "a:value is 1 and more; a:refs[*].value is 2 and more");
    expect_values("[a:value = '1'] FOLLOWEDBY [b:value = '2'] WITHIN 5 SECONDS",
                  "a:value is 1 and more; b:value is 2 and more");
}

static void other_comparisons_are_left_out(void **state)
{
    (void)state;
    expect_values("[a:value LIKE '%1' OR a:value MATCHES '1' OR a:value != '1' OR a:value > '1']", "");
    expect_values("[a:value NOT = '1' OR a:value NOT IN ('1', '2') OR b:value = '3']", "b:value is 3");
    expect_values("[a:value ISSUPERSET '1'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'", "");
    expect_values("[a:text = ' AND ']", "a:text is  AND ");
}

static void what_is_no_pattern_is_refused(void **state)
{
    static const char *const patterns[] = {"", " ", "evil.example", "[a:b = 'x", "'x'"};
    struct buf out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        assert_false(stix_pattern_values(str_of(patterns[i]), note, &out));
    char *text = malloc(STIX_VALUE_SIZE + 100);
    assert_non_null(text);
    int n = sprintf(text, "[a:b='");
    memset(text + n, 'x', STIX_VALUE_SIZE + 1);
    strcpy(text + n + STIX_VALUE_SIZE + 1, "']");
    assert_false(stix_pattern_values(str_of(text), note, &out));
    free(text);
    assert_int_equal(out.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_taken),
        cmocka_unit_test(alternatives_are_taken_one_by_one),
        cmocka_unit_test(what_holds_only_with_something_else_is_marked),
        cmocka_unit_test(other_comparisons_are_left_out),
        cmocka_unit_test(what_is_no_pattern_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
