#include "net_fixture.h"

#include "message/dns_message.h"
#include "net/upstream.h"

enum { TRY_MS = 150, MAX_SEEN = 1100 };

/* A DNS server at 127.0.0.1 that does as the test bids; it is served by hand, between the rounds of the loop. */
struct fake {
    int udp, tcp, connection; /* -1: closed */
    struct addr addr;
    void (*answer)(struct fake *fake, uint8_t *query, size_t n);
    void (*answer_tcp)(struct fake *fake, uint8_t *query, size_t n);
    struct sockaddr_storage client;
    socklen_t client_length;
    unsigned seen, seen_tcp;
    uint16_t ids[MAX_SEEN], ports[MAX_SEEN];
    unsigned mixed; /* questions with a capital letter */
    unsigned step;  /* of a script with several */
    uint8_t inbox[600];
    size_t inbox_length;
};

static void open_fake(struct fake *fake, void (*answer)(struct fake *, uint8_t *, size_t))
{
    struct addr addr = loopback(0);
    *fake = (struct fake){.answer = answer, .connection = -1};
    for (int tries = 0; tries < 20; tries++) {
        addr.port = 0;
        fake->udp = plain_bound(SOCK_DGRAM, &addr);
        addr = fake->addr = plain_addr(fake->udp);
        struct sockaddr_storage sa;
        socklen_t length = addr_to_sockaddr(&addr, &sa);
        fake->tcp = plain_socket(AF_INET, SOCK_STREAM);
        if (bind(fake->tcp, (struct sockaddr *)&sa, length) == 0 && listen(fake->tcp, 4) == 0)
            return;
        close(fake->udp);
        close(fake->tcp);
    }
    fail_msg("no port that is free for UDP and TCP");
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_fake(struct fake *fake)
{
    close_fd(&fake->udp);
    close_fd(&fake->tcp);
    close_fd(&fake->connection);
}

static void note_query(struct fake *fake, const uint8_t *query)
{
    struct addr from;
    assert_true(addr_from_sockaddr((struct sockaddr *)&fake->client, &from));
    assert_true(fake->seen < MAX_SEEN);
    fake->ids[fake->seen] = (uint16_t)(query[0] << 8 | query[1]);
    fake->ports[fake->seen] = from.port;
    for (size_t i = 13; query[i] && i < 20; i++)
        if (query[i] >= 'A' && query[i] <= 'Z') {
            fake->mixed++;
            break;
        }
    fake->seen++;
}

static void serve_tcp(struct fake *fake)
{
    if (fake->connection < 0)
        fake->connection = accept4(fake->tcp, NULL, NULL, SOCK_NONBLOCK);
    if (fake->connection < 0)
        return;
    ssize_t n = recv(fake->connection, fake->inbox + fake->inbox_length, sizeof fake->inbox - fake->inbox_length, 0);
    if (n == 0) {
        close_fd(&fake->connection);
        return;
    }
    fake->inbox_length += n > 0 ? (size_t)n : 0;
    size_t length = (size_t)fake->inbox[0] << 8 | fake->inbox[1];
    if (fake->inbox_length < 2 || fake->inbox_length < length + 2)
        return;
    fake->seen_tcp++;
    fake->inbox_length = 0;
    fake->answer_tcp(fake, fake->inbox + 2, length);
}

static void serve(struct fake *fake)
{
    uint8_t query[600];
    while (fake->udp >= 0) {
        fake->client_length = sizeof fake->client;
        ssize_t n = recvfrom(fake->udp, query, sizeof query, MSG_DONTWAIT, (struct sockaddr *)&fake->client,
                             &fake->client_length);
        if (n < 12)
            break;
        note_query(fake, query);
        fake->answer(fake, query, (size_t)n);
    }
    if (fake->tcp >= 0) {
        struct timeval none = {.tv_usec = 1};
        setsockopt(fake->tcp, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
        serve_tcp(fake);
    }
}

static void reply(struct fake *fake, const uint8_t *data, size_t n)
{
    sendto(fake->udp, data, n, 0, (struct sockaddr *)&fake->client, fake->client_length);
}

/* A answers to the question, as many as fit into about SIZE bytes; the last has the address 192.0.2.7. */
static size_t make_answer(const uint8_t *query, size_t n, uint8_t *out, size_t size)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7};
    struct dns_message message;
    assert_int_equal(dns_query_parse(query, n, &message), ST_OK);
    size_t at = message.question_end;
    unsigned count = 0;
    memcpy(out, query, at);
    out[2] |= 0x80;
    out[3] = 0x80;
    memset(out + 6, 0, 6);
    do {
        memcpy(out + at, record, sizeof record);
        at += sizeof record;
        count++;
    } while (at + sizeof record <= size);
    out[6] = (uint8_t)(count >> 8);
    out[7] = (uint8_t)count;
    return at;
}

static void answer_well(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    reply(fake, out, make_answer(query, n, out, 0));
}

static void answer_not(struct fake *fake, uint8_t *query, size_t n)
{
    (void)fake, (void)query, (void)n;
}

/* The client's side */

struct client {
    struct upstream *upstream;
    unsigned done_count;
    bool done;
    enum status status;
    uint8_t reply[65535];
    size_t n;
    bool free_upstream, ask_again;
};

static const uint8_t question[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0, 0,   0,   0,   0,   3, 'w', 'W', 'w', 7,
                                   'e',  'x',  'a', 'm', 'p', 'l', 'e', 4, 't', 'e', 's', 't', 0, 0,   1,   0,   1};

static void on_done(void *arg, enum status status, const uint8_t *data, size_t n)
{
    struct client *client = arg;
    client->done_count++;
    client->done = true;
    client->status = status;
    client->n = n;
    if (n)
        memcpy(client->reply, data, n);
    if (client->free_upstream) {
        upstream_free(client->upstream);
        client->upstream = NULL;
    } else if (client->ask_again) {
        client->ask_again = client->done = false;
        assert_int_equal(upstream_query(client->upstream, question, sizeof question, on_done, client), ST_OK);
    }
}

static struct client client; /* one at a time: 64 KiB are too much for some stacks */

static void open_client(struct loop *loop, struct fake *const *fakes, size_t count, unsigned tries, unsigned pending)
{
    struct upstream_address servers[4];
    struct upstream_route all = {.servers = servers, .server_count = count};
    struct upstream_set_settings sets = {.routes = &all, .route_count = 1};
    struct upstream_set *set;
    for (size_t i = 0; i < count; i++)
        servers[i] = upstream_address_plain(&fakes[i]->addr);
    struct upstream_settings settings = {TRY_MS, tries, pending};
    struct fault fault = {0};
    memset(&client, 0, sizeof client);
    assert_int_equal(dname_from_text(STR("."), &all.domain), ST_OK);
    assert_int_equal(upstream_set_new(&sets, &set, &fault), ST_OK);
    assert_int_equal(upstream_new(loop, &settings, set, &client.upstream, &fault), ST_OK);
    upstream_set_unref(set);
}

static void ask(void)
{
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_OK);
    assert_false(client.done);
}

/* Lets loop and servers take turns until the client has its answer; gives how long that took. */
static int64_t wait_for_done(struct loop *loop, struct fake *const *fakes, size_t count)
{
    int64_t start = clock_mono_ms();
    while (!client.done && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        for (size_t i = 0; i < count; i++)
            serve(fakes[i]);
        usleep(200);
    }
    assert_true(client.done);
    return clock_mono_ms() - start;
}

static void expect_answer(void)
{
    assert_int_equal(client.status, ST_OK);
    assert_true(client.n >= sizeof question + 16);
    assert_memory_equal(client.reply, question, 2);
    assert_memory_equal(client.reply + 12, question + 12, sizeof question - 12);
    assert_memory_equal(client.reply + client.n - 4, ((uint8_t[]){192, 0, 2, 7}), 4);
}

static void a_query_goes_out_masked_and_comes_back_as_it_was(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 4);
    for (int i = 0; i < 20; i++) {
        ask();
        wait_for_done(*state, fakes, 1);
        expect_answer();
    }
    assert_int_equal(fake.seen, 20);
    assert_in_range(fake.mixed, 10, 20); /* 7 in 8 expected */
    assert_int_equal(upstream_counters(client.upstream)->queries, 20);
    assert_int_equal(upstream_counters(client.upstream)->replies, 20);
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* Each of these is sent before the right answer. */
static size_t spoil(unsigned way, uint8_t *m, size_t n)
{
    size_t answer = n - 16;
    switch (way) {
    case 0:
        m[0] ^= 1;
        return n; /* another id */
    case 1:
        m[2] &= 0x7f;
        return n; /* QR clear */
    case 2:
        m[2] |= 0x10;
        return n; /* opcode 2 */
    case 3:
        m[5] = 0;
        return n; /* no question */
    case 4:
        m[5] = 2;
        return n; /* two, one of them missing */
    case 5:
        m[14] = '-';
        return n; /* another name */
    case 6:
        m[answer - 3] = 28;
        return n; /* another type */
    case 7:
        m[answer - 1] = 3;
        return n; /* another class */
    case 8:
        m[13] ^= 0x20;
        return n; /* another case */
    case 9:
        return 11; /* shorter than a header */
    case 10:
        return 0; /* empty */
    case 11:
        memset(m, 0xff, n);
        return n; /* garbage */
    case 12:
        return n - 1; /* cut without TC */
    case 13:
        m[n] = 0;
        return n + 1; /* trailing junk */
    case 14:
        m[6] = m[7] = 0xff;
        return n; /* 65,535 answers */
    case 15:
        m[answer + 1] = (uint8_t)answer;
        return n; /* the owner's name points to itself */
    case 16:
        m[answer + 11] = 5;
        return n; /* RDLENGTH past the end */
    case 17:
        m[answer + 11] = 3;
        return n - 1; /* an A record of three bytes */
    default:
        return 0;
    }
}
enum { SPOILT_WAYS = 18 };

static void answer_badly_then_well(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = spoil(fake->step, out, make_answer(query, n, out, 0));
    reply(fake, out, length);
    answer_well(fake, query, n);
}

static void d12_a_wrong_answer_is_dropped_and_the_right_one_awaited(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_badly_then_well);
    open_client(*state, fakes, 1, 1, 4);
    for (fake.step = 0; fake.step < SPOILT_WAYS; fake.step++) {
        ask();
        int64_t took_ms = wait_for_done(*state, fakes, 1);
        expect_answer();
        assert_true(took_ms < TRY_MS);
        assert_int_equal(upstream_counters(client.upstream)->unwanted, fake.step + 1);
    }
    assert_int_equal(fake.seen, SPOILT_WAYS); /* no second try was needed */
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void answer_badly(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    reply(fake, out, spoil(12, out, make_answer(query, n, out, 0)));
}

static void malformed_answers_alone_are_no_answer(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_badly);
    open_client(*state, fakes, 1, 2, 4);
    ask();
    int64_t took_ms = wait_for_done(*state, fakes, 1);
    assert_int_equal(client.status, ST_TIMEOUT);
    assert_in_range(took_ms, 2 * TRY_MS - 2, 4 * TRY_MS);
    assert_int_equal(upstream_counters(client.upstream)->failures, 1);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void answer_large(struct fake *fake, uint8_t *query, size_t n)
{
    static uint8_t out[6000];
    reply(fake, out, make_answer(query, n, out, 4500)); /* over the limit: dropped */
    reply(fake, out, make_answer(query, n, out, 4000));
}

static void a_large_datagram_is_taken_whole(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_large);
    open_client(*state, fakes, 1, 1, 4);
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_in_range(client.n, 3985, 4000);
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 1);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* TCP */

static void answer_truncated(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[2] |= 0x02;
    reply(fake, out, length - 5); /* in the middle of a record, as some servers do */
}

static void send_tcp(struct fake *fake, const uint8_t *message, size_t n, size_t piece)
{
    uint8_t prefix[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    send(fake->connection, prefix, 1, MSG_NOSIGNAL);
    send(fake->connection, prefix + 1, 1, MSG_NOSIGNAL);
    for (size_t at = 0; at < n; at += piece)
        send(fake->connection, message + at, n - at < piece ? n - at : piece, MSG_NOSIGNAL);
}

static void tcp_well(struct fake *fake, uint8_t *query, size_t n)
{
    static uint8_t out[30000];
    size_t length = make_answer(query, n, out, 30000);
    send_tcp(fake, out, length, 7777);
}

static void tcp_small(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    send_tcp(fake, out, make_answer(query, n, out, 0), 600);
}

static void tcp_wrong_id_then_well(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[0] ^= 1;
    send_tcp(fake, out, length, 1);
    out[0] ^= 1;
    send_tcp(fake, out, length, 1);
}

static void tcp_malformed(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[length - 5] = 9; /* RDLENGTH */
    send_tcp(fake, out, length, 600);
}

static void tcp_truncated_again(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[2] |= 0x02;
    send_tcp(fake, out, length, 600);
}

static void tcp_closes(struct fake *fake, uint8_t *query, size_t n)
{
    (void)query, (void)n;
    close_fd(&fake->connection);
}

static void tcp_empty(struct fake *fake, uint8_t *query, size_t n)
{
    (void)query, (void)n;
    send(fake->connection, "\0\0\0\0", 4, MSG_NOSIGNAL);
}

static void a_truncated_answer_is_fetched_over_tcp(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_truncated);
    open_client(*state, fakes, 1, 1, 4);
    fake.answer_tcp = tcp_well;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_in_range(client.n, 29980, 30000);
    assert_int_equal(fake.seen_tcp, 1);
    close_fd(&fake.connection);
    fake.answer_tcp = tcp_wrong_id_then_well;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void an_answer_that_is_bad_over_tcp_fails_the_try(void **state)
{
    static void (*const ways[])(struct fake *, uint8_t *, size_t) = {tcp_malformed, tcp_truncated_again, tcp_closes,
                                                                     tcp_empty};
    for (size_t i = 0; i < 4; i++) {
        struct fake bad, good, *fakes[] = {&bad, &good};
        open_fake(&bad, answer_truncated);
        open_fake(&good, answer_well);
        bad.answer_tcp = ways[i];
        open_client(*state, fakes, 2, 2, 4);
        ask();
        int64_t took_ms = wait_for_done(*state, fakes, 2);
        expect_answer();
        assert_true(took_ms < TRY_MS);
        assert_int_equal(bad.seen_tcp, 1);
        assert_int_equal(good.seen, 1);
        upstream_free(client.upstream);
        close_fake(&bad);
        close_fake(&good);
    }
}

/* Guesses of the id: as many as STEP says, then the answer. */
static void guess_then_answer(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[length - 1] = 66;
    for (unsigned i = 0; i < fake->step; i++) {
        out[0] = (uint8_t)(query[0] + 1 + i);
        reply(fake, out, length);
    }
    answer_well(fake, query, n);
}

static void some_guesses_do_not_hide_the_answer(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, guess_then_answer);
    open_client(*state, fakes, 1, 1, 4);
    fake.step = 15;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 15);
    assert_int_equal(fake.seen_tcp, 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void d12_a_flood_of_guesses_is_left_for_tcp(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, guess_then_answer);
    open_client(*state, fakes, 1, 1, 4);
    fake.answer_tcp = tcp_small;
    fake.step = 150;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 16);
    assert_int_equal(fake.seen_tcp, 1);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* Servers that fail */

static void a_silent_server_is_left_for_the_next_and_then_alone(void **state)
{
    struct fake silent, good, *fakes[] = {&silent, &good};
    open_fake(&silent, answer_not);
    open_fake(&good, answer_well);
    open_client(*state, fakes, 2, 3, 4);
    for (int i = 0; i < 2; i++) {
        ask();
        int64_t took_ms = wait_for_done(*state, fakes, 2);
        expect_answer();
        assert_in_range(took_ms, TRY_MS - 2, 3 * TRY_MS);
    }
    for (int i = 0; i < 5; i++) {
        ask();
        assert_true(wait_for_done(*state, fakes, 2) < TRY_MS);
        expect_answer();
    }
    assert_int_equal(silent.seen, 2);
    upstream_free(client.upstream);
    close_fake(&silent);
    close_fake(&good);
}

static void a_server_that_came_back_is_asked_again(void **state)
{
    struct fake first, second, *fakes[] = {&first, &second};
    open_fake(&first, answer_not);
    open_fake(&second, answer_well);
    open_client(*state, fakes, 2, 3, 4);
    for (int i = 0; i < 3; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
    }
    assert_int_equal(first.seen, 2);
    first.answer = answer_well;
    usleep(1100 * 1000);
    for (int i = 0; i < 3; i++) {
        ask();
        wait_for_done(*state, fakes, 2);
        expect_answer();
    }
    assert_int_equal(first.seen, 5);
    upstream_free(client.upstream);
    close_fake(&first);
    close_fake(&second);
}

static void a_refusing_server_is_left_at_once(void **state)
{
    struct fake dead, good, *fakes[] = {&dead, &good};
    open_fake(&dead, answer_not);
    close_fake(&dead);
    open_fake(&good, answer_well);
    open_client(*state, fakes, 2, 2, 4);
    ask();
    assert_true(wait_for_done(*state, fakes, 2) < TRY_MS / 2);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&good);
}

static void when_all_are_dead_it_fails_within_its_time(void **state)
{
    struct fake silent, dead, *fakes[] = {&silent, &dead};
    open_fake(&silent, answer_not);
    open_fake(&dead, answer_not);
    close_fake(&dead);
    open_client(*state, fakes, 2, 3, 4);
    ask();
    int64_t took_ms = wait_for_done(*state, fakes, 2);
    assert_int_equal(client.status, ST_TIMEOUT);
    assert_in_range(took_ms, 2 * TRY_MS - 4, 3 * TRY_MS);
    assert_int_equal(silent.seen, 2);
    upstream_free(client.upstream);

    open_client(*state, fakes + 1, 1, 3, 4);
    ask();
    assert_true(wait_for_done(*state, fakes, 1) < TRY_MS);
    assert_int_equal(client.status, ST_UNAVAILABLE);
    assert_int_equal(client.n, 0);
    upstream_free(client.upstream);
    close_fake(&silent);
}

static void a_server_that_cannot_even_be_sent_to_fails_from_the_loop(void **state)
{
    struct fake nowhere = {.addr = addr_v4(0xffffffff, 53), .udp = -1, .tcp = -1}, *fakes[] = {&nowhere};
    open_client(*state, fakes, 1, 3, 4);
    ask(); /* connect(2) refuses a broadcast address; nothing is sent */
    wait_for_done(*state, fakes, 0);
    assert_int_equal(client.status, ST_UNAVAILABLE);
    upstream_free(client.upstream);
}

static void answer_in_lower_case(struct fake *fake, uint8_t *query, size_t n)
{
    for (size_t i = 12; i < sizeof question - 4; i++)
        query[i] = (uint8_t)ascii_lower((char)query[i]);
    answer_well(fake, query, n);
}

static uint8_t lower_question[sizeof question];

/* All in small letters, so that the query fits as it is once it goes out unmasked. */
static void ask_in_lower_case(struct loop *loop, struct fake *const *fakes)
{
    memcpy(lower_question, question, sizeof question);
    lower_question[14] = 'w';
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, lower_question, sizeof question, on_done, &client), ST_OK);
    wait_for_done(loop, fakes, 1);
}

static void d14_a_server_that_loses_letter_case_is_asked_by_tcp(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_in_lower_case);
    open_client(*state, fakes, 1, 1, 4);
    fake.answer_tcp = tcp_small;
    for (unsigned i = 0; i < 12; i++) {
        ask_in_lower_case(*state, fakes);
        assert_int_equal(client.status, ST_OK);
        assert_memory_equal(client.reply + 12, lower_question + 12, sizeof question - 12);
    }
    assert_in_range(fake.seen, 3, 5); /* one in 2,048 queries happens to have no capital letter */
    assert_in_range(fake.seen_tcp, 7, 12);
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 3);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void d14_where_tcp_is_dead_it_is_asked_without_mixed_case(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_in_lower_case);
    close_fd(&fake.tcp);
    open_client(*state, fakes, 1, 2, 4);
    for (int i = 0; i < 12; i++)
        ask_in_lower_case(*state, fakes);
    assert_int_equal(client.status, ST_OK);
    fake.mixed = 0;
    for (int i = 0; i < 8; i++) {
        ask_in_lower_case(*state, fakes);
        assert_int_equal(client.status, ST_OK);
    }
    assert_int_equal(fake.mixed, 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void letter_case_is_mixed_again_after_an_hour(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_in_lower_case);
    open_client(*state, fakes, 1, 2, 4);
    fake.answer_tcp = tcp_small;
    for (int i = 0; i < 12; i++)
        ask_in_lower_case(*state, fakes);
    fake.answer = answer_well;
    unsigned seen = fake.seen;
    int64_t now_ms = clock_mono_ms();
    clock_fake(now_ms + 3500 * 1000, 0);
    loop_run_once(*state, false);
    for (int i = 0; i < 8; i++)
        ask_in_lower_case(*state, fakes);
    assert_int_equal(fake.seen, seen);
    clock_fake_advance(101 * 1000);
    loop_run_once(*state, false);
    fake.mixed = 0;
    for (int i = 0; i < 8; i++) {
        ask_in_lower_case(*state, fakes);
        assert_int_equal(client.status, ST_OK);
    }
    assert_true(fake.mixed > 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* Callers */

static void a_cancelled_query_is_not_answered(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 1);
    ask();
    upstream_cancel(client.upstream, &client);
    for (int i = 0; i < 20; i++) {
        serve(&fake);
        loop_run_once(*state, false);
    }
    assert_int_equal(client.done_count, 0);
    ask(); /* its place is free again */
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void over_its_bound_it_is_busy(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 3);
    for (int i = 0; i < 3; i++)
        ask();
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_BUSY);
    while (client.done_count < 3)
        wait_for_done(*state, fakes, 1), client.done = client.done_count == 3;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void freeing_it_answers_all_that_wait(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_not);
    open_client(*state, fakes, 1, 2, 3);
    ask();
    ask();
    upstream_free(client.upstream);
    assert_int_equal(client.done_count, 2);
    assert_int_equal(client.status, ST_CLOSED);
    close_fake(&fake);
}

static void the_answer_may_lead_to_another_query_or_to_the_end(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 1);
    client.ask_again = true;
    ask();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(client.done_count, 2);
    expect_answer();
    client.free_upstream = true;
    ask();
    wait_for_done(*state, fakes, 1);
    assert_null(client.upstream);
    loop_run_once(*state, false);
    close_fake(&fake);
}

static void what_is_no_query_is_refused(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 2, 1);
    assert_int_equal(upstream_query(client.upstream, question, 11, on_done, &client), ST_INVALID);
    assert_int_equal(upstream_query(client.upstream, question, sizeof question - 1, on_done, &client), ST_INVALID);
    uint8_t longer[sizeof question + 9] = {0};
    memcpy(longer, question, sizeof question);
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, longer, sizeof longer, on_done, &client), ST_OK);
    wait_for_done(*state, fakes, 1);
    expect_answer();
    upstream_free(client.upstream);
    close_fake(&fake);
}

static int compare_u16(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static unsigned distinct(uint16_t *values, unsigned count)
{
    unsigned found = 0;
    qsort(values, count, sizeof *values, compare_u16);
    for (unsigned i = 0; i < count; i++)
        found += i == 0 || values[i] != values[i - 1];
    return found;
}

static void ports_and_ids_are_spread(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(*state, fakes, 1, 1, 64);
    unsigned asked = 0;
    while (client.done_count < 1000) {
        while (asked < 1000 && asked - client.done_count < 64) {
            ask();
            asked++;
        }
        loop_run_once(*state, false);
        serve(&fake);
    }
    assert_int_equal(upstream_counters(client.upstream)->replies, 1000);
    assert_int_equal(fake.seen, 1000);
    assert_true(distinct(fake.ids, 1000) > 970);   /* 992 expected of 65,536 */
    assert_true(distinct(fake.ports, 1000) > 950); /* 982 expected of 28,232 */
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void without_servers_a_query_is_unavailable_at_once(void **state)
{
    open_client(*state, NULL, 0, 1, 4);
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_UNAVAILABLE);
    assert_false(client.done);
    upstream_free(client.upstream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_query_goes_out_masked_and_comes_back_as_it_was),
        LOOP_TEST(without_servers_a_query_is_unavailable_at_once),
        LOOP_TEST(d12_a_wrong_answer_is_dropped_and_the_right_one_awaited),
        LOOP_TEST(malformed_answers_alone_are_no_answer),
        LOOP_TEST(some_guesses_do_not_hide_the_answer),
        LOOP_TEST(d12_a_flood_of_guesses_is_left_for_tcp),
        LOOP_TEST(a_large_datagram_is_taken_whole),
        LOOP_TEST(a_truncated_answer_is_fetched_over_tcp),
        LOOP_TEST(an_answer_that_is_bad_over_tcp_fails_the_try),
        LOOP_TEST(a_silent_server_is_left_for_the_next_and_then_alone),
        LOOP_TEST(a_server_that_came_back_is_asked_again),
        LOOP_TEST(a_refusing_server_is_left_at_once),
        LOOP_TEST(when_all_are_dead_it_fails_within_its_time),
        LOOP_TEST(a_server_that_cannot_even_be_sent_to_fails_from_the_loop),
        LOOP_TEST(d14_a_server_that_loses_letter_case_is_asked_by_tcp),
        LOOP_TEST(d14_where_tcp_is_dead_it_is_asked_without_mixed_case),
        LOOP_TEST(letter_case_is_mixed_again_after_an_hour),
        LOOP_TEST(a_cancelled_query_is_not_answered),
        LOOP_TEST(over_its_bound_it_is_busy),
        LOOP_TEST(freeing_it_answers_all_that_wait),
        LOOP_TEST(the_answer_may_lead_to_another_query_or_to_the_end),
        LOOP_TEST(what_is_no_query_is_refused),
        LOOP_TEST(ports_and_ids_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
