#include "proxy/parent_watch.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct parent_watch *watch;

static int set_up(void **state)
{
    (void)state;
    watch = parent_watch_new();
    return !watch;
}

static int tear_down(void **state)
{
    (void)state;
    parent_watch_free(watch);
    parent_watch_free(NULL);
    return 0;
}

/* What is told after it came to this with HOST. */
static enum origin_result after(enum parent_progress progress, enum origin_result result, const char *host)
{
    parent_watch_note(watch, progress, result, str_of(host));
    return parent_watch_trouble(watch);
}

static void one_that_takes_no_connection_is_trouble_until_it_does(void **state)
{
    (void)state;
    assert_int_equal(parent_watch_trouble(watch), ORIGIN_CONNECTED);
    assert_int_equal(after(PARENT_SILENT, ORIGIN_PARENT_UNREACHABLE, "a"), ORIGIN_PARENT_UNREACHABLE);
    assert_int_equal(after(PARENT_SILENT, ORIGIN_NO_MEMORY, "a"), ORIGIN_PARENT_UNREACHABLE); /* our own trouble */
    assert_int_equal(after(PARENT_SILENT, ORIGIN_PARENT_TIMEOUT, "a"), ORIGIN_PARENT_TIMEOUT);
    assert_int_equal(after(PARENT_REACHED, ORIGIN_CONNECTED, "a"), ORIGIN_CONNECTED);
}

static void a_login_that_is_not_taken_is_trouble_until_another_is(void **state)
{
    (void)state;
    assert_int_equal(after(PARENT_REACHED, ORIGIN_PARENT_LOGIN, "a"), ORIGIN_PARENT_LOGIN);
    assert_int_equal(after(PARENT_REACHED, ORIGIN_CONNECTED, "a"), ORIGIN_PARENT_LOGIN); /* dialled alone */
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_UNREACHABLE, "a"), ORIGIN_CONNECTED);
}

static void a_refusal_is_trouble_when_three_hosts_have_it(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) { /* one host that is forbidden, for many requests */
        assert_int_equal(after(PARENT_ANSWERED, ORIGIN_PARENT_REFUSED, "a"), ORIGIN_CONNECTED);
        assert_int_equal(after(PARENT_REACHED, ORIGIN_PARENT_MALFORMED, "b"), ORIGIN_CONNECTED);
    }
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_UNREACHABLE, "c"), ORIGIN_CONNECTED); /* the server's own trouble */
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_PARENT_REFUSED, "d"), ORIGIN_PARENT_REFUSED);
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_UNREACHABLE, "c"), ORIGIN_PARENT_REFUSED);
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_CONNECTED, "c"),
                     ORIGIN_PARENT_REFUSED); /* it reads http:// itself */
    assert_int_equal(after(PARENT_SERVED, ORIGIN_CONNECTED, "e"), ORIGIN_CONNECTED);
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_PARENT_REFUSED, "a"), ORIGIN_CONNECTED); /* a new row */
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_PARENT_REFUSED, "b"), ORIGIN_CONNECTED);
    assert_int_equal(after(PARENT_SERVED, ORIGIN_CONNECTED, "e"), ORIGIN_CONNECTED);
    assert_int_equal(after(PARENT_ANSWERED, ORIGIN_PARENT_REFUSED, "d"), ORIGIN_CONNECTED);
}

static void without_a_watch_nothing_is_noted(void **state)
{
    (void)state;
    parent_watch_note(NULL, PARENT_SILENT, ORIGIN_PARENT_UNREACHABLE, STR("a"));
    assert_int_equal(parent_watch_trouble(NULL), ORIGIN_CONNECTED);
}

static void *note_on(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        parent_watch_note(watch, PARENT_SERVED, ORIGIN_CONNECTED, str_of(arg));
        parent_watch_note(watch, PARENT_ANSWERED, ORIGIN_PARENT_REFUSED, str_of(arg));
        parent_watch_note(watch, PARENT_SILENT, ORIGIN_PARENT_UNREACHABLE, str_of(arg));
        (void)parent_watch_trouble(watch);
    }
    return NULL;
}

static void workers_note_at_once(void **state)
{
    (void)state;
    static char hosts[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_on, hosts[i]), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(parent_watch_trouble(watch), ORIGIN_PARENT_UNREACHABLE);
    assert_int_equal(after(PARENT_SERVED, ORIGIN_CONNECTED, "a"), ORIGIN_CONNECTED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_takes_no_connection_is_trouble_until_it_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_login_that_is_not_taken_is_trouble_until_another_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_is_trouble_when_three_hosts_have_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_watch_nothing_is_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_note_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
