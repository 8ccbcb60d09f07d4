/* The whole way of a query. Input: two bytes of length, a packet of that length, then what the upstream answers to it
 * as it is. The bits of the length from the top ask by TCP, by TLS, and from far away. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "dnsfilter/dns_server.h"
#include "message/dns_message.h"
#include "tests/replay/fake_net.h"
#include "tests/replay/replay_policy.h"

enum { TCP = 0x80, TLS = 0x40, FAR = 0x20 }; /* in the first byte */

static struct judge judge;
static struct replay_policy *policy;
static struct dns_settings settings;
static const struct addr listen_at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 53};
static const struct network everyone;
static const struct addr page = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 80}};

/* Rules of each kind, whose answers are given: local data, an alias, one with a star. */
static void fill_zone(void *arg, struct source_writer *writer)
{
    static const uint8_t data[] = {0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
    static const uint8_t alias[] = {0, 5, 0, 0, 0, 60, 0, 6, 4, 'g', 'o', 'o', 'd', 0};
    static const uint8_t star[] = {0, 5, 0, 0, 0, 60, 0, 8, 1, '*', 4, 'w', 'a', 'l', 'l', 0};
    static const struct {
        const char *text;
        enum record_trigger trigger;
        enum record_answer answer;
        struct str data;
    } rules[] = {
        {"local.example", TRIGGER_SUBJECT, RECORD_ANSWER_DATA, {(const char *)data, sizeof data}},
        {"garden.example", TRIGGER_SUBJECT, RECORD_ANSWER_DATA, {(const char *)alias, sizeof alias}},
        {"star.example", TRIGGER_SUBJECT, RECORD_ANSWER_DATA, {(const char *)star, sizeof star}},
        {"slow.example", TRIGGER_SUBJECT, RECORD_ANSWER_TCP_ONLY, {0}},
        {"198.51.100.0/24", TRIGGER_SUBJECT, RECORD_ANSWER_DATA, {(const char *)alias, sizeof alias}},
        {"ns.example", TRIGGER_NS_NAME, RECORD_ANSWER_NODATA, {0}},
        {"192.0.2.0/24", TRIGGER_NS_ADDRESS, RECORD_ANSWER_DROP, {0}},
        {"10.0.0.0/8", TRIGGER_CLIENT, RECORD_ANSWER_NXDOMAIN, {0}},
    };
    (void)arg;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct indicator rule = {
            .record = {.trigger = rules[i].trigger, .answer = rules[i].answer, .data = rules[i].data}};
        bool network = network_parse(str_of(rules[i].text), &rule.network) == ST_OK;
        rule.kind = network ? INDICATOR_NETWORK : INDICATOR_NAME;
        CHECK(network || dname_from_text(str_of(rules[i].text), &rule.name) == ST_OK);
        CHECK(source_writer_add(writer, &rule) == ST_OK);
    }
}

static void prepare(void)
{
    clock_fake(1000000, 1700000000000);
    policy = replay_policy_new();
    CHECK(replay_policy_add(policy, STR("evil.example"), CATEGORY_C2, 0, STR("Zeus")));
    CHECK(replay_policy_add(policy, STR("203.0.113.0/24"), CATEGORY_C2, 0, STR("")));
    replay_policy_set_addresses(policy, PART_BLOCK);
    replay_policy_set_zone(policy, true, fill_zone, NULL);
    replay_policy_apply(policy, &judge);
    struct dns_notify_zone zone = {.primary = listen_at};
    CHECK(dname_from_text(STR("rpz.example"), &zone.name) == ST_OK);
    settings = (struct dns_settings){.listen = &listen_at,
                                     .listen_count = 1,
                                     .tls_listen = &listen_at,
                                     .tls_listen_count = 1,
                                     .allow = &everyone,
                                     .allow_count = 1,
                                     .rate_per_s = 1000,
                                     .page = &page,
                                     .page_count = 1,
                                     .block_ttl_s = 10,
                                     .query_timeout_ms = 5000,
                                     .tcp_idle_ms = 10000,
                                     .max_tcp_clients = 4,
                                     .max_waiting = 4,
                                     .notify = dns_notify_new(&zone, 1)};
    CHECK(settings.notify);
}

/* Whatever came in, what goes out is well-formed and within its bounds. */
static void check_sent(void)
{
    for (const struct fake_sent *sent; (sent = fake_take_sent());) {
        struct dns_message message;
        CHECK(sent->tcp >= 0 || sent->length <= DNS_UDP_LIMIT);
        bool notify = (sent->data[2] & 0x78) == DNS_OPCODE_NOTIFY << 3; /* answered by its question and an OPT */
        bool cookie = sent->length > DNS_HEADER_BYTES && !sent->data[4] && !sent->data[5];
        if (cookie) /* alone, without a question */
            CHECK(sent->tcp >= 0 || sent->length <= DNS_HEADER_BYTES + 11 + 4 + 24);
        else if (notify)
            CHECK(sent->length <= DNS_HEADER_BYTES + DNAME_MAX_BYTES + 4 + 11);
        else if (sent->length > DNS_HEADER_BYTES)
            CHECK(dns_response_parse(sent->data, sent->length, &message) == ST_OK);
        else
            CHECK(sent->length == DNS_HEADER_BYTES && sent->data[2] & 0x80);
    }
}

static void ask(unsigned way, const uint8_t *packet, size_t n)
{
    static const struct addr here = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 40000};
    static const struct addr there = {.ip = {[10] = 0xff, 0xff, 203, 0, 113, 9}, .port = 40000};
    const struct addr *from = way & FAR ? &there : &here;
    if (!(way & (TCP | TLS))) {
        fake_datagram(from, packet, n);
        return;
    }
    uint8_t *framed = malloc(n + 2);
    CHECK(framed);
    framed[0] = (uint8_t)(n >> 8);
    framed[1] = (uint8_t)n;
    memcpy(framed + 2, packet, n);
    fake_tcp_send(way & TCP ? fake_tcp_connect(from) : fake_tls_connect(from), framed, n + 2);
    free(framed);
}

enum { ROUNDS = 5, HOUR_MS = 3600000 };

static const struct dns_cache_settings cache_settings = {.max_bytes = 1 << 18,
                                                         .max_ttl_s = 86400,
                                                         .max_negative_ttl_s = 3600,
                                                         .max_failure_ttl_s = 300,
                                                         .stale_s = 86400,
                                                         .stale_ttl_s = 30,
                                                         .prefetch = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!policy)
        prepare();
    if (size < 2 || size > 8192)
        return 0;
    size_t n = (size_t)(data[0] & 0x1f) << 8 | data[1];
    if (n > size - 2)
        n = size - 2;
    struct fault fault = {{0}};
    struct dns_server *server;
    struct dns_cache *cache = dns_cache_new(&cache_settings);
    CHECK(cache && dns_server_open(loop_new(), &settings, &judge, NULL, cache, &server, &fault) == ST_OK);
    for (int round = 0; round < ROUNDS; round++) { /* the second time from the cache, the last ones stale */
        enum status status = round < ROUNDS - 2 ? ST_OK : ST_TIMEOUT;
        clock_fake_advance(round < 2 ? 0 : HOUR_MS);
        ask(data[0], data + 2, n);
        while (fake_queries())
            fake_answer(0, status, data + 2 + n, status == ST_OK ? size - 2 - n : 0);
        fake_run_timers();
    }
    check_sent();
    dns_server_close(server);
    dns_cache_free(cache);
    while (replay_take_callback())
        ;
    fake_reset();
    return 0;
}
