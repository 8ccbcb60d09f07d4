/* A household's day, with a network and a clock of the test's own: what is asked over and over, what is asked once, an
 * upstream that is late, one that fails, and one that is gone for an hour in the evening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dnsfilter/dns_server.h"
#include "message/dns_message.h"
#include "tests/replay/fake_net.h"
#include "tests/replay/replay_policy.h"

enum {
    DAY_S = 24 * 3600,
    OUTAGE_START_S = 18 * 3600,
    OUTAGE_END_S = 19 * 3600,
    NAMES = 800,
    CLIENTS = 8,
    CACHE_BYTES = 64 << 10, /* too little for all */
    QUERY_TIMEOUT_MS = 5000,
    STALE_AFTER_MS = 1800,
    TURN_MS = 500,
};

enum kind { PLAIN, BLOCKED, NOWHERE };

/* One query that is under way; its id is its place. */
struct asked {
    unsigned name;
    bool waiting;
    int64_t since_ms;
};

static const struct addr here = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 53};
static struct judge judge;
static struct replay_policy *policy;
static struct dns_cache *cache;
static struct dns_server *server;
static struct asked asked[65536];
static uint32_t seed;
static struct {
    unsigned sent, answered, blocked, stale, failed, in_outage, forwarded;
} day;

static unsigned draw(unsigned below)
{
    seed = seed * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)seed * below >> 32);
}

static enum kind kind_of(unsigned name)
{
    return name % 41 == 7 ? BLOCKED : name % 19 == 3 ? NOWHERE : PLAIN;
}

static uint32_t ttl_of(unsigned name)
{
    static const uint32_t ttls[] = {30, 60, 300, 300, 3600, 86400};
    return ttls[name % (sizeof ttls / sizeof ttls[0])];
}

static struct dname name_text(unsigned name)
{
    char text[64];
    struct dname dname;
    snprintf(text, sizeof text, "host%u.%s", name, kind_of(name) == BLOCKED ? "evil.example" : "good.example");
    assert_int_equal(dname_from_text(str_of(text), &dname), ST_OK);
    return dname;
}

static unsigned name_of(const struct dname *dname)
{
    char text[DNAME_TEXT_SIZE];
    dname_to_text(dname, text);
    return (unsigned)strtoul(text + strlen("host"), NULL, 10);
}

/* Few names are asked for often. */
static void ask(uint16_t id)
{
    uint8_t query[512];
    unsigned name = draw(draw(draw(NAMES) + 1) + 1);
    struct dns_question question = {name_text(name), DNS_TYPE_A, DNS_CLASS_IN};
    struct dns_build build = dns_build_query(query, sizeof query, id, &question, 0);
    struct addr client = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, (uint8_t)(1 + draw(CLIENTS))}, .port = 40000};
    assert_false(asked[id].waiting);
    asked[id] = (struct asked){name, true, clock_mono_ms()};
    day.sent++;
    fake_datagram(&client, query, dns_build_finish(&build));
}

static void check_address(const uint8_t *data, size_t n, const struct dns_message *message, unsigned name)
{
    struct dns_walk walk = dns_walk_start(data, n, message);
    struct dns_record record;
    assert_true(dns_walk_next(&walk, &record));
    assert_int_equal(record.type, DNS_TYPE_A);
    assert_true(record.ttl <= ttl_of(name));
    const uint8_t *ip = data + record.rdata_offset;
    assert_int_equal(ip[2] << 8 | ip[3], kind_of(name) == BLOCKED ? 1 : name);
}

static void take_replies(bool outage)
{
    for (const struct fake_sent *reply; (reply = fake_take_sent());) {
        struct dns_message message;
        assert_int_equal(dns_response_parse(reply->data, reply->length, &message), ST_OK);
        struct asked *query = &asked[message.header.id];
        unsigned rcode = dns_header_rcode(&message.header), name = query->name;
        assert_true(query->waiting);
        assert_int_equal(name_of(&message.question.name), name);
        assert_true(clock_mono_ms() - query->since_ms <= QUERY_TIMEOUT_MS + TURN_MS);
        query->waiting = false;
        day.answered++;
        day.in_outage += outage;
        if (kind_of(name) == BLOCKED) {
            day.blocked++;
            assert_int_equal(rcode, 0);
            check_address(reply->data, reply->length, &message, name);
        } else if (rcode == 2) {
            day.failed++;
        } else {
            assert_int_equal(rcode, kind_of(name) == NOWHERE ? 3 : 0);
            if (!rcode)
                check_address(reply->data, reply->length, &message, name);
        }
    }
    while (replay_take_callback())
        ;
}

static void answer_one(bool outage)
{
    static uint8_t out[512];
    const struct fake_query *query = fake_query(0);
    struct dns_message message;
    assert_int_equal(dns_query_parse(query->data, query->length, &message), ST_OK);
    unsigned name = name_of(&message.question.name);
    assert_int_not_equal(kind_of(name), BLOCKED);
    day.forwarded++;
    if (outage || draw(100) == 0) {
        fake_answer(0, outage ? ST_UNAVAILABLE : ST_TIMEOUT, NULL, 0);
        return;
    }
    struct dns_build build = dns_build_response(out, sizeof out, &message, kind_of(name) == NOWHERE ? 3 : 0);
    const uint8_t ip[4] = {198, 51, (uint8_t)(name >> 8), (uint8_t)name};
    uint8_t soa[22] = {[20] = 1, [21] = 44}; /* two root names, and 300 s at the end */
    if (kind_of(name) == NOWHERE)
        dns_build_own_record(&build, DNS_AUTHORITY, DNS_TYPE_SOA, 300, soa, sizeof soa);
    else
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, ttl_of(name), ip, sizeof ip);
    fake_answer(0, ST_OK, out, dns_build_finish(&build));
}

static int set_up(void **state)
{
    (void)state;
    clock_fake(1000000, 1700000000000);
    policy = replay_policy_new();
    assert_true(replay_policy_add(policy, STR("evil.example"), CATEGORY_C2, 0, STR("")));
    replay_policy_apply(policy, &judge);
    cache = dns_cache_new(&(struct dns_cache_settings){.max_bytes = CACHE_BYTES,
                                                       .max_ttl_s = 86400,
                                                       .max_negative_ttl_s = 3600,
                                                       .max_failure_ttl_s = 300,
                                                       .stale_s = 86400,
                                                       .stale_ttl_s = 30,
                                                       .prefetch = true});
    static const struct addr page = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}};
    struct dns_settings settings = {.listen = &here,
                                    .listen_count = 1,
                                    .page = &page,
                                    .page_count = 1,
                                    .block_ttl_s = 10,
                                    .query_timeout_ms = QUERY_TIMEOUT_MS,
                                    .stale_after_ms = STALE_AFTER_MS,
                                    .tcp_idle_ms = 10000,
                                    .max_tcp_clients = 4,
                                    .max_waiting = 1000};
    struct fault fault = {{0}};
    assert_int_equal(dns_server_open(loop_new(), &settings, &judge, NULL, cache, &server, &fault), ST_OK);
    seed = 20261127;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dns_server_close(server);
    dns_cache_free(cache);
    replay_policy_free(policy);
    fake_reset();
    clock_real();
    return 0;
}

/* How many ask within a turn: at night hardly anybody. */
static unsigned busyness(int64_t second)
{
    int64_t hour = second / 3600;
    if (hour < 6)
        return draw(40) == 0;
    return hour >= 17 && hour < 22 ? draw(3) : draw(8) == 0;
}

static void a_day_has_an_answer_to_every_query(void **state)
{
    (void)state;
    uint16_t id = 0;
    for (int64_t ms = 0; ms < (int64_t)DAY_S * 1000; ms += TURN_MS) {
        bool outage = ms >= OUTAGE_START_S * INT64_C(1000) && ms < OUTAGE_END_S * INT64_C(1000);
        for (unsigned n = busyness(ms / 1000); n; n--)
            ask(id++);
        /* Now and then the upstream is late, by a turn or by several. */
        while (fake_queries() && draw(20) != 0)
            answer_one(outage);
        take_replies(outage);
        clock_fake_advance(TURN_MS);
        fake_run_timers();
        take_replies(outage);
        assert_true(dns_cache_counters(cache).bytes <= CACHE_BYTES);
    }
    while (fake_queries())
        answer_one(false);
    clock_fake_advance(QUERY_TIMEOUT_MS);
    fake_run_timers();
    take_replies(false);
    const struct dns_counters *counters = dns_server_counters(server);
    assert_true(dns_server_idle(server));
    assert_true(day.sent > 40000);
    assert_int_equal(day.answered, day.sent);
    assert_int_equal(counters->queries, day.sent);
    assert_int_equal(counters->blocked, day.blocked);
    assert_true(day.blocked > day.sent / 100);
    /* Most come from the cache; in the evening without an upstream hardly one in four goes without an answer. */
    assert_true(day.forwarded < day.sent / 2);
    assert_true(counters->stale > day.in_outage / 10);
    assert_true(day.failed < day.in_outage / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_day_has_an_answer_to_every_query, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
