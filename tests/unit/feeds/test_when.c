#include "feed_test.h"

#include "feeds/when.h"

static void times_are_read_as_feeds_write_them(void **state)
{
    static const struct {
        const char *text;
        uint32_t want;
    } times[] = {
        {"1970-01-02", 86400},
        {"2024-04-04 07:03:03", 1712214183},
        {"2024-04-04 07:03:03 UTC", 1712214183},
        {" 2024-04-04T07:03:03Z ", 1712214183},
        {"2024-04-04T07:03:03.123456Z", 1712214183},
        {"2024-04-04T09:03:03+02:00", 1712214183},
        {"2024-04-04T05:33:03-0130", 1712214183},
        {"2024-04-04T07:03", 1712214180},
        {"1742256000", 1742256000},
        {"2024-02-29", 1709164800},
        {"2024/04/04 07:03:03", 1712214183},
        {"2024/04/04", 1712188800},
        {"20240404", 1712188800},
        {"20240404070303", 1712214183},
        {"20240404T070303Z", 1712214183},
        {"1712214183123", 1712214183},
        {"1712214183.75", 1712214183},
        {"Thu, 04 Apr 2024 07:03:03 GMT", 1712214183},
        {"04 Apr 2024", 1712188800},
        {"4-Apr-2024 07:03", 1712214180},
        {"April 4, 2024", 1712188800},
        {"Apr 4 2024 09:03:03 +0200", 1712214183},
        {"2024-04-04 07:03:03,5", 1712214183},
    };
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_int_equal(when_parse(str_of(times[i].text)), times[i].want);
}

static void what_is_no_time_is_unknown(void **state)
{
    static const char *const texts[] = {
        "",           "None",        "2024",        "2024-13-01",          "2024-00-01",
        "2024-01-32", "2024-1-1",    "24-01-01",    "2024-01-01 25:00:00", "2024-01-01T1",
        "01/02/2024", "99999999999", "2024-01-01x", "1969-12-31",          "2200-01-01",
        "-1",         "Foo 4, 2024", "Apr 32 2024", "Apr 4 2024 at noon",  "20241301",
        "20240104x",  "Apr 2024",    "4 Apr",       "4 Apr 1969",          "99999999999999",
        "Apr",        ", - ,"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(when_parse(str_of(texts[i])) > 2024 ? 1 : 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_as_feeds_write_them),
        cmocka_unit_test(what_is_no_time_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
