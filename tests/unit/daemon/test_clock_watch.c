#include "daemon/clock_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const int64_t noon_ms = 1768000000000;

static void a_jump_is_noted_with_its_way_and_length(void **state)
{
    (void)state;
    struct clock_watch watch;
    clock_fake(1000, noon_ms);
    clock_watch_start(&watch);
    clock_fake(1100, noon_ms - 3 * 3600 * 1000);
    clock_watch_step(&watch);
    assert_non_null(strstr(watch.note, "set back by 3 h"));
    clock_fake(1200, noon_ms + 1000);
    clock_watch_step(&watch);
    assert_non_null(strstr(watch.note, "set ahead by 3 h, to 2026-01-"));
    clock_real();
}

static void small_steps_are_not_noted(void **state)
{
    (void)state;
    struct clock_watch watch;
    int64_t wall_ms = noon_ms;
    clock_fake(0, wall_ms);
    clock_watch_start(&watch);
    for (unsigned i = 1; i <= 100; i++) {
        clock_fake(i * 100, wall_ms += 50000); /* more than an hour in all */
        clock_watch_step(&watch);
        assert_string_equal(watch.note, "");
    }
    clock_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_is_noted_with_its_way_and_length),
        cmocka_unit_test(small_steps_are_not_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
