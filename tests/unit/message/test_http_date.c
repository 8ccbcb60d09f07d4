#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/http_date.h"

static void dates_are_written_as_http_wants_them(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_ms;
        const char *text;
    } dates[] = {
        {784111777999, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* the example of RFC 9110 section 5.6.7 */
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951827696000, "Tue, 29 Feb 2000 12:34:56 GMT"},
        {1798761599000, "Thu, 31 Dec 2026 23:59:59 GMT"},
    };
    char text[HTTP_DATE_SIZE];
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        http_date_format(dates[i].wall_ms, text);
        assert_string_equal(text, dates[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dates_are_written_as_http_wants_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
