#include "daemon/refresh_reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_capture.h"

static void a_reason_is_logged_once_until_it_changes(void **state)
{
    (void)state;
    struct log_capture capture;
    struct refresh_reasons *reasons = refresh_reasons_new();
    assert_non_null(reasons);
    log_capture_begin(&capture);
    for (unsigned i = 0; i < 3; i++)
        refresh_reasons_failed(reasons, "mine", "ccward: status 500\n");
    assert_int_equal(log_capture_end(&capture, "feed mine: status 500\n"), 1);
    refresh_reasons_free(reasons);
}

static void each_change_is_logged(void **state)
{
    (void)state;
    struct log_capture capture;
    struct refresh_reasons *reasons = refresh_reasons_new();
    assert_non_null(reasons);
    log_capture_begin(&capture);
    refresh_reasons_failed(reasons, "mine", "one");
    refresh_reasons_failed(reasons, "mine", "two");
    refresh_reasons_failed(reasons, "other", "two");
    refresh_reasons_clear(reasons, "mine");
    refresh_reasons_clear(reasons, "mine");
    refresh_reasons_failed(reasons, "mine", "two");
    assert_int_equal(log_capture_end(&capture, "feed "), 5);
    assert_non_null(strstr(capture.text, "feed mine can be refreshed again"));
    refresh_reasons_free(reasons);
}

static void the_last_line_is_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *output, *reason;
    } cases[] = {
        {"ccward: error: mine: disk full\n", "mine: disk full"},
        {"<4>mine: a warning\n<3>ccward: mine: 5 bytes missing; stays in force\r\n\n",
         "mine: 5 bytes missing; stays in force"},
        {"no line end", "no line end"},
        {"", "it ended without saying why"},
        {"\n\n", "it ended without saying why"},
        {"bad\x1b[31m\n", "bad\\x1b[31m"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct log_capture capture;
        struct refresh_reasons *reasons = refresh_reasons_new();
        assert_non_null(reasons);
        assert_string_equal(refresh_reasons_of(reasons, "mine"), "");
        log_capture_begin(&capture);
        refresh_reasons_failed(reasons, "mine", cases[i].output);
        (void)log_capture_end(&capture, "mine");
        assert_string_equal(refresh_reasons_of(reasons, "mine"), cases[i].reason);
        refresh_reasons_clear(reasons, "mine");
        assert_string_equal(refresh_reasons_of(reasons, "mine"), "");
        refresh_reasons_free(reasons);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_is_logged_once_until_it_changes),
        cmocka_unit_test(each_change_is_logged),
        cmocka_unit_test(the_last_line_is_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
