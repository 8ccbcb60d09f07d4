#include "daemon/parent_trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_capture.h"

static void what_begins_and_ends_is_told_once(void **state)
{
    (void)state;
    static const char url[] = "socks5://192.0.2.9:1080";
    struct parent_watch *watch = parent_watch_new();
    enum origin_result told = ORIGIN_CONNECTED;
    struct log_capture capture;
    assert_non_null(watch);
    log_capture_begin(&capture);
    for (int i = 0; i < 3; i++)
        parent_trouble_step(watch, url, &told);
    for (int i = 0; i < 3; i++) {
        parent_watch_note(watch, PARENT_SILENT, ORIGIN_PARENT_UNREACHABLE, STR("a.test"));
        parent_trouble_step(watch, url, &told);
    }
    parent_watch_note(watch, PARENT_REACHED, ORIGIN_PARENT_LOGIN, STR("a.test")); /* it is another trouble now */
    for (int i = 0; i < 3; i++)
        parent_trouble_step(watch, url, &told);
    for (int i = 0; i < 3; i++) {
        parent_watch_note(watch, PARENT_SERVED, ORIGIN_CONNECTED, STR("a.test"));
        parent_trouble_step(watch, url, &told);
    }
    assert_int_equal(log_capture_end(&capture, "the parent proxy socks5://192.0.2.9:1080 "), 3);
    const char *reach = strstr(capture.text, "cannot be reached\n"),
               *login = strstr(capture.text, "proxy.parent-login");
    const char *end = strstr(capture.text, "does its work again\n");
    assert_true(reach && login && end && reach < login && login < end);
    parent_watch_free(watch);
}

static void without_a_parent_nothing_is_told(void **state)
{
    (void)state;
    enum origin_result told = ORIGIN_CONNECTED;
    struct log_capture capture;
    log_capture_begin(&capture);
    parent_trouble_step(NULL, "", &told);
    assert_int_equal(log_capture_end(&capture, "parent"), 0);
    assert_int_equal(told, ORIGIN_CONNECTED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_begins_and_ends_is_told_once),
        cmocka_unit_test(without_a_parent_nothing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
