/* Odd messages that other projects publish, through the whole server: as queries, and as what an upstream answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "dnsfilter/dns_server.h"
#include "message/dns_message.h"
#include "tests/replay/fake_net.h"
#include "tests/replay/replay_policy.h"
#include "tests/unit/message/published.h"

enum { GOOD_EVERY = 100 };

static const char *const folders[] = {"dns/cznic-seed", "dns/bind9-dns_message_parse.in", "dns/c-ares-fuzzinput",
                                      "dns/pdns"};
static const struct addr here = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 53};
static const struct addr client = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 40000};

static struct judge judge;
static struct replay_policy *policy;
static struct dns_cache *cache;
static struct dns_server *server;
static unsigned sent;

static int set_up(void **state)
{
    (void)state;
    clock_fake(1000000, 1700000000000);
    policy = replay_policy_new();
    assert_true(replay_policy_add(policy, STR("evil.example"), CATEGORY_C2, 0, STR("")));
    replay_policy_apply(policy, &judge);
    cache = dns_cache_new(&(struct dns_cache_settings){1 << 20, 86400, 3600});
    struct dns_settings settings = {.listen = &here,
                                    .listen_count = 1,
                                    .page = &here,
                                    .page_count = 1,
                                    .block_ttl_s = 10,
                                    .query_timeout_ms = 5000,
                                    .tcp_idle_ms = 10000,
                                    .max_tcp_clients = 4,
                                    .max_waiting = 100};
    struct fault fault = {{0}};
    assert_int_equal(dns_server_open(loop_new(), &settings, &judge, NULL, cache, &server, &fault), ST_OK);
    sent = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dns_server_close(server);
    dns_cache_free(cache);
    replay_policy_free(policy);
    while (replay_take_callback())
        ;
    fake_reset();
    return 0;
}

/* The replies that are there, each well-formed; returns the length of the last one. */
static size_t take_replies(void)
{
    size_t length = 0;
    for (const struct fake_sent *reply; (reply = fake_take_sent()); length = reply->length) {
        struct dns_message message;
        assert_true(reply->length <= DNS_UDP_LIMIT);
        if (reply->length > DNS_HEADER_BYTES)
            assert_int_equal(dns_response_parse(reply->data, reply->length, &message), ST_OK);
    }
    return length;
}

static size_t query_of(const struct dns_question *question, uint8_t *out, size_t size)
{
    struct dns_build build = dns_build_query(out, size, 1, question, 0);
    return dns_build_finish(&build);
}

static void ask_for_blocked_name(void)
{
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    uint8_t query[512];
    assert_int_equal(dname_from_text(STR("evil.example"), &question.name), ST_OK);
    fake_datagram(&client, query, query_of(&question, query, sizeof query));
    assert_true(take_replies() > DNS_HEADER_BYTES);
    while (replay_take_callback())
        ;
}

static void send_as_query(const char *folder, const char *name)
{
    struct str file = published_file(folder, name);
    if (file.length <= UDP_DATAGRAM_MAX) {
        fake_datagram(&client, (const uint8_t *)file.data, file.length);
        size_t waiting = fake_queries();
        size_t length = take_replies();
        /* What is told at once is no amplifier: it may add an HINFO record, or an SOA record and an extended error. */
        assert_true(length <= file.length + 160);
        while (fake_queries())
            fake_answer(0, ST_UNAVAILABLE, NULL, 0);
        assert_int_equal(take_replies() > 0, waiting > 0);
    }
    if (++sent % GOOD_EVERY == 0)
        ask_for_blocked_name();
    published_free(file);
}

/* Asks what the message seems to answer, and hands it over. */
static void send_as_answer(const char *folder, const char *name)
{
    struct str file = published_file(folder, name);
    struct dns_message message;
    uint8_t query[512];
    const uint8_t *data = (const uint8_t *)file.data;
    if (dns_query_parse(data, file.length, &message) != ST_OK && !message.question_end) {
        message.question = (struct dns_question){.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
        assert_int_equal(dname_from_text(STR("www.example"), &message.question.name), ST_OK);
    }
    fake_datagram(&client, query, query_of(&message.question, query, sizeof query));
    size_t asked = fake_queries();
    while (fake_queries())
        fake_answer(0, ST_OK, data, file.length);
    assert_true(take_replies() > 0 || !asked);
    dns_cache_flush(cache, NULL, true);
    published_free(file);
}

static void each(void (*on_file)(const char *folder, const char *name))
{
    unsigned n = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        n += published_each(folders[i], on_file);
    if (!n)
        skip();
    ask_for_blocked_name();
}

static void published_messages_as_queries_do_no_harm(void **state)
{
    (void)state;
    each(send_as_query);
}

static void published_messages_as_answers_do_no_harm(void **state)
{
    (void)state;
    each(send_as_answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_messages_as_queries_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(published_messages_as_answers_do_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
