#include "blockpage/report_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const char form_type[] = "Content-Type: application/x-www-form-urlencoded\r\n";

struct fixture {
    struct report_office *office;
    struct verdict verdict;
    struct page_facts facts;
    struct buf response, text;
    struct http_head request, head;
    char token[REPORT_TOKEN_SIZE];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct fault fault = {0};
    assert_non_null(f);
    clock_fake(1000000, 1767268800000);
    assert_int_equal(report_office_new(&f->office, &fault), ST_OK);
    f->verdict = (struct verdict){.action = ACTION_BLOCK, .category = CATEGORY_C2, .indicator = "bad.example"};
    f->facts = (struct page_facts){.url = STR("http://bad.example/x"),
                                   .verdict = &f->verdict,
                                   .client = addr_v4(0xc0a8012a, 50000),
                                   .incident = {.id = "CC-7F3A91B2"},
                                   .time_ms = 1767268800000,
                                   .host = STR("bad.example"),
                                   .reports = report_office_add_box(f->office)};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_free(&f->response);
    buf_free(&f->text);
    report_office_free(f->office);
    free(f);
    clock_real();
    return 0;
}

static void read_request(struct fixture *f, const char *line, const char *fields)
{
    enum http_reject reject;
    buf_clear(&f->text);
    buf_printf(&f->text, "%s HTTP/1.1\r\nHost: bad.example\r\nAccept: text/html\r\n%s\r\n", line, fields);
    assert_int_equal(http_request_parse(str_of(buf_text(&f->text)), &f->request, &reject), ST_OK);
}

static void read_response(struct fixture *f)
{
    enum http_reject reject;
    struct str all = {buf_text(&f->response), f->response.length};
    assert_int_equal(http_response_parse(all, STR("GET"), &f->head, &reject), ST_OK);
}

static bool page_has(struct fixture *f, const char *text)
{
    return strstr(buf_text(&f->response), text) != NULL;
}

/* The token that stands in the page. */
static void show_page(struct fixture *f)
{
    static const char before[] = "name=\"token\" value=\"";
    read_request(f, "GET /x", "");
    buf_clear(&f->response);
    page_answer(&f->response, &f->request, &f->facts, true);
    read_response(f);
    const char *found = strstr(buf_text(&f->response), before);
    f->token[0] = '\0';
    if (found)
        text_copy(f->token, sizeof f->token,
                  (struct str){found + sizeof before - 1, strcspn(found + sizeof before - 1, "\"")});
}

static unsigned send_form(struct fixture *f, const char *fields, const char *comment, bool known)
{
    struct buf body = {0};
    buf_printf(&body, "token=%s&ref=CC-7F3A91B2&comment=%s", f->token, comment);
    read_request(f, "POST " REPORT_PATH, fields);
    assert_true(report_form_is_one(&f->request));
    buf_clear(&f->response);
    assert_int_equal(
        report_form_answer(&f->response, &f->request, (struct str){body.data, body.length}, &f->facts, true), known);
    read_response(f);
    buf_free(&body);
    return f->head.status;
}

static void the_form_of_a_page_brings_a_report(void **state)
{
    struct fixture *f = *state;
    struct report report;
    uint64_t dropped = 0;
    show_page(f);
    assert_true(f->token[0]);
    assert_true(page_has(f, "form-action 'self'; "));
    assert_true(page_has(f, "<form method=\"post\" action=\"" REPORT_PATH "\">"));
    assert_int_equal(send_form(f, form_type, "%E4%BB%95%E4%BA%8B+%3Cb%3E%0D%0A%1b%ff", true), 202);
    assert_true(page_has(f, "Your report was taken") && page_has(f, "bad[.]example") &&
                page_has(f, "form-action 'none'"));
    assert_true(report_office_take(f->office, &report, &dropped));
    assert_string_equal(report.comment, "仕事 <b>  \\x1b\\xff");
    assert_string_equal(report.host, "bad.example");
    assert_string_equal(report.indicator, "bad.example");
    assert_string_equal(report.reference, "CC-7F3A91B2");
    assert_true(addr_same_ip(&report.client, &f->facts.client));
}

static void a_page_has_no_form_where_it_would_lead_nowhere(void **state)
{
    struct fixture *f = *state;
    f->verdict.kind = INDICATOR_URL; /* the form's path is not blocked */
    show_page(f);
    assert_false(page_has(f, "<form") || page_has(f, "form-action 'self'"));
    f->verdict.kind = INDICATOR_NAME;
    f->facts.host = (struct str){0};
    show_page(f);
    assert_false(page_has(f, "<form"));
    f->facts.host = STR("bad.example");
    f->facts.reports = NULL;
    show_page(f);
    assert_false(page_has(f, "<form"));
}

static void only_a_post_to_the_path_is_a_report(void **state)
{
    struct fixture *f = *state;
    static const char *const others[] = {"GET " REPORT_PATH, "PUT " REPORT_PATH, "POST " REPORT_PATH "/",
                                         "POST " REPORT_PATH "?x", "POST /"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        read_request(f, others[i], "");
        assert_false(report_form_is_one(&f->request));
    }
}

static void what_is_not_from_our_page_is_a_contact(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *fields;
        unsigned status;
    } cases[] = {
        {"Content-Type: text/plain\r\n", 400},
        {"", 400},
        {"Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: cross-site\r\n", 403},
        {"Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: none\r\n", 403},
        {"Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://evil.example\r\n", 403},
        {"Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://bad.example:8080\r\n", 403},
        {"Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://bad.example.evil\r\n", 403},
        {"Content-Type: application/x-www-form-urlencoded\r\nOrigin: https://bad.example\r\n", 403},
        {"Content-Type: application/x-www-form-urlencoded\r\nOrigin:\r\n", 403},
    };
    show_page(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(send_form(f, cases[i].fields, "", false), cases[i].status);
    assert_false(report_office_has_any(f->office));
    assert_int_equal(send_form(f,
                               "Content-Type: Application/X-WWW-Form-Urlencoded; charset=UTF-8\r\n"
                               "Origin: http://BAD.example\r\nSec-Fetch-Site: same-origin\r\n",
                               "", true),
                     202);
}

static void a_page_that_is_too_old_is_told_so(void **state)
{
    struct fixture *f = *state;
    show_page(f);
    clock_fake_advance(31 * 60000);
    assert_int_equal(send_form(f, form_type, "", false), 403);
    assert_true(page_has(f, "the page is too old"));
}

static void the_sixth_report_of_an_hour_is_put_off(void **state)
{
    struct fixture *f = *state;
    show_page(f);
    for (unsigned i = 0; i < REPORTS_PER_HOUR; i++)
        assert_int_equal(send_form(f, form_type, "", true), 202);
    assert_int_equal(send_form(f, form_type, "", true), 429);
    assert_true(page_has(f, "Retry-After: 3600\r\n"));
}

static void what_is_too_large_is_answered_and_closed(void **state)
{
    struct fixture *f = *state;
    read_request(f, "POST " REPORT_PATH, form_type);
    report_form_too_large(&f->response, &f->request, &f->facts);
    read_response(f);
    assert_int_equal(f->head.status, 413);
    assert_false(f->head.keep_alive);
}

static void fields_are_read_strictly(void **state)
{
    (void)state;
    struct report_fields fields;
    static const char *const bad[] = {"comment=%",     "comment=%4",      "comment=%zz",   "comment=a&comment=",
                                      "token=&token=", "ref=a&x=1&ref=b", "comment=%41%4g"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(report_form_parse(str_of(bad[i]), &fields), ST_INVALID);
    assert_int_equal(report_form_parse(STR(""), &fields), ST_OK);
    assert_int_equal(report_form_parse(STR("&&=&x&token=a=b&y=%zz&comment=+%2b+"), &fields), ST_OK);
    assert_true(str_eq(fields.token, STR("a=b")));
    assert_string_equal(fields.comment, "+");
    assert_int_equal(fields.reference.length, 0);
}

static void a_long_comment_is_cut_between_characters(void **state)
{
    (void)state;
    struct report_fields fields;
    struct buf body = {0};
    buf_add_text(&body, "comment=");
    while (body.length + 9 < REPORT_BODY_MAX_BYTES)
        buf_add_text(&body, "%E4%BB%95");
    assert_int_equal(report_form_parse((struct str){body.data, body.length}, &fields), ST_OK);
    assert_int_equal(strlen(fields.comment) % 3, 0);
    assert_true(strlen(fields.comment) > REPORT_COMMENT_SIZE - 5);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_form_of_a_page_brings_a_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_has_no_form_where_it_would_lead_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_a_post_to_the_path_is_a_report, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_from_our_page_is_a_contact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_that_is_too_old_is_told_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_sixth_report_of_an_hour_is_put_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_large_is_answered_and_closed, set_up, tear_down),
        cmocka_unit_test(fields_are_read_strictly),
        cmocka_unit_test(a_long_comment_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
