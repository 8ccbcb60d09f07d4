/* What the tests of upstreams share: DNS servers that do as the test bids, and one who asks them. */
#pragma once

#include "net_fixture.h"

#include "message/dns_message.h"
#include "net/upstream.h"

enum { TRY_MS = 150, MAX_SEEN = 10000 };

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
    uint8_t held[600]; /* the last query of hold_query() */
    size_t held_length;
};

static inline void open_fake(struct fake *fake, void (*answer)(struct fake *, uint8_t *, size_t))
{
    struct addr addr = loopback(0);
    *fake = (struct fake){.answer = answer, .connection = -1};
    for (int tries = 0; tries < 20; tries++) {
        addr.port = 0;
        fake->udp = plain_bound(SOCK_DGRAM, &addr);
        addr = fake->addr = plain_addr(fake->udp);
        struct sockaddr_storage sa;
        socklen_t length = addr_to_sockaddr(&addr, &sa);
        fake->tcp = plain_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
        if (bind(fake->tcp, (struct sockaddr *)&sa, length) == 0 && listen(fake->tcp, 4) == 0)
            return;
        close(fake->udp);
        close(fake->tcp);
    }
    fail_msg("no port that is free for UDP and TCP");
}

static inline void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline void close_fake(struct fake *fake)
{
    close_fd(&fake->udp);
    close_fd(&fake->tcp);
    close_fd(&fake->connection);
}

static inline void note_query(struct fake *fake, const uint8_t *query)
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

static inline void serve_tcp(struct fake *fake)
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

static inline void serve(struct fake *fake)
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
    if (fake->tcp >= 0)
        serve_tcp(fake);
}

static inline void reply(struct fake *fake, const uint8_t *data, size_t n)
{
    sendto(fake->udp, data, n, 0, (struct sockaddr *)&fake->client, fake->client_length);
}

/* A answers to the question, as many as fit into about SIZE bytes; the last has the address 192.0.2.7. */
static inline size_t make_answer(const uint8_t *query, size_t n, uint8_t *out, size_t size)
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

static inline void answer_well(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    reply(fake, out, make_answer(query, n, out, 0));
}

/* The same answer with an OPT record, which has a COOKIE option of COOKIE_LENGTH bytes where that is not 0. */
static inline size_t make_edns_answer(const uint8_t *query, size_t n, uint8_t *out, unsigned rcode,
                                      const uint8_t *cookie, size_t cookie_length)
{
    size_t at = make_answer(query, n, out, 0);
    struct wire wire = wire_into(out + at, 100);
    wire_u8(&wire, 0);
    wire_u16(&wire, DNS_TYPE_OPT);
    wire_u16(&wire, 1232);
    wire_u32(&wire, rcode >> 4 << 24);
    wire_u16(&wire, (uint16_t)(cookie_length ? 4 + cookie_length : 0));
    if (cookie_length) {
        wire_u16(&wire, 10);
        wire_u16(&wire, (uint16_t)cookie_length);
        wire_bytes(&wire, cookie, cookie_length);
    }
    assert_false(wire.failed);
    out[3] |= rcode & 15;
    out[11] = 1;
    return at + wire_length(&wire);
}

/* The COOKIE option of a query; its length is 0 where there is none. */
static inline struct str cookie_of(const uint8_t *query, size_t n)
{
    struct dns_message message;
    assert_int_equal(dns_query_parse(query, n, &message), ST_OK);
    struct cursor cursor = cursor_over(message.edns.options.data, message.edns.options.length);
    while (cursor_left(&cursor)) {
        uint16_t code = cursor_u16(&cursor), length = cursor_u16(&cursor);
        const uint8_t *bytes = cursor_bytes(&cursor, length);
        if (code == 10)
            return (struct str){(const char *)bytes, length};
    }
    return (struct str){0};
}

static inline bool has_edns(const uint8_t *query, size_t n)
{
    struct dns_message message;
    assert_int_equal(dns_query_parse(query, n, &message), ST_OK);
    return message.edns.present;
}

static inline void hold_query(struct fake *fake, uint8_t *query, size_t n)
{
    memcpy(fake->held, query, n);
    fake->held_length = n;
}

static inline void answer_not(struct fake *fake, uint8_t *query, size_t n)
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

static const uint8_t edns_question[] = {0x12, 0x34, 1,   0,   0,   1,   0,    0,   0,   0, 0,   1,   3,   'w', 'W',
                                        'w',  7,    'e', 'x', 'a', 'm', 'p',  'l', 'e', 4, 't', 'e', 's', 't', 0,
                                        0,    1,    0,   1,   0,   0,   0x29, 4,   208, 0, 0,   0,   0,   0,   0};

static inline void on_done(void *arg, enum status status, const uint8_t *data, size_t n)
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
static int64_t try_ms = TRY_MS;
static enum upstream_mode mode;

static inline void use_servers(struct upstream_set **set, struct fake *const *fakes, size_t count)
{
    struct upstream_address servers[4];
    struct upstream_route all = {.servers = servers, .server_count = count};
    struct upstream_set_settings settings = {.mode = mode, .routes = &all, .route_count = 1};
    struct fault fault = {0};
    for (size_t i = 0; i < count; i++)
        servers[i] = upstream_address_plain(&fakes[i]->addr);
    assert_int_equal(dname_from_text(STR("."), &all.domain), ST_OK);
    assert_int_equal(upstream_set_new(&settings, set, &fault), ST_OK);
}

static inline void open_client(struct loop *loop, struct fake *const *fakes, size_t count, unsigned tries,
                               unsigned pending)
{
    struct upstream_set *set;
    struct upstream_settings settings = {try_ms, tries, pending};
    struct fault fault = {0};
    memset(&client, 0, sizeof client);
    clock_fake(1000000, 0);
    loop_run_once(loop, false); /* takes the time */
    use_servers(&set, fakes, count);
    assert_int_equal(upstream_new(loop, &settings, set, &client.upstream, &fault), ST_OK);
    upstream_set_unref(set);
}

static inline void ask(void)
{
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, question, sizeof question, on_done, &client), ST_OK);
    assert_false(client.done);
}

static inline void ask_with_edns(void)
{
    client.done = false;
    assert_int_equal(upstream_query(client.upstream, edns_question, sizeof edns_question, on_done, &client), ST_OK);
}

/* Lets loop and servers take turns until the client has its answer; gives how long that took. */
static inline int64_t wait_for_done(struct loop *loop, struct fake *const *fakes, size_t count)
{
    int64_t start = clock_mono_ms();
    while (!client.done && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        for (size_t i = 0; i < count; i++)
            serve(fakes[i]);
        pass_time();
    }
    assert_true(client.done);
    return clock_mono_ms() - start;
}

static inline void expect_answer(void)
{
    assert_int_equal(client.status, ST_OK);
    assert_true(client.n >= sizeof question + 16);
    assert_memory_equal(client.reply, question, 2);
    assert_memory_equal(client.reply + 12, question + 12, sizeof question - 12);
    assert_memory_equal(client.reply + client.n - 4, ((uint8_t[]){192, 0, 2, 7}), 4);
}
