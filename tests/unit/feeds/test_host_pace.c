#include "feed_test.h"

#include "feeds/host_pace.h"

static void publishers_say_how_often_they_want_to_be_asked(void **state)
{
    (void)state;
    assert_int_equal(host_pace_s(STR("urlhaus.abuse.ch")), 300);
    assert_int_equal(host_pace_s(STR("abuse.ch")), 300);
    assert_int_equal(host_pace_s(STR("www.spamhaus.org")), 3600);
    assert_int_equal(host_pace_s(STR("notabuse.ch")), 0);
    assert_int_equal(host_pace_s(STR("abuse.ch.example")), 0);
    assert_int_equal(host_pace_s(STR("192.0.2.1")), 0);
    assert_int_equal(host_pace_s(STR("[2001:db8::1]")), 0);
    assert_int_equal(host_pace_s(STR("")), 0);
}

static void what_is_left_is_rounded_up_and_ends(void **state)
{
    enum { ASKED = 1700000000 };
    const int64_t asked_ms = ASKED * INT64_C(1000);
    (void)state;
    assert_int_equal(host_pace_left_s(STR("urlhaus.abuse.ch"), 0, asked_ms), 0);
    assert_int_equal(host_pace_left_s(STR("urlhaus.abuse.ch"), asked_ms, asked_ms), 300);
    assert_int_equal(host_pace_left_s(STR("urlhaus.abuse.ch"), asked_ms, asked_ms + 299001), 1);
    assert_int_equal(host_pace_left_s(STR("urlhaus.abuse.ch"), asked_ms, asked_ms + 300000), 0);
    assert_int_equal(host_pace_left_s(STR("urlhaus.abuse.ch"), asked_ms, asked_ms - 1), 0); /* the clock went back */
    assert_int_equal(host_pace_left_s(STR("feeds.example"), asked_ms, asked_ms), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishers_say_how_often_they_want_to_be_asked),
        cmocka_unit_test(what_is_left_is_rounded_up_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
