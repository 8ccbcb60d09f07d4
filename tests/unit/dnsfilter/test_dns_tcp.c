/* The server over real sockets of loopback, with an upstream that lives in the same loop. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "dnsfilter/dns_server.h"
#include "net/udp.h"
#include "tests/replay/replay_policy.h"

enum { PATIENCE_MS = 3000, TCP_IDLE_MS = 300, MAX_TCP_CLIENTS = 4 };

struct world {
    struct loop *loop;
    struct udp *authority; /* answers every question for A, but those that start with "silent" */
    struct upstream *upstream;
    struct dns_cache *cache;
    struct replay_policy *policy;
    struct judge judge;
    struct dns_server *server;
    struct addr addr;
};

static size_t on_question(void *arg, const struct udp_peer *peer, const uint8_t *data, size_t n, uint8_t *reply,
                          size_t reply_size)
{
    (void)arg, (void)peer;
    struct dns_message query;
    if (dns_query_parse(data, n, &query) != ST_OK || query.question.name.wire[0] == 6)
        return 0;
    struct dns_build build = dns_build_response(reply, reply_size, &query, 0);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 60, "\306\63\144\1", 4);
    return dns_build_finish(&build);
}

static int set_up(void **state)
{
    static const struct udp_ops ops = {.on_datagram = on_question};
    struct addr any = addr_v4(0x7f000001, 0);
    struct fault fault = {{0}};
    struct world *world = calloc(1, sizeof *world);
    *state = world;
    world->loop = loop_new();
    assert_non_null(world->loop);
    assert_int_equal(udp_open(world->loop, &any, &ops, world, &world->authority, &fault), ST_OK);
    struct addr server = udp_addr(world->authority);
    struct upstream_settings upstream = {1000, 1, 16};
    struct upstream_address address = upstream_address_plain(&server);
    struct upstream_route all = {.servers = &address, .server_count = 1};
    struct upstream_set *set;
    assert_int_equal(dname_from_text(STR("."), &all.domain), ST_OK);
    assert_int_equal(upstream_set_new(&(struct upstream_set_settings){.routes = &all, .route_count = 1}, &set, &fault),
                     ST_OK);
    assert_int_equal(upstream_new(world->loop, &upstream, set, &world->upstream, &fault), ST_OK);
    upstream_set_unref(set);
    world->cache = dns_cache_new(&(struct dns_cache_settings){1 << 20, 86400, 3600});
    world->policy = replay_policy_new();
    replay_policy_add(world->policy, STR("evil.example"), CATEGORY_C2, 0, STR(""));
    replay_policy_apply(world->policy, &world->judge);
    struct dns_settings settings = {.listen = &any,
                                    .listen_count = 1,
                                    .block_ttl_s = 10,
                                    .query_timeout_ms = 1500,
                                    .tcp_idle_ms = TCP_IDLE_MS,
                                    .max_tcp_clients = MAX_TCP_CLIENTS,
                                    .max_waiting = 1000};
    enum status status = ST_BUSY;
    for (int tries = 0; tries < 20 && status == ST_BUSY; tries++) { /* the port that UDP gets may be taken for TCP */
        fault = (struct fault){{0}};
        status = dns_server_open(world->loop, &settings, &world->judge, world->upstream, world->cache, &world->server,
                                 &fault);
    }
    assert_string_equal(fault.text, "");
    assert_int_equal(status, ST_OK);
    world->addr = dns_server_addr(world->server, 0);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    dns_server_close(world->server);
    upstream_free(world->upstream);
    dns_cache_free(world->cache);
    replay_policy_free(world->policy);
    while (replay_take_callback())
        ;
    udp_close(world->authority);
    loop_free(world->loop);
    free(world);
    return 0;
}

static int open_socket(const struct world *world, int type)
{
    struct sockaddr_storage to;
    socklen_t length = addr_to_sockaddr(&world->addr, &to);
    int fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, length), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Runs the loop until FD can be read, at most MS; whether it can. */
static bool wait_for(const struct world *world, int fd, int64_t ms)
{
    for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        loop_run_once(world->loop, false);
        if (poll(&poll_fd, 1, 1) > 0)
            return true;
    }
    return false;
}

/* Reads exactly N bytes; false at the end of the stream. */
static bool read_bytes(const struct world *world, int fd, uint8_t *out, size_t n)
{
    for (size_t got = 0; got < n;) {
        assert_true(wait_for(world, fd, PATIENCE_MS));
        ssize_t part = read(fd, out + got, n - got);
        if (part == 0 || (part < 0 && errno == ECONNRESET))
            return false;
        assert_true(part > 0);
        got += (size_t)part;
    }
    return true;
}

static size_t add_query(uint8_t *out, const char *name, uint16_t id)
{
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    assert_int_equal(dname_from_text(str_of(name), &question.name), ST_OK);
    struct dns_build build = dns_build_query(out + 2, 512, id, &question, 0);
    size_t n = dns_build_finish(&build);
    out[0] = 0;
    out[1] = (uint8_t)n;
    return n + 2;
}

static void send_query(int fd, const char *name, uint16_t id)
{
    uint8_t query[600];
    size_t n = add_query(query, name, id);
    assert_int_equal(write(fd, query, n), n);
}

/* The id of the next answer; -1: the server closed. */
static int next_answer(const struct world *world, int fd, struct dns_message *message)
{
    uint8_t prefix[2], answer[4096];
    if (!read_bytes(world, fd, prefix, 2))
        return -1;
    size_t n = (size_t)(prefix[0] << 8 | prefix[1]);
    assert_true(n <= sizeof answer && read_bytes(world, fd, answer, n));
    assert_int_equal(dns_response_parse(answer, n, message), ST_OK);
    return message->header.id;
}

static void queries_are_answered_through_upstream_by_udp_and_tcp(void **state)
{
    struct world *world = *state;
    struct dns_message message;
    uint8_t packet[600];
    int udp = open_socket(world, SOCK_DGRAM), tcp = open_socket(world, SOCK_STREAM);
    size_t n = add_query(packet, "www.good.example", 5);
    assert_int_equal(send(udp, packet + 2, n - 2, 0), n - 2);
    assert_true(wait_for(world, udp, PATIENCE_MS));
    ssize_t got = recv(udp, packet, sizeof packet, 0);
    assert_true(got > 0);
    assert_int_equal(dns_response_parse(packet, (size_t)got, &message), ST_OK);
    assert_int_equal(message.header.id, 5);
    assert_int_equal(message.header.ancount, 1);

    send_query(tcp, "www.good.example", 6); /* from the cache now */
    assert_int_equal(next_answer(world, tcp, &message), 6);
    send_query(tcp, "other.good.example", 7);
    assert_int_equal(next_answer(world, tcp, &message), 7);
    assert_int_equal(message.header.ancount, 1);
    assert_int_equal(dns_server_counters(world->server)->cached, 1);
    close(udp);
    close(tcp);
}

static void a_thousand_queries_at_once_are_all_answered(void **state)
{
    struct world *world = *state;
    enum { QUERIES = 1000 };
    static uint8_t bytes[QUERIES * 64];
    static bool seen[QUERIES];
    size_t n = 0, sent = 0;
    for (int i = 0; i < QUERIES; i++)
        n += add_query(bytes + n, i % 2 ? "a.evil.example" : "www.good.example", (uint16_t)i);
    int fd = open_socket(world, SOCK_STREAM);
    struct dns_message message;
    for (int answers = 0; answers < QUERIES; answers++) {
        ssize_t part = write(fd, bytes + sent, n - sent);
        sent += part > 0 ? (size_t)part : 0;
        int id = next_answer(world, fd, &message);
        assert_in_range(id, 0, QUERIES - 1);
        assert_false(seen[id]);
        seen[id] = true;
        assert_int_equal(dns_header_rcode(&message.header), 0);
        while (replay_take_callback())
            ;
    }
    close(fd);
}

static void a_blocked_name_overtakes_a_slow_one(void **state)
{
    struct world *world = *state;
    struct dns_message message;
    int fd = open_socket(world, SOCK_STREAM);
    send_query(fd, "silent.example", 1);
    send_query(fd, "evil.example", 2);
    assert_int_equal(next_answer(world, fd, &message), 2);
    assert_int_equal(next_answer(world, fd, &message), 1);
    assert_int_equal(dns_header_rcode(&message.header), DNS_RCODE_SERVFAIL);
    close(fd);
}

static void a_client_that_sends_no_more_gets_its_answers(void **state)
{
    struct world *world = *state;
    struct dns_message message;
    int fd = open_socket(world, SOCK_STREAM);
    send_query(fd, "www.good.example", 1);
    send_query(fd, "evil.example", 2);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    int first = next_answer(world, fd, &message), second = next_answer(world, fd, &message);
    assert_int_equal(first + second, 3);
    assert_int_equal(next_answer(world, fd, &message), -1);
    close(fd);
}

static void bytes_that_trickle_in_do_not_keep_a_connection(void **state)
{
    struct world *world = *state;
    uint8_t query[600];
    size_t n = add_query(query, "evil.example", 1);
    int fd = open_socket(world, SOCK_STREAM);
    int64_t start = clock_mono_ms();
    for (size_t i = 0; i < n - 1; i++) {
        if (write(fd, query + i, 1) != 1 || wait_for(world, fd, 50))
            break;
    }
    int64_t took = clock_mono_ms() - start;
    assert_true(took >= TCP_IDLE_MS - 50 && took < 3 * TCP_IDLE_MS);
    uint8_t byte;
    assert_false(read_bytes(world, fd, &byte, 1));
    close(fd);
}

static void there_is_a_bound_on_connections(void **state)
{
    struct world *world = *state;
    struct dns_message message;
    int fds[MAX_TCP_CLIENTS + 1];
    for (int i = 0; i < MAX_TCP_CLIENTS; i++) {
        fds[i] = open_socket(world, SOCK_STREAM);
        send_query(fds[i], "evil.example", (uint16_t)i);
        assert_int_equal(next_answer(world, fds[i], &message), i);
    }
    fds[MAX_TCP_CLIENTS] = open_socket(world, SOCK_STREAM);
    assert_int_equal(next_answer(world, fds[MAX_TCP_CLIENTS], &message), -1);
    for (int i = 0; i <= MAX_TCP_CLIENTS; i++)
        close(fds[i]);
}

static void those_who_do_not_hang_up_count_until_they_are_gone(void **state)
{
    struct world *world = *state;
    struct dns_message message;
    int fds[MAX_TCP_CLIENTS];
    for (int i = 0; i < MAX_TCP_CLIENTS; i++) {
        fds[i] = open_socket(world, SOCK_STREAM);
        assert_int_equal(write(fds[i], "\0\1x", 3), 3); /* no message is so short */
        assert_int_equal(next_answer(world, fds[i], &message), -1);
    }
    assert_true(dns_server_idle(world->server));
    int fd = open_socket(world, SOCK_STREAM);
    assert_int_equal(next_answer(world, fd, &message), -1);
    close(fd);
    close(fds[0]);
    for (int i = 0; i < 20; i++)
        loop_run_once(world->loop, false);
    fd = open_socket(world, SOCK_STREAM);
    send_query(fd, "evil.example", 7);
    assert_int_equal(next_answer(world, fd, &message), 7);
    close(fd);
    for (int i = 1; i < MAX_TCP_CLIENTS; i++) /* they linger when the server goes */
        close(fds[i]);
}

static void a_client_that_reads_nothing_is_cut_off(void **state)
{
    struct world *world = *state;
    static uint8_t bytes[64 * 1024];
    size_t n = 0, total = 0;
    while (n + 64 < sizeof bytes)
        n += add_query(bytes + n, "x.evil.example", 1);
    int fd = open_socket(world, SOCK_STREAM);
    /* Megabytes of queries are answered before the buffers are full: with a sanitizer on a busy machine that takes
     * long. */
    for (int64_t end = clock_mono_ms() + 12 * PATIENCE_MS; !dns_server_idle(world->server) || total == 0;) {
        ssize_t part = send(fd, bytes + total % n, n - total % n, MSG_NOSIGNAL);
        total += part > 0 ? (size_t)part : 0;
        loop_run_once(world->loop, false);
        while (replay_take_callback())
            ;
        assert_true(clock_mono_ms() < end);
    }
    assert_true(total < 64 << 20);
    close(fd);
}

static void a_client_that_vanishes_takes_its_queries_along(void **state)
{
    struct world *world = *state;
    int fd = open_socket(world, SOCK_STREAM);
    struct linger reset = {.l_onoff = 1};
    send_query(fd, "silent.example", 1);
    assert_false(wait_for(world, fd, 50));
    assert_false(dns_server_idle(world->server));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(fd);
    for (int64_t end = clock_mono_ms() + 1000; clock_mono_ms() < end && !dns_server_idle(world->server);)
        loop_run_once(world->loop, false);
    assert_true(dns_server_idle(world->server));
}

static void a_drained_server_accepts_nobody_and_ends_what_it_has(void **state)
{
    struct world *world = *state;
    struct dns_message message;
    int idle = open_socket(world, SOCK_STREAM), busy = open_socket(world, SOCK_STREAM);
    send_query(busy, "silent.example", 1);
    assert_false(wait_for(world, busy, 50));
    dns_server_drain(world->server);
    assert_int_equal(next_answer(world, idle, &message), -1);
    assert_int_equal(next_answer(world, busy, &message), 1);
    assert_int_equal(next_answer(world, busy, &message), -1);
    assert_true(dns_server_idle(world->server));
    struct sockaddr_storage to;
    socklen_t length = addr_to_sockaddr(&world->addr, &to);
    int late = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&to, length), -1);
    close(late);
    close(idle);
    close(busy);
}

static void closing_with_queries_under_way_leaks_nothing(void **state)
{
    struct world *world = *state;
    int tcp = open_socket(world, SOCK_STREAM), udp = open_socket(world, SOCK_DGRAM);
    uint8_t packet[600];
    send_query(tcp, "silent.example", 1);
    size_t n = add_query(packet, "silent.site", 2);
    assert_int_equal(send(udp, packet + 2, n - 2, 0), n - 2);
    assert_false(wait_for(world, tcp, 50));
    close(tcp);
    close(udp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queries_are_answered_through_upstream_by_udp_and_tcp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thousand_queries_at_once_are_all_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_blocked_name_overtakes_a_slow_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_sends_no_more_gets_its_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_trickle_in_do_not_keep_a_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_is_a_bound_on_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(those_who_do_not_hang_up_count_until_they_are_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_reads_nothing_is_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_vanishes_takes_its_queries_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_drained_server_accepts_nobody_and_ends_what_it_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_with_queries_under_way_leaks_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
