#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "message/http_head.h"

static struct http_head head;

static void parse(const char *text)
{
    enum http_reject reject;
    assert_int_equal(http_request_parse(str_of(text), &head, &reject), ST_OK);
}

static void the_first_field_of_a_name_is_found_in_any_case(void **state)
{
    (void)state;
    parse("GET / HTTP/1.1\r\nHost: a\r\nVia: one\r\nVIA: two\r\n\r\n");
    const struct http_field *field = http_field_find(&head, STR("via"));
    assert_non_null(field);
    assert_true(str_eq(field->value, STR("one")));
    assert_null(http_field_find(&head, STR("vi")));
    assert_null(http_field_find(&head, STR("")));
}

static void a_token_is_found_in_all_lines_of_a_list(void **state)
{
    (void)state;
    parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: a, ,B\t\r\nconnection: X-c\r\nOther: d\r\n\r\n");
    assert_true(http_field_has_token(&head, STR("Connection"), STR("A")));
    assert_true(http_field_has_token(&head, STR("Connection"), STR("b")));
    assert_true(http_field_has_token(&head, STR("Connection"), STR("x-c")));
    assert_false(http_field_has_token(&head, STR("Connection"), STR("c")));
    assert_false(http_field_has_token(&head, STR("Connection"), STR("d")));
}

static void a_head_is_parsed_again_at_a_line_end_only(void **state)
{
    (void)state;
    static char large[HTTP_MAX_HEAD];
    memset(large, 'x', sizeof large);
    assert_true(http_head_is_worth_parsing(STR("G"), 0));
    assert_false(http_head_is_worth_parsing(STR("G"), 1));
    assert_false(http_head_is_worth_parsing(STR("GET / HTTP/1.1\r\nHost: a\r"), 16));
    assert_true(http_head_is_worth_parsing(STR("GET / HTTP/1.1\r\nHost: a\r\n"), 16));
    assert_true(http_head_is_worth_parsing(STR("GET / HTTP/1.1\r\n"), 15));
    assert_false(http_head_is_worth_parsing((struct str){large, sizeof large - 1}, 100));
    assert_true(http_head_is_worth_parsing((struct str){large, sizeof large}, 100));
}

static void tokens_are_told_from_other_bytes(void **state)
{
    (void)state;
    assert_true(http_is_token(STR("!#$%&'*+-.^_`|~09azAZ")));
    assert_false(http_is_token(STR("")));
    for (int c = 0; c < 256; c++) {
        char text[2] = {'a', (char)c};
        bool token = c && (strchr("!#$%&'*+-.^_`|~", c) || (c < 128 && (ascii_alpha((char)c) || ascii_digit((char)c))));
        assert_int_equal(http_is_token((struct str){text, 2}), token);
    }
}

static void every_refusal_has_a_status_and_a_text(void **state)
{
    (void)state;
    for (int reject = HTTP_REJECT_SYNTAX; reject <= HTTP_REJECT_EXPECTATION; reject++) {
        unsigned status = http_reject_status((enum http_reject)reject);
        assert_true(status >= 400 && status < 600);
        assert_string_not_equal(http_status_reason(status), "Unknown");
        assert_true(strlen(http_reject_text((enum http_reject)reject)) > 0);
    }
    assert_int_equal(http_reject_status(HTTP_REJECT_LINE_TOO_LONG), 414);
    assert_int_equal(http_reject_status(HTTP_REJECT_HEAD_TOO_LARGE), 431);
    assert_int_equal(http_reject_status(HTTP_REJECT_VERSION), 505);
    assert_int_equal(http_reject_status(HTTP_REJECT_EXPECTATION), 417);
    assert_int_equal(http_reject_status(HTTP_REJECT_LENGTH), 400);
}

static void statuses_have_reasons(void **state)
{
    (void)state;
    assert_string_equal(http_status_reason(200), "OK");
    assert_string_equal(http_status_reason(403), "Forbidden");
    assert_string_equal(http_status_reason(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_field_of_a_name_is_found_in_any_case),
        cmocka_unit_test(a_token_is_found_in_all_lines_of_a_list),
        cmocka_unit_test(a_head_is_parsed_again_at_a_line_end_only),
        cmocka_unit_test(tokens_are_told_from_other_bytes),
        cmocka_unit_test(every_refusal_has_a_status_and_a_text),
        cmocka_unit_test(statuses_have_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
