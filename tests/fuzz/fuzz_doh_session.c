/* What a client of DNS over HTTPS sends, behind TLS: HTTP/2 from its preface on, in two pieces. The first byte says
 * where it is cut, in parts of 256. */
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "dnsfilter/dns_server.h"
#include "tests/replay/fake_net.h"
#include "tests/replay/replay_policy.h"

static const struct addr listen_at = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 443};
static const struct addr from = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 40000};
static struct replay_policy *policy;
static struct judge judge;

static void prepare(void)
{
    clock_fake(1000000, 1700000000000);
    policy = replay_policy_new();
    CHECK(replay_policy_add(policy, STR("evil.example"), CATEGORY_C2, 0, STR("Zeus")));
    replay_policy_apply(policy, &judge);
}

static void answer_all(void)
{
    static const uint8_t garbage[12];
    while (fake_queries())
        fake_answer(0, fake_queries() % 2 ? ST_TIMEOUT : ST_OK, garbage, sizeof garbage);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_settings settings = {.https_listen = &listen_at,
                                    .https_listen_count = 1,
                                    .block_ttl_s = 10,
                                    .query_timeout_ms = 5000,
                                    .tcp_idle_ms = 10000,
                                    .max_tcp_clients = 4,
                                    .max_waiting = 4};
    struct fault fault = {{0}};
    struct dns_server *server;
    if (size < 1 || size > 16384)
        return 0;
    if (!policy)
        prepare();
    struct dns_cache *cache = dns_cache_new(&(struct dns_cache_settings){1 << 18, 86400, 3600});
    CHECK(cache && dns_server_open(loop_new(), &settings, &judge, NULL, cache, &server, &fault) == ST_OK);
    size_t first = (size - 1) * data[0] / 256;
    int connection = fake_tcp_connect(&from);
    CHECK(connection >= 0);
    fake_tcp_send(connection, data + 1, first);
    if (data[0] & 1)
        answer_all();
    fake_tcp_send(connection, data + 1 + first, size - 1 - first);
    answer_all();
    if (data[0] & 2)
        fake_tcp_end(connection);
    clock_fake_advance(10000);
    fake_run_timers();
    CHECK(!fake_tcp_open(connection)); /* nobody stays without asking */
    dns_server_close(server);
    dns_cache_free(cache);
    while (replay_take_callback())
        ;
    fake_reset();
    return 0;
}
