/* One query at one server, and those who would like to answer in its place. */
#include "upstream_fixture.h"

#include "net/upstream_try.h"

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
    assert_int_equal(client.status, ST_INVALID);
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

static void d18_a_truncated_answer_is_fetched_over_tcp(void **state)
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

static void d19_an_answer_that_is_bad_over_tcp_fails_the_try(void **state)
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

/* Letter case */

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
    clock_fake_advance(3500 * 1000);
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

/* Ids and ports */

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

/* How far the values' low bytes are from a uniform draw: about 255, and over 400 less than once in 10^8 runs. */
static double chi_square(const uint16_t *values, unsigned count)
{
    unsigned buckets[256] = {0};
    double sum = 0, expected = count / 256.0;
    for (unsigned i = 0; i < count; i++)
        buckets[values[i] & 0xff]++;
    for (unsigned i = 0; i < 256; i++)
        sum += (buckets[i] - expected) * (buckets[i] - expected) / expected;
    return sum;
}

/* How many different ones COUNT draws of RANGE values have. */
static double expected_distinct(double range, unsigned count)
{
    double left = 1;
    for (unsigned i = 0; i < count; i++)
        left *= 1 - 1 / range;
    return range * (1 - left);
}

static double port_range(void)
{
    double low = 32768, high = 60999;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    if (file && fscanf(file, "%lf %lf", &low, &high) != 2)
        fail_msg("the range of ports can't be read");
    if (file)
        fclose(file);
    return high - low + 1;
}

/* Asks COUNT queries, at most AT_ONCE together. */
static void expect_spread(struct loop *loop, unsigned count, unsigned at_once)
{
    static struct fake fake;
    struct fake *fakes[] = {&fake};
    open_fake(&fake, answer_well);
    open_client(loop, fakes, 1, 1, at_once);
    unsigned asked = 0;
    while (client.done_count < count) {
        while (asked < count && asked - client.done_count < at_once) {
            ask();
            asked++;
        }
        loop_run_once(loop, false);
        serve(&fake);
    }
    assert_int_equal(upstream_counters(client.upstream)->replies, count);
    assert_int_equal(fake.seen, count);
    assert_true(chi_square(fake.ids, count) < 400);
    assert_true(distinct(fake.ids, count) > 0.95 * expected_distinct(65536, count));
    assert_true(distinct(fake.ports, count) > 0.95 * expected_distinct(port_range(), count));
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void d13_ids_and_ports_are_spread_one_query_at_a_time(void **state)
{
    expect_spread(*state, 10000, 1);
}

static void d13_ids_and_ports_are_spread_many_queries_at_a_time(void **state)
{
    expect_spread(*state, 10000, 64);
}

/* From elsewhere: the forger sees everything but cannot send from the server's address. */
static void forge_from_elsewhere_then_answer(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    struct addr any = loopback(0);
    int forger = plain_bound(SOCK_DGRAM, &any);
    size_t length = make_answer(query, n, out, 0);
    out[length - 1] = 66;
    sendto(forger, out, length, 0, (struct sockaddr *)&fake->client, fake->client_length);
    close(forger);
    answer_well(fake, query, n);
}

static void d12_what_comes_from_elsewhere_is_not_even_seen(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, forge_from_elsewhere_then_answer);
    open_client(*state, fakes, 1, 1, 4);
    for (int i = 0; i < 20; i++) {
        ask();
        wait_for_done(*state, fakes, 1);
        expect_answer();
    }
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void answer_twice(struct fake *fake, uint8_t *query, size_t n)
{
    answer_well(fake, query, n);
    answer_well(fake, query, n);
}

static void d12_late_and_repeated_answers_reach_nobody(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_twice);
    open_client(*state, fakes, 1, 1, 4);
    for (unsigned i = 1; i <= 10; i++) {
        ask();
        wait_for_done(*state, fakes, 1);
        expect_answer();
        assert_int_equal(client.done_count, i);
    }
    fake.answer = hold_query;
    ask();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(client.status, ST_TIMEOUT);
    answer_well(&fake, fake.held, fake.held_length);
    fake.answer = answer_well;
    ask();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(client.done_count, 12);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* EDNS */

static void tcp_formerr_to_edns(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[12] = {query[0], query[1], 0x81, 1};
    if (has_edns(query, n))
        send_tcp(fake, out, sizeof out, sizeof out);
    else
        tcp_small(fake, query, n);
}

static const uint8_t server_part[] = {1, 0, 0, 0, 0x60, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8};

static void tcp_with_edns(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600], cookie[24] = {0};
    struct str sent = cookie_of(query, n);
    assert_int_equal(sent.length, 8); /* the client's part */
    memcpy(cookie, sent.data, 8);
    memcpy(cookie + 8, server_part, sizeof server_part);
    send_tcp(fake, out, make_edns_answer(query, n, out, 0, cookie, sizeof cookie), 600);
}

/* What servers from before 1999 say to an OPT record: a header alone. */
static void formerr_to_edns(struct fake *fake, uint8_t *query, size_t n)
{
    if (!has_edns(query, n)) {
        fake->step++;
        answer_well(fake, query, n);
        return;
    }
    uint8_t out[12] = {query[0], query[1], 0x81, 1};
    reply(fake, out, sizeof out);
}

static void d30_formerr_to_edns_is_remembered_once_tcp_says_so_too(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, formerr_to_edns);
    open_client(*state, fakes, 1, 1, 4);
    fake.answer_tcp = tcp_formerr_to_edns;
    for (unsigned i = 0; i < 5; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        expect_answer();
    }
    assert_int_equal(fake.seen_tcp, 4); /* twice: the first time the cookie might have been at fault */
    assert_int_equal(fake.step, 3);
    assert_int_equal(fake.seen, 5);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void badvers_to_edns(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    if (has_edns(query, n))
        reply(fake, out, make_edns_answer(query, n, out, 16, NULL, 0));
    else
        answer_well(fake, query, n);
}

static void d30_badvers_by_udp_alone_is_not_remembered(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, badvers_to_edns);
    fake.answer_tcp = tcp_with_edns;
    open_client(*state, fakes, 1, 1, 4);
    for (unsigned i = 1; i <= 4; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_int_equal(client.reply[3] & 15, DNS_RCODE_NOERROR);
        assert_int_equal(fake.seen, i);
        assert_int_equal(fake.seen_tcp, i);
    }
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void notimp_always(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[3] |= DNS_RCODE_NOTIMP;
    reply(fake, out, length);
    fake->step += has_edns(query, n);
}

static void tcp_notimp(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    size_t length = make_answer(query, n, out, 0);
    out[3] |= DNS_RCODE_NOTIMP;
    send_tcp(fake, out, length, 600);
}

static void d30_a_server_that_says_notimp_without_edns_too_means_the_question(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, notimp_always);
    fake.answer_tcp = tcp_notimp;
    open_client(*state, fakes, 1, 1, 4);
    for (unsigned i = 1; i <= 4; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_int_equal(client.reply[3] & 15, DNS_RCODE_NOTIMP);
        assert_int_equal(fake.step, i);
    }
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* Cookies */

/* STEP counts the queries that had the server's cookie. */
static void answer_with_cookie(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600], cookie[24];
    struct str sent = cookie_of(query, n);
    assert_true(sent.length == 8 || sent.length == 24);
    memcpy(cookie, sent.data, 8);
    memcpy(cookie + 8, server_part, sizeof server_part);
    fake->step += sent.length == 24 && !memcmp(sent.data, cookie, 24);
    reply(fake, out, make_edns_answer(query, n, out, 0, cookie, 24));
}

static void the_servers_cookie_is_sent_back(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_with_cookie);
    open_client(*state, fakes, 1, 1, 4);
    for (int i = 0; i < 5; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
    }
    assert_int_equal(fake.step, 4);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* The forger knows id and port, but not the cookie. */
static void forge_without_cookie_then_answer(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600], cookie[41] = {0};
    static const size_t lengths[] = {24, 8, 7, 9, 15, 41, 0};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t length = make_edns_answer(query, n, out, 0, cookie, lengths[i]);
        out[length - (lengths[i] ? lengths[i] + 4 : 0) - 12] = 66; /* the address */
        if (lengths[i] || fake->step)
            reply(fake, out, length);
    }
    answer_with_cookie(fake, query, n);
}

static void an_answer_with_another_cookie_is_dropped(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, forge_without_cookie_then_answer);
    open_client(*state, fakes, 1, 1, 4);
    for (int i = 0; i < 5; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_memory_equal(client.reply + sizeof question + 12, ((uint8_t[]){192, 0, 2, 7}), 4);
    }
    assert_int_equal(fake.seen_tcp, 0);
    assert_int_equal(upstream_counters(client.upstream)->unwanted, 6 + 6 + 7 + 7 + 7);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* BADCOOKIE to every query without this server's cookie; with STEP over 100 to every query. */
static void insist_on_cookie(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600], cookie[24];
    struct str sent = cookie_of(query, n);
    memcpy(cookie, sent.data, 8);
    memcpy(cookie + 8, server_part, sizeof server_part);
    cookie[23] = (uint8_t)fake->step;
    bool known = sent.length == 24 && !memcmp(sent.data, cookie, 24) && fake->step < 100;
    if (!known)
        cookie[23] = (uint8_t)++fake->step;
    reply(fake, out, make_edns_answer(query, n, out, known ? 0 : 23, cookie, 24));
}

static void badcookie_is_answered_with_the_new_cookie_and_then_with_tcp(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, insist_on_cookie);
    open_client(*state, fakes, 1, 1, 4);
    fake.answer_tcp = tcp_small;
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(client.status, ST_OK);
    assert_int_equal(client.reply[3] & 15, 0);
    assert_int_equal(fake.seen, 2);
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(fake.seen, 3);
    assert_int_equal(fake.seen_tcp, 0);
    fake.step = 100;
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    expect_answer();
    assert_int_equal(fake.seen, 5);
    assert_int_equal(fake.seen_tcp, 1);
    upstream_free(client.upstream);
    close_fake(&fake);
}

/* The forger knows id and port, but neither letter case nor cookie. */
static void forge_rejection(struct fake *fake, const uint8_t *query)
{
    uint8_t out[12] = {query[0], query[1], 0x81, 1};
    reply(fake, out, sizeof out);
}

static void forge_rejection_then_answer(struct fake *fake, uint8_t *query, size_t n)
{
    forge_rejection(fake, query);
    answer_with_cookie(fake, query, n);
}

static void forge_rejection_alone(struct fake *fake, uint8_t *query, size_t n)
{
    (void)n;
    forge_rejection(fake, query);
}

static void d12_a_bare_rejection_does_not_hide_the_answer_of_a_server_with_cookies(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    open_fake(&fake, answer_with_cookie);
    open_client(*state, fakes, 1, 1, 4);
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    fake.answer = forge_rejection_then_answer;
    for (unsigned i = 1; i <= 5; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_int_equal(client.reply[3] & 15, DNS_RCODE_NOERROR);
        assert_int_equal(fake.step, i); /* asked with its cookie each time */
    }
    assert_int_equal(fake.seen_tcp, 0);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void d12_d30_forged_rejections_change_nothing_that_tcp_does_not_confirm(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    try_ms = 2000;
    open_fake(&fake, forge_rejection_alone);
    open_client(*state, fakes, 1, 1, 4);
    try_ms = TRY_MS;
    fake.answer_tcp = tcp_with_edns; /* which asserts that EDNS and a cookie are there */
    for (unsigned i = 1; i <= 4; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_int_equal(fake.seen_tcp, i);
    }
    fake.answer = answer_with_cookie; /* which asserts that a cookie is there */
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(fake.seen_tcp, 4);
    fake.answer = forge_rejection_alone; /* now that its cookie is known; the answer comes too late */
    for (unsigned i = 5; i <= 8; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_int_equal(fake.seen_tcp, i);
    }
    fake.answer = answer_with_cookie;
    fake.step = 0;
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    assert_int_equal(fake.step, 1);
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void answer_with_edns_alone(struct fake *fake, uint8_t *query, size_t n)
{
    uint8_t out[600];
    reply(fake, out, make_edns_answer(query, n, out, 0, NULL, 0));
}

static void where_the_cookie_is_missing_tcp_is_asked_and_after_three_times_it_is_done_without(void **state)
{
    struct fake fake, *fakes[] = {&fake};
    try_ms = 2000;
    open_fake(&fake, answer_with_cookie);
    open_client(*state, fakes, 1, 1, 4);
    try_ms = TRY_MS;
    fake.answer_tcp = tcp_small;
    ask_with_edns();
    wait_for_done(*state, fakes, 1);
    fake.answer = answer_with_edns_alone;
    for (unsigned i = 1; i <= 5; i++) {
        ask_with_edns();
        wait_for_done(*state, fakes, 1);
        assert_int_equal(client.status, ST_OK);
        assert_int_equal(fake.seen_tcp, i < 3 ? i : 3);
    }
    upstream_free(client.upstream);
    close_fake(&fake);
}

static void on_try_done(void *arg, struct upstream_try *try, const struct upstream_result *result)
{
    (void)try;
    *(enum status *)arg = result->status;
}

static void a_cookie_from_another_address_is_left_behind_when_we_move(void **state)
{
    static struct upstream_shared shared;
    static struct upstream_server server;
    struct fake fake;
    struct query_original original;
    enum status status = ST_BUSY;
    open_fake(&fake, hold_query);
    struct upstream_address address = upstream_address_plain(&fake.addr);
    struct addr before = addr_v4(0x7f000009, 0);
    clock_fake(1000000, 0);
    loop_run_once(*state, false);
    upstream_server_init(&server, &address, NULL);
    server.users = 2;
    struct query_cookie old = *upstream_server_cookie(&server, &before);
    shared = (struct upstream_shared){.loop = *state, .try_timeout_ms = TRY_MS};
    shared.channels = upstream_channels_new(*state, 4, shared.reply);
    assert_int_equal(query_original_set(&original, edns_question, sizeof edns_question), ST_OK);
    struct upstream_try *try = upstream_try_new(&shared, &server, &original, on_try_done, &status);
    for (int i = 0; i < 100 && !fake.seen; i++) {
        loop_run_once(*state, false);
        serve(&fake);
    }
    assert_int_equal(fake.seen, 1);
    struct str cookie = cookie_of(fake.held, fake.held_length);
    assert_int_equal(cookie.length, CLIENT_COOKIE_BYTES);
    assert_memory_not_equal(cookie.data, old.bytes, CLIENT_COOKIE_BYTES);
    assert_int_equal(server.failures, 0);
    answer_with_cookie(&fake, fake.held, fake.held_length);
    for (int i = 0; i < 100 && status == ST_BUSY; i++)
        loop_run_once(*state, false);
    assert_int_equal(status, ST_OK);
    upstream_try_free(try);
    upstream_channels_free(shared.channels);
    close_fake(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(d12_a_wrong_answer_is_dropped_and_the_right_one_awaited),
        LOOP_TEST(malformed_answers_alone_are_no_answer),
        LOOP_TEST(some_guesses_do_not_hide_the_answer),
        LOOP_TEST(d12_a_flood_of_guesses_is_left_for_tcp),
        LOOP_TEST(a_large_datagram_is_taken_whole),
        LOOP_TEST(d18_a_truncated_answer_is_fetched_over_tcp),
        LOOP_TEST(d19_an_answer_that_is_bad_over_tcp_fails_the_try),
        LOOP_TEST(d14_a_server_that_loses_letter_case_is_asked_by_tcp),
        LOOP_TEST(d14_where_tcp_is_dead_it_is_asked_without_mixed_case),
        LOOP_TEST(letter_case_is_mixed_again_after_an_hour),
        LOOP_TEST(d13_ids_and_ports_are_spread_one_query_at_a_time),
        LOOP_TEST(d13_ids_and_ports_are_spread_many_queries_at_a_time),
        LOOP_TEST(d12_what_comes_from_elsewhere_is_not_even_seen),
        LOOP_TEST(d12_late_and_repeated_answers_reach_nobody),
        LOOP_TEST(d30_formerr_to_edns_is_remembered_once_tcp_says_so_too),
        LOOP_TEST(d30_badvers_by_udp_alone_is_not_remembered),
        LOOP_TEST(d30_a_server_that_says_notimp_without_edns_too_means_the_question),
        LOOP_TEST(the_servers_cookie_is_sent_back),
        LOOP_TEST(an_answer_with_another_cookie_is_dropped),
        LOOP_TEST(a_cookie_from_another_address_is_left_behind_when_we_move),
        LOOP_TEST(badcookie_is_answered_with_the_new_cookie_and_then_with_tcp),
        LOOP_TEST(d12_a_bare_rejection_does_not_hide_the_answer_of_a_server_with_cookies),
        LOOP_TEST(d12_d30_forged_rejections_change_nothing_that_tcp_does_not_confirm),
        LOOP_TEST(where_the_cookie_is_missing_tcp_is_asked_and_after_three_times_it_is_done_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
