/* Two workers with one cache, over a fake network: replays have one worker alone. */
#include "dnsfilter/dns_forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/replay/fake_net.h"

enum { WORKERS = 2 };

static const struct dns_cache_settings settings = {.max_bytes = 1 << 20,
                                                   .max_ttl_s = 86400,
                                                   .max_negative_ttl_s = 3600,
                                                   .max_failure_ttl_s = 300,
                                                   .stale_s = 86400,
                                                   .stale_ttl_s = 30,
                                                   .prefetch = true};
static struct dns_cache *cache;
static struct dns_forwards *workers[WORKERS];

struct client {
    struct dns_waiter waiter;
    unsigned replies;
    enum status status;
    bool failed;
    size_t length;
    int note;
};

static void on_reply(void *arg, const struct dns_reply *reply)
{
    struct client *client = arg;
    client->replies++;
    client->status = reply->status;
    client->failed = reply->failed;
    client->length = reply->length;
    client->note = reply->note.code;
}

/* They may wait to the end of a test, and are told then. */
static struct client clients[4];
static struct dname name;

static struct dns_cache_key key_for(const char *text)
{
    assert_int_equal(dname_from_text(str_of(text), &name), ST_OK);
    return (struct dns_cache_key){.name = &name, .type = DNS_TYPE_A, .class = DNS_CLASS_IN};
}

static enum status ask(struct dns_forwards *forwards, const char *text, struct client *client)
{
    struct dns_cache_key key = key_for(text);
    bool has_stale = client->waiter.has_stale;
    *client = (struct client){.waiter = {.on_reply = on_reply, .arg = client, .has_stale = has_stale}};
    return dns_forward_wait(forwards, &key, &client->waiter);
}

static void refresh(struct dns_forwards *forwards, const char *text)
{
    struct dns_cache_key key = key_for(text);
    dns_forward_refresh(forwards, &key);
}

/* The oldest question gets an address, then what the workers have to tell each other. */
static void answer_oldest(uint32_t ttl_s)
{
    uint8_t response[512];
    struct dns_message query;
    assert_int_equal(dns_query_parse(fake_query(0)->data, fake_query(0)->length, &query), ST_OK);
    struct dns_build build = dns_build_response(response, sizeof response, &query, DNS_RCODE_NOERROR);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, ttl_s, "\300\0\2\1", 4);
    size_t n = dns_build_finish(&build);
    fake_answer(0, ST_OK, response, n);
    fake_run_calls();
}

static void fail_oldest(enum status status)
{
    fake_answer(0, status, NULL, 0);
    fake_run_calls();
}

static void advance(int64_t ms)
{
    clock_fake_advance(ms);
    fake_run_timers();
    fake_run_calls();
}

static int set_up_with(const struct dns_cache_settings *given)
{
    struct dns_forwards_settings forwarding = {.timeout_ms = 5000, .stale_after_ms = 1800, .max_waiting = 1000};
    clock_fake(1000000, 1700000000000);
    memset(clients, 0, sizeof clients);
    cache = dns_cache_new(given);
    assert_non_null(cache);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = dns_forwards_new(loop_new(), NULL, cache, &forwarding);
        assert_non_null(workers[i]);
    }
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with(&settings);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORKERS; i++)
        dns_forwards_free(workers[i]);
    dns_cache_free(cache);
    fake_reset();
    return 0;
}

static void d23_those_who_ask_two_workers_share_one_upstream_query(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "WWW.example", &clients[1]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[2]), ST_OK);
    assert_int_equal(ask(workers[1], "other.example", &clients[3]), ST_OK);
    assert_int_equal(fake_queries_seen, 2);
    answer_oldest(300);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(clients[i].replies, 1);
        assert_int_equal(clients[i].status, ST_OK);
        assert_int_equal(clients[i].length, clients[0].length);
        assert_false(clients[i].failed);
    }
    assert_int_equal(clients[3].replies, 0);
    answer_oldest(300);
    assert_int_equal(clients[3].replies, 1);
    assert_int_equal(fake_queries_seen, 2);
}

static void a_failure_is_shared_too(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    fail_oldest(ST_TIMEOUT);
    assert_int_equal(clients[0].status, ST_TIMEOUT);
    assert_int_equal(clients[1].replies, 1);
    assert_true(clients[1].failed);
    assert_int_equal(clients[1].note, 13);
    assert_int_equal(fake_queries_seen, 1);
}

static void what_is_not_kept_is_asked_by_each_worker(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    answer_oldest(0);
    assert_int_equal(clients[0].replies, 1);
    assert_int_equal(clients[1].replies, 0);
    assert_int_equal(fake_queries(), 1);
    answer_oldest(0);
    assert_int_equal(clients[1].replies, 1);
    assert_int_equal(fake_queries_seen, 2);
}

static void when_those_who_asked_first_leave_the_others_ask(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    dns_forward_leave(workers[0], &clients[0].waiter);
    fake_run_calls();
    assert_int_equal(fake_queries(), 1);
    answer_oldest(300);
    assert_int_equal(clients[0].replies, 0);
    assert_int_equal(clients[1].replies, 1);
}

static void those_who_ask_last_may_leave_and_share_the_first_ones_fate(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    advance(4000);
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    dns_forward_leave(workers[0], &clients[0].waiter);
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    advance(1000); /* nobody has answered: that is kept, too */
    assert_int_equal(clients[1].status, ST_TIMEOUT);
    assert_true(clients[0].failed);
    assert_int_equal(fake_queries(), 0);
    assert_int_equal(fake_queries_seen, 1);
}

static void who_waits_for_another_worker_waits_no_longer_than_for_an_upstream(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    advance(2000);
    assert_int_equal(ask(workers[0], "www.example", &clients[2]), ST_OK); /* keeps it going */
    advance(3000);
    assert_int_equal(clients[0].status, ST_TIMEOUT);
    assert_int_equal(clients[1].status, ST_TIMEOUT);
    assert_int_equal(clients[2].replies, 0);
    answer_oldest(300);
    assert_int_equal(clients[2].status, ST_OK);
}

static void a_worker_may_close_while_others_wait_for_it(void **state)
{
    (void)state;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    dns_forwards_free(workers[0]);
    workers[0] = NULL;
    assert_int_equal(clients[0].status, ST_CLOSED);
    fake_run_calls();
    answer_oldest(300);
    assert_int_equal(clients[1].status, ST_OK);
}

static void who_has_a_stale_answer_does_not_wait_for_another_worker_either(void **state)
{
    (void)state;
    clients[1].waiter.has_stale = true;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    advance(1800);
    assert_int_equal(clients[1].replies, 1);
    assert_true(clients[1].failed);
    assert_int_equal(dns_forwards_waiting(workers[1]), 0);
    answer_oldest(300);
    assert_int_equal(clients[0].status, ST_OK);
    assert_int_equal(fake_queries_seen, 1);
}

static void an_answer_is_renewed_by_one_worker_alone(void **state)
{
    (void)state;
    refresh(workers[0], "www.example");
    refresh(workers[0], "www.example");
    refresh(workers[1], "www.example");
    assert_int_equal(fake_queries_seen, 1);
    assert_int_equal(dns_forwards_waiting(workers[0]), 0);
    assert_int_equal(ask(workers[1], "www.example", &clients[0]), ST_OK);
    assert_int_equal(fake_queries_seen, 1);
    answer_oldest(300);
    assert_int_equal(clients[0].status, ST_OK);
    refresh(workers[1], "www.example"); /* left to the end: closing takes it back */
    assert_int_equal(fake_queries(), 1);
}

static void a_renewal_makes_room_for_a_client(void **state)
{
    (void)state;
    char text[64];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "n%d.example", i);
        refresh(workers[0], text);
    }
    assert_int_equal(fake_queries(), 64);
    fake_upstream_refuses = ST_BUSY;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_BUSY); /* one was given up, which did not help */
    assert_int_equal(fake_queries(), 63);
    fake_upstream_refuses = ST_OK;
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(fake_queries(), 64);
}

static void a_shorter_or_longer_time_holds_for_those_who_wait_too(void **state)
{
    (void)state;
    struct dns_forwards_settings forwarding = {.timeout_ms = 2000, .stale_after_ms = 1800, .max_waiting = 1000};
    assert_int_equal(ask(workers[0], "one.example", &clients[0]), ST_OK);
    advance(1000);
    assert_int_equal(ask(workers[0], "two.example", &clients[1]), ST_OK);
    dns_forwards_set(workers[0], &forwarding);
    advance(999);
    assert_int_equal(clients[0].replies, 0);
    advance(1);
    assert_int_equal(clients[0].replies, 1);
    assert_int_equal(clients[0].status, ST_TIMEOUT);
    assert_int_equal(clients[1].replies, 0);
    forwarding.timeout_ms = 4000;
    dns_forwards_set(workers[0], &forwarding);
    advance(2999);
    assert_int_equal(clients[1].replies, 0);
    advance(1);
    assert_int_equal(clients[1].status, ST_TIMEOUT);
}

static void without_a_cache_each_worker_asks(void **state)
{
    (void)state;
    tear_down(NULL);
    set_up_with(&(struct dns_cache_settings){0});
    assert_int_equal(ask(workers[0], "www.example", &clients[0]), ST_OK);
    assert_int_equal(ask(workers[1], "www.example", &clients[1]), ST_OK);
    assert_int_equal(fake_queries_seen, 2);
    answer_oldest(300);
    answer_oldest(300);
    assert_int_equal(clients[0].replies + clients[1].replies, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(d23_those_who_ask_two_workers_share_one_upstream_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_shorter_or_longer_time_holds_for_those_who_wait_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_shared_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_kept_is_asked_by_each_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(when_those_who_asked_first_leave_the_others_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_who_ask_last_may_leave_and_share_the_first_ones_fate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_for_another_worker_waits_no_longer_than_for_an_upstream, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_worker_may_close_while_others_wait_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_a_stale_answer_does_not_wait_for_another_worker_either, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_answer_is_renewed_by_one_worker_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_renewal_makes_room_for_a_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_cache_each_worker_asks, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
