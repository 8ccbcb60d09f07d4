/* Connections to a server by TCP and TLS, with the server served by hand. */
#include "tls_fixture.h"

#include "message/dns_message.h"
#include "net/upstream.h"
#include "net/upstream_pool.h"

enum { MAX_QUERIES = 200, MAX_CONNECTIONS = 8 };

/* A server that takes connections and leaves the rest to the test. */
struct server {
    int listener;
    struct addr addr;
    struct peer {
        int fd; /* -1: closed */
        uint8_t inbox[MAX_QUERIES * 64];
        size_t length;
    } peers[MAX_CONNECTIONS];
    size_t count;
};
static struct server server;

static void open_server(void)
{
    server.addr = loopback(0);
    server.listener = plain_bound(SOCK_STREAM | SOCK_NONBLOCK, &server.addr);
    server.addr = plain_addr(server.listener);
    server.count = 0;
    assert_int_equal(listen(server.listener, 16), 0);
}

static void hang_up(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

static void close_server(void)
{
    for (size_t i = 0; i < server.count; i++)
        hang_up(&server.peers[i]);
    close(server.listener);
}

static void serve(void)
{
    int fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd >= 0) {
        assert_true(server.count < MAX_CONNECTIONS);
        server.peers[server.count++] = (struct peer){.fd = fd};
    }
    for (size_t i = 0; i < server.count; i++) {
        struct peer *peer = &server.peers[i];
        if (peer->fd < 0)
            continue;
        ssize_t n = recv(peer->fd, peer->inbox + peer->length, sizeof peer->inbox - peer->length, 0);
        if (n == 0)
            hang_up(peer);
        peer->length += n > 0 ? (size_t)n : 0;
    }
}

/* The INDEXth query that has come on a connection. */
static const uint8_t *received(const struct peer *peer, size_t index, size_t *n)
{
    struct cursor cursor = cursor_over(peer->inbox, peer->length);
    for (;; index--) {
        *n = cursor_u16(&cursor);
        const uint8_t *message = cursor_bytes(&cursor, *n);
        if (!message || !index)
            return message;
    }
}

static size_t received_count(const struct peer *peer)
{
    size_t count = 0, n;
    while (received(peer, count, &n))
        count++;
    return count;
}

/* Sends the query back as an answer. */
static void answer(struct peer *peer, size_t index)
{
    uint8_t out[600];
    size_t n;
    const uint8_t *query = received(peer, index, &n);
    assert_non_null(query);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    memcpy(out + 2, query, n);
    out[4] |= 0x80;
    assert_int_equal(send(peer->fd, out, n + 2, MSG_NOSIGNAL), n + 2);
}

/* The client's side */

struct asked {
    struct pool_query query;
    struct query_mask mask;
    bool answered, failed, free_pool;
    enum status status;
};
static struct asked asked[MAX_QUERIES];
static struct upstream_pool *pool;
static struct upstream_address address;
static struct random_pool numbers;
static uint64_t unwanted;
static uint8_t reply[DNS_MESSAGE_MAX];
static unsigned done_count;

static void on_message(void *arg, size_t n)
{
    struct asked *a = arg;
    assert_int_equal(n, a->mask.length);
    assert_memory_equal(reply, a->mask.bytes, 2);
    assert_memory_equal(reply + 12, a->mask.bytes + 12, n - 12);
    a->answered = true;
    done_count++;
    if (a->free_pool) {
        for (size_t i = 0; i < MAX_QUERIES; i++)
            upstream_pool_cancel(pool, &asked[i].query);
        upstream_pool_free(pool);
        pool = NULL;
    }
}

static void on_failed(void *arg, enum status status)
{
    struct asked *a = arg;
    assert_false(a->answered || a->failed);
    a->failed = true;
    a->status = status;
    done_count++;
}

static void open_pool(struct loop *loop)
{
    address = upstream_address_plain(&server.addr);
    struct upstream_pool_settings settings = {.loop = loop,
                                              .address = &address,
                                              .random = &numbers,
                                              .connect_timeout_ms = 1000,
                                              .idle_ms = 10000,
                                              .unwanted = &unwanted,
                                              .reply = reply};
    clock_fake(1000000, 0);
    loop_run_once(loop, false); /* takes the time */
    memset(asked, 0, sizeof asked);
    unwanted = 0;
    done_count = 0;
    pool = upstream_pool_new(&settings);
    assert_non_null(pool);
}

/* Asks for a name of its own. */
static struct asked *ask(size_t index)
{
    struct asked *a = &asked[index];
    struct dns_question question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    struct query_original original;
    char name[32];
    uint8_t query[100];
    snprintf(name, sizeof name, "n%zu.example", index);
    assert_int_equal(dname_from_text(str_of(name), &question.name), ST_OK);
    struct dns_build build = dns_build_query(query, sizeof query, 0, &question, 0);
    assert_int_equal(query_original_set(&original, query, dns_build_finish(&build)), ST_OK);
    *a = (struct asked){.query = {.mask = &a->mask, .on_message = on_message, .on_failed = on_failed, .arg = a}};
    query_mask_draw(&a->mask, &original, &numbers, &(struct query_style){0});
    upstream_pool_send(pool, &a->query);
    assert_false(a->answered || a->failed);
    return a;
}

static void turn(struct loop *loop)
{
    loop_run_once(loop, false);
    serve();
    pass_time();
}

/* Until N queries are answered or have failed. */
static void turn_until_done(struct loop *loop, unsigned n)
{
    int64_t start = clock_mono_ms();
    while (done_count < n && clock_mono_ms() - start < 3000)
        turn(loop);
    assert_int_equal(done_count, n);
}

/* Until connection INDEX has got N queries. */
static struct peer *turn_until_received(struct loop *loop, size_t index, size_t n)
{
    for (int i = 0; i < 100000 && (server.count <= index || received_count(&server.peers[index]) < n); i++)
        turn(loop);
    assert_true(server.count > index);
    assert_int_equal(received_count(&server.peers[index]), n);
    return &server.peers[index];
}

static void done(void)
{
    for (size_t i = 0; i < MAX_QUERIES && pool; i++)
        upstream_pool_cancel(pool, &asked[i].query);
    upstream_pool_free(pool);
    close_server();
}

static void many_queries_share_a_connection_and_are_answered_in_any_order(void **state)
{
    open_server();
    open_pool(*state);
    for (size_t i = 0; i < 10; i++)
        ask(i);
    struct peer *peer = turn_until_received(*state, 0, 10);
    for (size_t i = 10; i-- > 0;)
        answer(peer, i);
    turn_until_done(*state, 10);
    for (size_t i = 0; i < 10; i++)
        assert_true(asked[i].answered);
    ask(10); /* later, on the same */
    answer(turn_until_received(*state, 0, 11), 10);
    turn_until_done(*state, 11);
    assert_int_equal(server.count, 1);
    assert_int_equal(unwanted, 0);
    done();
}

static void two_queries_on_a_connection_never_have_the_same_id(void **state)
{
    open_server();
    open_pool(*state);
    ask(0);
    turn_until_received(*state, 0, 1);
    for (size_t i = 1; i < 50; i++) {
        ask(i);
        upstream_pool_cancel(pool, &asked[i].query);
        memcpy(asked[i].mask.bytes, asked[0].mask.bytes, 2);
        upstream_pool_send(pool, &asked[i].query);
        assert_memory_not_equal(asked[i].mask.bytes, asked[0].mask.bytes, 2);
    }
    done();
}

static void over_64_a_second_connection_is_made_and_then_they_wait(void **state)
{
    open_server();
    open_pool(*state);
    for (size_t i = 0; i < 140; i++)
        ask(i);
    turn_until_received(*state, 0, 64);
    struct peer *second = turn_until_received(*state, 1, 64);
    for (int i = 0; i < 100; i++)
        turn(*state);
    assert_int_equal(server.count, 2);
    answer(second, 0);
    answer(second, 1);
    turn_until_received(*state, 1, 66);
    assert_int_equal(done_count, 2);
    done();
}

static void a_query_on_a_connection_that_had_served_and_closed_is_sent_once_more(void **state)
{
    open_server();
    open_pool(*state);
    ask(0);
    answer(turn_until_received(*state, 0, 1), 0);
    turn_until_done(*state, 1);
    ask(1);
    hang_up(turn_until_received(*state, 0, 2));
    answer(turn_until_received(*state, 1, 1), 0);
    turn_until_done(*state, 2);
    assert_true(asked[1].answered);
    ask(2);
    ask(3);
    turn_until_received(*state, 1, 3);
    hang_up(&server.peers[1]);
    turn_until_received(*state, 2, 2);
    hang_up(&server.peers[2]); /* it has not served: they are not sent for ever */
    turn_until_done(*state, 4);
    assert_int_equal(asked[2].status, ST_CLOSED);
    assert_int_equal(asked[3].status, ST_CLOSED);
    done();
}

static void a_connection_that_closes_unused_fails_its_queries(void **state)
{
    open_server();
    open_pool(*state);
    ask(0);
    hang_up(turn_until_received(*state, 0, 1));
    turn_until_done(*state, 1);
    assert_int_equal(asked[0].status, ST_CLOSED);
    assert_int_equal(server.count, 1);
    done();
}

static void after_a_refusal_it_is_left_alone_for_a_while(void **state)
{
    open_server();
    close(server.listener);
    open_pool(*state);
    ask(0);
    while (!done_count)
        loop_run_once(*state, false);
    assert_int_equal(asked[0].status, ST_UNAVAILABLE);
    server.listener = plain_bound(SOCK_STREAM | SOCK_NONBLOCK, &server.addr);
    assert_int_equal(listen(server.listener, 16), 0);
    clock_fake_advance(99);
    loop_run_once(*state, false);
    ask(1);
    while (done_count < 2)
        loop_run_once(*state, false);
    assert_int_equal(asked[1].status, ST_UNAVAILABLE);
    assert_int_equal(server.count, 0);
    clock_fake_advance(1);
    loop_run_once(*state, false);
    ask(2);
    answer(turn_until_received(*state, 0, 1), 0);
    while (done_count < 3)
        turn(*state);
    assert_true(asked[2].answered);
    done();
}

static void d19_broken_framing_ends_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum status status;
    } cases[] = {{"\0\0", 2, ST_INVALID}, {"\0\13aaaaaaaaaaa", 13, ST_INVALID}, {"\1\0aaa", 5, ST_CLOSED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_server();
        open_pool(*state);
        ask(0);
        struct peer *peer = turn_until_received(*state, 0, 1);
        assert_int_equal(send(peer->fd, cases[i].bytes, cases[i].n, 0), cases[i].n);
        if (cases[i].status == ST_CLOSED) /* in the middle of a message */
            hang_up(peer);
        turn_until_done(*state, 1);
        assert_int_equal(asked[0].status, cases[i].status);
        done();
    }
}

static void d19_a_message_may_come_byte_by_byte(void **state)
{
    uint8_t out[100];
    size_t n;
    open_server();
    open_pool(*state);
    ask(0);
    struct peer *peer = turn_until_received(*state, 0, 1);
    memcpy(out + 2, received(peer, 0, &n), 64);
    out[0] = 0;
    out[1] = (uint8_t)n;
    out[4] |= 0x80;
    for (size_t i = 0; i < n + 2; i++) {
        assert_int_equal(send(peer->fd, out + i, 1, 0), 1);
        turn(*state);
    }
    turn_until_done(*state, 1);
    assert_true(asked[0].answered);
    done();
}

static void answers_to_nothing_are_counted_and_too_many_end_the_connection(void **state)
{
    open_server();
    open_pool(*state);
    ask(0);
    ask(1);
    struct peer *peer = turn_until_received(*state, 0, 2);
    upstream_pool_cancel(pool, &asked[0].query);
    for (int i = 0; i < 100; i++)
        answer(peer, 0);
    answer(peer, 1);
    turn_until_done(*state, 1);
    assert_int_equal(unwanted, 100);
    ask(2);
    turn_until_received(*state, 0, 3);
    for (int i = 0; i < 300; i++)
        answer(peer, 0);
    turn_until_done(*state, 2);
    assert_int_equal(asked[2].status, ST_INVALID);
    done();
}

static void a_connection_where_nothing_comes_any_more_is_left(void **state)
{
    open_server();
    open_pool(*state);
    ask(0);
    answer(turn_until_received(*state, 0, 1), 0);
    turn_until_done(*state, 1);
    ask(1);
    ask(2);
    turn_until_received(*state, 0, 3);
    upstream_pool_note_late(&asked[1].query);
    answer(&server.peers[0], 2); /* it is slow with that name alone */
    turn_until_done(*state, 2);
    ask(3);
    turn_until_received(*state, 0, 4);
    upstream_pool_note_late(&asked[1].query);
    upstream_pool_note_late(&asked[3].query);
    ask(4);
    turn_until_received(*state, 1, 1);
    answer(&server.peers[0], 1); /* what comes late is taken all the same */
    turn_until_done(*state, 3);
    assert_true(asked[1].answered);
    upstream_pool_cancel(pool, &asked[3].query);
    while (server.peers[0].fd >= 0) /* it was the last on the old connection */
        turn(*state);
    done();
}

static void the_pool_may_be_freed_when_an_answer_comes(void **state)
{
    open_server();
    open_pool(*state);
    for (size_t i = 0; i < 3; i++)
        ask(i);
    asked[0].free_pool = true;
    struct peer *peer = turn_until_received(*state, 0, 3);
    for (size_t i = 0; i < 3; i++)
        answer(peer, i);
    turn_until_done(*state, 1);
    assert_null(pool);
    loop_run_once(*state, false);
    done();
}

/* TLS, through the upstream that uses it */

static struct test_ca ca;
static struct tls_fake tls;

struct client {
    bool done;
    enum status status;
};

static void on_done(void *arg, enum status status, const uint8_t *data, size_t n)
{
    struct client *client = arg;
    client->done = true;
    client->status = status;
    assert_true(status != ST_OK || (n > 12 && data));
}

static struct upstream *open_upstream(struct loop *loop, const char *name)
{
    struct upstream_address servers[1] = {{.transport = UPSTREAM_TLS, .addr = tls.addr}};
    struct upstream_route all = {.servers = servers, .server_count = 1};
    struct upstream_set_settings settings = {.routes = &all, .route_count = 1, .ca_file = ca.path};
    struct upstream_settings limits = {1000, 1, 10};
    struct upstream_set *set;
    struct upstream *upstream;
    struct fault fault = {0};
    clock_fake(1000000, 0);
    loop_run_once(loop, false); /* takes the time */
    snprintf(servers[0].host, sizeof servers[0].host, "%s", name);
    assert_int_equal(dname_from_text(STR("."), &all.domain), ST_OK);
    assert_int_equal(upstream_set_new(&settings, &set, &fault), ST_OK);
    assert_int_equal(upstream_new(loop, &limits, set, &upstream, &fault), ST_OK);
    upstream_set_unref(set);
    return upstream;
}

/* Answers what is in the inbox; every query must be padded (RFC 8467 section 4.1). */
static void serve_dot(void)
{
    serve_tls(&tls);
    while (tls.inbox_length >= 2) {
        size_t n = (size_t)tls.inbox[0] << 8 | tls.inbox[1];
        if (tls.inbox_length < n + 2)
            return;
        assert_int_equal(n % 128, 0);
        tls.inbox[4] |= 0x80;
        assert_int_equal(SSL_write(tls.ssl, tls.inbox, (int)n + 2), n + 2);
        tls.inbox_length -= n + 2;
        memmove(tls.inbox, tls.inbox + n + 2, tls.inbox_length);
    }
}

static enum status ask_by_tls(struct loop *loop, struct upstream *upstream)
{
    static const uint8_t query[] = {0,   7, 0, 0, 0, 1, 0, 0, 0,    0, 0,   1, 1, 'a', 4, 't', 'e', 's',
                                    't', 0, 0, 1, 0, 1, 0, 0, 0x29, 4, 208, 0, 0, 0,   0, 0,   0};
    struct client client = {0};
    assert_int_equal(upstream_query(upstream, query, sizeof query, on_done, &client), ST_OK);
    int64_t start = clock_mono_ms();
    while (!client.done && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        serve_dot();
        pass_time();
    }
    assert_true(client.done);
    return client.status;
}

static void queries_over_tls_are_padded_and_share_a_connection(void **state)
{
    open_tls_fake(&tls, server_context(&ca, "DNS:dns.example", 3600));
    struct upstream *upstream = open_upstream(*state, "dns.example");
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_by_tls(*state, upstream), ST_OK);
    assert_int_equal(tls.accepted, 1);
    assert_string_equal(tls.alpn, "dot");
    drop_tls_connection(&tls);
    assert_int_equal(ask_by_tls(*state, upstream), ST_OK);
    assert_int_equal(tls.accepted, 2);
    assert_int_equal(tls.resumed, 1);
    upstream_free(upstream);
    close_tls_fake(&tls);
}

static void a_server_that_is_not_believed_is_not_asked(void **state)
{
    open_tls_fake(&tls, server_context(&ca, "DNS:other.example", 3600));
    struct upstream *upstream = open_upstream(*state, "dns.example");
    assert_int_equal(ask_by_tls(*state, upstream), ST_UNAVAILABLE);
    assert_int_equal(ask_by_tls(*state, upstream), ST_UNAVAILABLE);
    assert_int_equal(tls.accepted, 1); /* it is left alone for a while */
    upstream_free(upstream);
    close_tls_fake(&tls);
}

static int make_ca(void **state)
{
    (void)state;
    open_ca(&ca);
    return 0;
}

static int forget_ca(void **state)
{
    (void)state;
    close_ca(&ca);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(many_queries_share_a_connection_and_are_answered_in_any_order),
        LOOP_TEST(two_queries_on_a_connection_never_have_the_same_id),
        LOOP_TEST(over_64_a_second_connection_is_made_and_then_they_wait),
        LOOP_TEST(a_query_on_a_connection_that_had_served_and_closed_is_sent_once_more),
        LOOP_TEST(a_connection_that_closes_unused_fails_its_queries),
        LOOP_TEST(after_a_refusal_it_is_left_alone_for_a_while),
        LOOP_TEST(d19_broken_framing_ends_the_connection),
        LOOP_TEST(d19_a_message_may_come_byte_by_byte),
        LOOP_TEST(answers_to_nothing_are_counted_and_too_many_end_the_connection),
        LOOP_TEST(a_connection_where_nothing_comes_any_more_is_left),
        LOOP_TEST(the_pool_may_be_freed_when_an_answer_comes),
        LOOP_TEST(queries_over_tls_are_padded_and_share_a_connection),
        LOOP_TEST(a_server_that_is_not_believed_is_not_asked),
    };
    return cmocka_run_group_tests(tests, make_ca, forget_ca);
}
