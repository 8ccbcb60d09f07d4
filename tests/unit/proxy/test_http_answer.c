#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "proxy/http_answer.h"

static struct http_head head;

/* The answer, parsed as its receiver would. */
static struct buf build(enum http_answer answer, enum http_reject reject, const char *method, bool keep_alive)
{
    struct buf out = {0};
    enum http_reject wrong;
    http_answer_build(&out, answer, reject, "Thu, 01 Jan 1970 00:00:00 GMT", !strcmp(method, "HEAD"), keep_alive);
    assert_false(out.failed);
    assert_int_equal(http_response_parse((struct str){out.data, out.length}, str_of(method), &head, &wrong), ST_OK);
    return out;
}

static void check(enum http_answer answer, enum http_reject reject)
{
    struct buf out = build(answer, reject, "GET", false);
    assert_true(head.status == 200 || (head.status >= 400 && head.status < 600));
    assert_true(head.status != 421); /* RFC 9110 section 15.5.20: a proxy MUST NOT */
    assert_true(head.status != 451 && head.status != 511);
    assert_int_equal(head.content_length, out.length - head.length);
    assert_non_null(http_field_find(&head, STR("Date")));
    assert_true(http_field_has_token(&head, STR("Cache-Control"), STR("no-store")));
    assert_true(http_field_has_token(&head, STR("Connection"), STR("close")));
    assert_int_equal(!!http_field_find(&head, STR("Proxy-Status")), head.status != 200);
    assert_int_equal(!!http_field_find(&head, STR("Retry-After")), head.status == 503 || head.status == 429);
    assert_int_equal(!!http_field_find(&head, STR("Allow")), head.status == 405 || head.status == 200);
    buf_free(&out);
    out = build(answer, reject, "HEAD", true);
    assert_int_equal(out.length, head.length);
    assert_null(http_field_find(&head, STR("Connection")));
    buf_free(&out);
}

static void rfc_9110_15_every_answer_is_a_whole_response_with_a_status_that_a_proxy_may_give(void **state)
{
    (void)state;
    for (enum http_answer answer = ANSWER_NONE + 1; answer < ANSWER_COUNT; answer++)
        check(answer, HTTP_REJECT_NONE);
    for (enum http_reject reject = HTTP_REJECT_NONE + 1; reject <= HTTP_REJECT_EXPECTATION; reject++)
        check(ANSWER_BAD_REQUEST, reject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_9110_15_every_answer_is_a_whole_response_with_a_status_that_a_proxy_may_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
