#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"

static void a_fake_clock_stands_until_it_is_moved(void **state)
{
    (void)state;
    clock_fake(1000, 2000);
    assert_int_equal(clock_mono_ms(), 1000);
    assert_int_equal(clock_mono_ms(), 1000);
    clock_fake_advance(500);
    assert_int_equal(clock_mono_ms(), 1500);
    assert_int_equal(clock_wall_ms(), 2500);
    clock_real();
}

static void the_real_clocks_do_not_go_back(void **state)
{
    (void)state;
    int64_t before = clock_mono_ms();
    assert_true(clock_mono_ms() >= before);
    assert_true(clock_wall_ms() > 1600000000000); /* in milliseconds, past 2020 */
}

static void times_are_written_in_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1769860800123, "2026-01-31T12:00:00.123Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CLOCK_TEXT_SIZE];
        clock_format(cases[i].ms, out);
        assert_string_equal(out, cases[i].text);
    }
}

static void a_time_past_all_years_keeps_its_bounds(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];
    static const int64_t times[] = {INT64_MAX, INT64_MIN, 253402300800000 /* the year 10000 */};
    for (size_t i = 0; i < 3; i++) {
        memset(out, 'x', sizeof out);
        clock_format(times[i], out);
        assert_non_null(memchr(out, '\0', sizeof out));
    }
}

static void spans_are_rounded_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t s;
        const char *text;
    } cases[] = {
        {-5, "0 s"},       {0, "0 s"},    {119, "119 s"},   {120, "2 min"},  {899, "15 min"},
        {7199, "120 min"}, {7200, "2 h"}, {172799, "48 h"}, {172800, "2 d"}, {INT64_MAX, "106751991167301 d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CLOCK_SPAN_SIZE];
        clock_format_span(cases[i].s, out);
        assert_string_equal(out, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fake_clock_stands_until_it_is_moved),
        cmocka_unit_test(the_real_clocks_do_not_go_back),
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(a_time_past_all_years_keeps_its_bounds),
        cmocka_unit_test(spans_are_rounded_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
