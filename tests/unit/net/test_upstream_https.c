/* DNS over HTTPS, against a server that says what the test bids. It speaks HTTP/1.1, which libcurl takes where there is
 * no HTTP/2; that is seen end to end, with real servers. */
#include "tls_fixture.h"

#include "base/buf.h"
#include "message/dns_message.h"
#include "net/upstream.h"
#include "net/upstream_https.h"

static struct test_ca ca;
static struct tls_fake fake;

/* The server's side */

static const char *status_line, *content_type, *more_fields; /* of the answer */
static uint8_t body[70000];
static size_t body_length;
static struct buf request; /* the last one */
static unsigned requests;
static bool silent;

static void answer_with(const char *status, const char *type)
{
    status_line = status;
    content_type = type;
    more_fields = "";
    silent = false;
}

/* The DNS answer to the query in the request: one A record, with a TTL of 300. */
static void make_body(const uint8_t *query, size_t n)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 7};
    struct dns_message message;
    assert_int_equal(dns_query_parse(query, n, &message), ST_OK);
    memcpy(body, query, message.question_end);
    body[2] |= 0x80;
    memset(body + 6, 0, 6);
    body[7] = 1;
    memcpy(body + message.question_end, record, sizeof record);
    body_length = message.question_end + sizeof record;
}

static void (*change_body)(void);

static void send_all(const void *data, size_t n)
{
    for (size_t at = 0; at < n;) {
        int sent = SSL_write(fake.ssl, (const char *)data + at, (int)(n - at));
        at += sent > 0 ? (size_t)sent : 0;
        if (sent <= 0 && SSL_get_error(fake.ssl, sent) != SSL_ERROR_WANT_WRITE)
            return; /* it has had enough */
    }
}

static void serve(void)
{
    serve_tls(&fake);
    char *text = (char *)fake.inbox;
    text[fake.inbox_length] = '\0';
    char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
    if (!fake.ssl || !end || !length)
        return;
    size_t head = (size_t)(end + 4 - text), n = strtoul(length + 16, NULL, 10);
    if (fake.inbox_length < head + n)
        return;
    requests++;
    buf_clear(&request);
    buf_add(&request, text, head + n);
    fake.inbox_length = 0;
    make_body((uint8_t *)text + head, n);
    if (change_body)
        change_body();
    if (silent)
        return;
    struct buf out = {0};
    buf_printf(&out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status_line, content_type,
               body_length, more_fields);
    send_all(out.data, out.length);
    send_all(body, body_length);
    buf_free(&out);
}

/* The client's side */

struct asked {
    struct https_query query;
    bool done, free_https;
    enum status status;
    size_t n;
    char why[256];
};
static struct upstream_https *https;
static struct tls_trust *trust;
static uint8_t reply[DNS_MESSAGE_MAX];
static struct upstream_address address;
static struct random_pool numbers;
static struct query_mask mask;

static void on_message(void *arg, size_t n)
{
    struct asked *a = arg;
    assert_false(a->done);
    a->done = true;
    a->status = ST_OK;
    a->n = n;
    if (a->free_https) {
        upstream_https_free(https);
        https = NULL;
    }
}

static void on_failed(void *arg, enum status status, const char *why)
{
    struct asked *a = arg;
    assert_false(a->done);
    a->done = true;
    a->status = status;
    snprintf(a->why, sizeof a->why, "%s", why);
}

static void open_https(struct loop *loop, const char *names, const char *text)
{
    struct fault fault = {0};
    open_tls_fake(&fake, server_context(&ca, names, 3600));
    fake.speaks = "http/1.1";
    answer_with("200 OK", "application/dns-message");
    change_body = NULL;
    requests = 0;
    clock_fake(1000000, 0);
    loop_run_once(loop, false); /* takes the time */
    assert_int_equal(tls_trust_new(ca.path, &trust, &fault), ST_OK);
    assert_int_equal(upstream_address_parse(str_of(text), &address, &fault), ST_OK);
    if (!upstream_address_is_named(&address))
        address.addr = fake.addr;
    address.addr.port = fake.addr.port;
    static const struct tls_trust *current;
    current = trust;
    struct upstream_https_settings settings = {.loop = loop, .trust = &current, .reply = reply, .timeout_ms = 1000};
    https = upstream_https_new(&settings);
    assert_non_null(https);
}

static void close_https(void)
{
    upstream_https_free(https);
    tls_trust_unref(trust);
    close_tls_fake(&fake);
    buf_free(&request);
}

static void send_query(struct asked *a, const struct upstream_host *host)
{
    static const uint8_t query[] = {0,   7, 0, 0, 0, 1, 0, 0, 0,    0, 0,   1, 1, 'a', 4, 't', 'e', 's',
                                    't', 0, 0, 1, 0, 1, 0, 0, 0x29, 4, 208, 0, 0, 0,   0, 0,   0};
    struct query_original original;
    assert_int_equal(query_original_set(&original, query, sizeof query), ST_OK);
    query_mask_draw(&mask, &original, &numbers, &(struct query_style){.zero_id = true, .pad_to = 128});
    bool free_https = a->free_https;
    *a =
        (struct asked){.query = {.on_message = on_message, .on_failed = on_failed, .arg = a}, .free_https = free_https};
    assert_int_equal(upstream_https_send(https, &address, host, &mask, &a->query), ST_OK);
    assert_false(a->done);
}

static void turn_until_done(struct loop *loop, const struct asked *a)
{
    int64_t start = clock_mono_ms();
    while (!a->done && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        serve();
        pass_time();
    }
    assert_true(a->done);
}

static struct asked ask(struct loop *loop)
{
    static struct asked a;
    a.free_https = false;
    send_query(&a, NULL);
    turn_until_done(loop, &a);
    return a;
}

static void expect_answer(const struct asked *a)
{
    struct query_reply info;
    if (a->status != ST_OK)
        fail_msg("%s", a->why);
    assert_int_equal(query_mask_match(&mask, reply, a->n, &info), MATCH_ANSWER);
}

static void a_query_is_posted_and_answered_and_the_connection_kept(void **state)
{
    open_https(*state, "DNS:dns.example", "https://127.0.0.1/q?x=1#dns.example");
    for (int i = 0; i < 3; i++) {
        struct asked a = ask(*state);
        expect_answer(&a);
    }
    assert_int_equal(requests, 3);
    assert_int_equal(fake.accepted, 1);
    assert_string_equal(fake.name, "dns.example");
    const char *head = buf_text(&request);
    assert_int_equal(strncmp(head, "POST /q?x=1 HTTP/1.1\r\nHost: dns.example", 39), 0);
    assert_non_null(strstr(head, "\r\nContent-Type: application/dns-message\r\n"));
    assert_non_null(strstr(head, "\r\nAccept: application/dns-message\r\n"));
    assert_null(strstr(head, "User-Agent"));
    const char *message = strstr(head, "\r\n\r\n") + 4;
    assert_int_equal(request.length - (size_t)(message - head), 128);
    assert_memory_equal(message, "\0\0", 2);
    close_https();
}

static void an_address_alone_is_enough_where_the_certificate_has_it(void **state)
{
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    struct asked a = ask(*state);
    expect_answer(&a);
    close_https();
}

static void a_name_is_reached_at_the_addresses_that_were_found(void **state)
{
    open_https(*state, "DNS:dns.example", "https://dns.example/dns-query");
    struct upstream_host host = {.count = 2, .addrs = {addr_v4(0x7f000002, fake.addr.port), fake.addr}};
    struct asked a = {0};
    send_query(&a, &host); /* nobody listens at the first */
    turn_until_done(*state, &a);
    expect_answer(&a);
    close_https();
}

static void who_is_not_believed_gets_no_query(void **state)
{
    open_https(*state, "DNS:other.example", "https://127.0.0.1/dns-query#dns.example");
    struct asked a = ask(*state);
    assert_int_equal(a.status, ST_DENIED);
    assert_true(a.why[0]);
    assert_int_equal(requests, 0);
    close_https();
    struct test_ca other;
    open_ca(&other);
    open_https(*state, "DNS:dns.example", "https://127.0.0.1/dns-query#dns.example");
    close_tls_fake(&fake);
    open_tls_fake(&fake, server_context(&other, "DNS:dns.example", 3600));
    fake.speaks = "http/1.1";
    address.addr.port = fake.addr.port;
    a = ask(*state);
    assert_int_equal(a.status, ST_DENIED);
    assert_int_equal(requests, 0);
    close_https();
    close_ca(&other);
}

static void what_is_no_dns_message_is_no_answer(void **state)
{
    static const struct {
        const char *status, *type, *fields, *why;
    } cases[] = {
        {"500 Oops", "application/dns-message", "", "HTTP status 500"},
        {"404 Not Found", "text/html", "", "HTTP status 404"},
        {"302 Found", "application/dns-message", "Location: https://127.0.0.1:1/\r\n", "HTTP status 302"},
        {"204 No Content", "application/dns-message", "", "HTTP status 204"},
        {"200 OK", "text/html", "", "no application/dns-message"},
        {"200 OK", "application/dns-message-not", "", "no application/dns-message"},
        {"200 OK", "", "", "no application/dns-message"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
        answer_with(cases[i].status, cases[i].type);
        more_fields = cases[i].fields;
        struct asked a = ask(*state);
        assert_int_equal(a.status, ST_UNAVAILABLE);
        if (!strstr(a.why, cases[i].why))
            fail_msg("%s: %s", cases[i].status, a.why);
        assert_int_equal(requests, 1);
        close_https();
    }
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    answer_with("200 OK", " Application/DNS-message ; charset=x");
    struct asked a = ask(*state);
    expect_answer(&a);
    close_https();
}

static void make_it_large(void)
{
    body_length = sizeof body;
}

static void make_it_empty(void)
{
    body_length = 0;
}

static void a_body_has_a_bound(void **state)
{
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    change_body = make_it_large;
    struct asked a = ask(*state);
    assert_true(a.status != ST_OK);
    close_https();
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    change_body = make_it_empty;
    a = ask(*state);
    assert_int_equal(a.status, ST_OK);
    assert_int_equal(a.n, 0);
    close_https();
}

static uint32_t ttl_of_answer(const struct asked *a)
{
    struct dns_message message;
    struct dns_record record;
    assert_int_equal(dns_response_parse(reply, a->n, &message), ST_OK);
    struct dns_walk walk = dns_walk_start(reply, a->n, &message);
    assert_true(dns_walk_next(&walk, &record));
    return record.ttl;
}

static void what_a_cache_on_the_way_kept_is_older(void **state)
{
    static const struct {
        const char *fields;
        uint32_t ttl_s;
    } cases[] = {{"", 300}, {"Age: 100\r\n", 200}, {"Age: 301\r\n", 0}, {"Age: -5\r\n", 300}, {"Age: x\r\n", 300}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
        more_fields = cases[i].fields;
        struct asked a = ask(*state);
        expect_answer(&a);
        assert_int_equal(ttl_of_answer(&a), cases[i].ttl_s);
        close_https();
    }
}

static void a_server_that_is_not_there_is_told(void **state)
{
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    close(fake.listener);
    struct asked a = {0};
    send_query(&a, NULL);
    while (!a.done) {
        loop_run_once(*state, false);
        pass_time();
    }
    assert_int_equal(a.status, ST_UNAVAILABLE);
    assert_true(a.why[0]);
    fake.listener = plain_socket(AF_INET, SOCK_STREAM);
    close_https();
}

static void a_cancelled_query_is_not_told_and_others_go_on(void **state)
{
    static struct asked a, b;
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    send_query(&a, NULL);
    upstream_https_cancel(https, &a.query);
    upstream_https_cancel(https, &a.query);
    silent = true;
    send_query(&a, NULL);
    for (int i = 0; i < 3000 && !requests; i++) {
        loop_run_once(*state, false);
        serve();
        pass_time();
    }
    assert_int_equal(requests, 1);
    upstream_https_cancel(https, &a.query);
    silent = false;
    send_query(&b, NULL);
    turn_until_done(*state, &b);
    expect_answer(&b);
    assert_false(a.done);
    close_https();
}

static void it_may_be_freed_when_an_answer_comes(void **state)
{
    static struct asked a = {.free_https = true};
    open_https(*state, "IP:127.0.0.1", "https://127.0.0.1/dns-query");
    send_query(&a, NULL);
    turn_until_done(*state, &a);
    assert_null(https);
    loop_run_once(*state, false);
    close_https();
}

/* Through the upstream that uses it */

struct client {
    bool done;
    enum status status;
};

static void on_upstream_done(void *arg, enum status status, const uint8_t *data, size_t n)
{
    struct client *client = arg;
    client->done = true;
    client->status = status;
    assert_true(status != ST_OK || (data[0] == 0x12 && data[1] == 0x34 && n > 12));
}

static void an_upstream_by_https_gets_queries_and_its_failures_are_its_own(void **state)
{
    static const uint8_t query[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0,    0, 0,   1, 1, 'A', 4, 't', 'e', 's',
                                    't',  0,    0, 1, 0, 1, 0, 0, 0x29, 4, 208, 0, 0, 0,   0, 0,   0};
    open_https(*state, "DNS:dns.example", "https://127.0.0.1/dns-query#dns.example");
    struct upstream_route all = {.servers = &address, .server_count = 1};
    struct upstream_set_settings settings = {.routes = &all, .route_count = 1, .ca_file = ca.path};
    struct upstream_set *set;
    struct upstream *upstream;
    assert_int_equal(dname_from_text(STR("."), &all.domain), ST_OK);
    assert_int_equal(upstream_set_new(&settings, &set, NULL), ST_OK);
    assert_int_equal(upstream_new(*state, &(struct upstream_settings){1000, 1, 10}, set, &upstream, NULL), ST_OK);
    upstream_set_unref(set);
    for (int i = 0; i < 4; i++) {
        struct client client = {0};
        if (i == 2)
            answer_with("500 Oops", "text/plain");
        if (i == 3)
            answer_with("200 OK", "application/dns-message");
        assert_int_equal(upstream_query(upstream, query, sizeof query, on_upstream_done, &client), ST_OK);
        int64_t start = clock_mono_ms();
        while (!client.done && clock_mono_ms() - start < 3000) {
            loop_run_once(*state, false);
            serve();
            pass_time();
        }
        assert_int_equal(client.status, i == 2 ? ST_UNAVAILABLE : ST_OK);
    }
    assert_int_equal(requests, 4);
    assert_int_equal(fake.accepted, 1);
    struct client client = {0};
    silent = true;
    assert_int_equal(upstream_query(upstream, query, sizeof query, on_upstream_done, &client), ST_OK);
    loop_run_once(*state, false);
    upstream_free(upstream);
    assert_int_equal(client.status, ST_CLOSED);
    close_https();
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
        LOOP_TEST(a_query_is_posted_and_answered_and_the_connection_kept),
        LOOP_TEST(an_address_alone_is_enough_where_the_certificate_has_it),
        LOOP_TEST(a_name_is_reached_at_the_addresses_that_were_found),
        LOOP_TEST(who_is_not_believed_gets_no_query),
        LOOP_TEST(what_is_no_dns_message_is_no_answer),
        LOOP_TEST(a_body_has_a_bound),
        LOOP_TEST(what_a_cache_on_the_way_kept_is_older),
        LOOP_TEST(a_server_that_is_not_there_is_told),
        LOOP_TEST(a_cancelled_query_is_not_told_and_others_go_on),
        LOOP_TEST(it_may_be_freed_when_an_answer_comes),
        LOOP_TEST(an_upstream_by_https_gets_queries_and_its_failures_are_its_own),
    };
    return cmocka_run_group_tests(tests, make_ca, forget_ca);
}
