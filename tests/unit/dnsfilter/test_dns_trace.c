#include "dnsfilter/dns_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static void steps_keep_their_time_and_what_is_said_of_them(void **state)
{
    (void)state;
    struct dns_trace *trace = dns_trace_new();
    clock_fake(1000, 0);
    dns_trace_start(trace);
    dns_trace_say(trace, "of no step");
    dns_trace_step(trace, "decide");
    clock_fake_advance(5);
    dns_trace_step(trace, "cache");
    dns_trace_cache(trace, DNS_CACHE_FRESH, 49);
    dns_trace_say(trace, "%s", "more");
    dns_trace_end(trace, (const uint8_t *)"abc", 3);
    clock_real();
    assert_int_equal(trace->step_count, 2);
    assert_int_equal(trace->steps[0].at_us, 0);
    assert_string_equal(trace->steps[0].text, "");
    assert_int_equal(trace->steps[1].at_us, 5000);
    assert_string_equal(trace->steps[1].text, "there; 49 bytes; more");
    assert_string_equal(trace->cache, "hit");
    assert_true(atomic_load(&trace->done) && trace->answer_length == 3 && trace->took_us == 5000);
    free(trace);
}

static void the_strongest_verdict_stays(void **state)
{
    (void)state;
    struct dns_trace *trace = dns_trace_new();
    struct verdict none = {.action = ACTION_ALLOW}, logged = {.action = ACTION_LOG, .matched = true},
                   blocked = {.action = ACTION_BLOCK, .matched = true, .indicator = "evil.example", .sources = "bad"};
    dns_trace_step(trace, "decide");
    dns_trace_verdict(trace, MATCH_QNAME, &none);
    assert_false(trace->verdict.matched || trace->blocked);
    dns_trace_verdict(trace, MATCH_CNAME, &blocked);
    dns_trace_verdict(trace, MATCH_ANSWER_IP, &logged);
    dns_trace_verdict(trace, MATCH_QNAME, &none);
    assert_true(trace->blocked && trace->verdict.action == ACTION_BLOCK);
    assert_int_equal(trace->match, MATCH_CNAME);
    assert_non_null(strstr(trace->steps[0].text, "block: cname, by evil.example of bad"));
    free(trace);
}

static void more_than_there_is_room_for_is_cut(void **state)
{
    (void)state;
    struct dns_trace *trace = dns_trace_new();
    for (unsigned i = 0; i < TRACE_MAX_STEPS + 9; i++) {
        dns_trace_step(trace, "step");
        for (unsigned k = 0; k < 40; k++)
            dns_trace_say(trace, "%u and so on", i);
    }
    assert_int_equal(trace->step_count, TRACE_MAX_STEPS);
    for (size_t i = 0; i < trace->step_count; i++)
        assert_int_equal(strlen(trace->steps[i].text), TRACE_TEXT_SIZE - 1);
    free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_keep_their_time_and_what_is_said_of_them),
        cmocka_unit_test(the_strongest_verdict_stays),
        cmocka_unit_test(more_than_there_is_room_for_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
