#include "tls_fixture.h"

#include "net/tls_client.h"

static struct test_ca ca;
static struct tls_fake fake; /* large */

struct client {
    struct tls_client *tls;
    bool connected, failed, eof, free_on_connected, free_on_data;
    enum status status;
    char why[128];
    uint8_t got[TLS_INBOX];
    size_t got_length;
};
static struct client client;

static void on_connected(void *arg)
{
    struct client *c = arg;
    c->connected = true;
    if (c->free_on_connected) {
        tls_client_free(c->tls);
        c->tls = NULL;
    }
}

static void on_data(void *arg)
{
    struct client *c = arg;
    struct str input = tls_client_input(c->tls);
    assert_true(input.length <= sizeof c->got - c->got_length);
    memcpy(c->got + c->got_length, input.data, input.length);
    c->got_length += input.length;
    tls_client_consume(c->tls, input.length);
    if (c->free_on_data) {
        tls_client_free(c->tls);
        c->tls = NULL;
    }
}

static void on_eof(void *arg)
{
    ((struct client *)arg)->eof = true;
}

static void on_failed(void *arg, enum status status)
{
    struct client *c = arg;
    assert_false(c->failed);
    c->failed = true;
    c->status = status;
    snprintf(c->why, sizeof c->why, "%s", tls_client_why(c->tls));
}

static struct tls_session session;

static void connect_to(struct loop *loop, const char *ca_path, const char *name, int64_t timeout_ms)
{
    static const struct stream_ops ops = {
        .on_connected = on_connected, .on_data = on_data, .on_eof = on_eof, .on_failed = on_failed};
    struct tls_target target = {.addr = fake.addr, .name = name, .alpn = "dot"};
    struct tls_trust *trust;
    struct fault fault = {0};
    assert_int_equal(tls_trust_new(ca_path, &trust, &fault), ST_OK);
    clock_fake(1000000, 0);
    loop_run_once(loop, false); /* takes the time */
    bool free_on_connected = client.free_on_connected, free_on_data = client.free_on_data;
    client = (struct client){.free_on_connected = free_on_connected, .free_on_data = free_on_data};
    client.tls = tls_client_connect(loop, trust, &target, &session, timeout_ms, &ops, &client);
    assert_non_null(client.tls);
    assert_false(client.connected);
    tls_trust_unref(trust); /* the connection has what it needs */
}

static void turn(struct loop *loop, const bool *until)
{
    int64_t start = clock_mono_ms();
    while (!*until && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        serve_tls(&fake);
        pass_time();
    }
    assert_true(*until);
}

/* Until the client has got N bytes. */
static void turn_for_bytes(struct loop *loop, size_t n)
{
    int64_t start = clock_mono_ms();
    while (client.got_length < n && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        serve_tls(&fake);
        pass_time();
    }
    assert_int_equal(client.got_length, n);
}

/* Until the server has got N bytes; 0: until it has been greeted. */
static void turn_for_server(struct loop *loop, size_t n)
{
    int64_t start = clock_mono_ms();
    while ((!fake.greeted || fake.inbox_length < n) && clock_mono_ms() - start < 3000) {
        loop_run_once(loop, false);
        serve_tls(&fake);
        pass_time();
    }
    assert_true(fake.greeted);
    assert_int_equal(fake.inbox_length, n);
}

static void turns(struct loop *loop, int count)
{
    for (int i = 0; i < count; i++) {
        loop_run_once(loop, false);
        serve_tls(&fake);
        pass_time();
    }
}

static void done(void)
{
    tls_client_free(client.tls);
    tls_session_forget(&session);
    close_tls_fake(&fake);
}

static void a_server_with_the_right_name_is_believed(void **state)
{
    open_tls_fake(&fake, server_context(&ca, "DNS:dns.example", 3600));
    connect_to(*state, ca.path, "dns.example", 2000);
    assert_int_equal(tls_client_write(client.tls, "x", 1), ST_CLOSED); /* not before it is known who that is */
    turn(*state, &client.connected);
    assert_int_equal(tls_client_write(client.tls, "ping", 4), ST_OK);
    turn_for_server(*state, 4);
    assert_memory_equal(fake.inbox, "ping", 4);
    assert_string_equal(fake.alpn, "dot");
    assert_string_equal(fake.name, "dns.example");
    SSL_write(fake.ssl, "pong!", 5);
    turn_for_bytes(*state, 5);
    assert_memory_equal(client.got, "pong!", 5);
    drop_tls_connection(&fake);
    turn(*state, &client.eof);
    assert_false(client.failed);
    done();
}

static void a_server_with_the_right_address_is_believed_without_a_name(void **state)
{
    open_tls_fake(&fake, server_context(&ca, "IP:127.0.0.1", 3600));
    connect_to(*state, ca.path, "", 2000);
    turn(*state, &client.connected);
    turn_for_server(*state, 0);
    assert_string_equal(fake.name, ""); /* RFC 6066 section 3: no addresses */
    done();
}

static void who_does_not_prove_who_he_is_is_not_talked_to(void **state)
{
    struct test_ca other;
    open_ca(&other);
    const struct {
        const struct test_ca *issuer;
        const char *names, *name, *why;
        long until_s;
    } cases[] = {
        {&ca, "DNS:other.example", "dns.example", "hostname mismatch", 3600},
        {&ca, "DNS:dns.example.evil.example", "dns.example", "hostname mismatch", 3600},
        {&ca, "DNS:d*.example", "dns.example", "hostname mismatch", 3600},
        {&ca, "DNS:127.0.0.1", "", "IP address mismatch", 3600},
        {&ca, "IP:127.0.0.2", "", "IP address mismatch", 3600},
        {&ca, "DNS:dns.example", "dns.example", "expired", -3600},
        {&other, "DNS:dns.example", "dns.example", "unable to get local issuer", 3600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_tls_fake(&fake, server_context(cases[i].issuer, cases[i].names, cases[i].until_s));
        connect_to(*state, ca.path, cases[i].name, 2000);
        turn(*state, &client.failed);
        assert_int_equal(client.status, ST_DENIED);
        if (!strstr(client.why, cases[i].why))
            fail_msg("case %zu: %s", i, client.why);
        assert_false(client.connected);
        turns(*state, 5);
        assert_int_equal(fake.inbox_length, 0);
        done();
    }
    close_ca(&other);
}

static void old_protocols_are_refused(void **state)
{
    SSL_CTX *context = server_context(&ca, "DNS:dns.example", 3600);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    open_tls_fake(&fake, context);
    connect_to(*state, ca.path, "dns.example", 2000);
    turn(*state, &client.failed);
    assert_int_equal(client.status, ST_INVALID);
    assert_true(client.why[0]);
    done();
}

static void expect_resumption(struct loop *loop, int version)
{
    SSL_CTX *context = server_context(&ca, "DNS:dns.example", 3600);
    SSL_CTX_set_max_proto_version(context, version);
    open_tls_fake(&fake, context);
    for (unsigned i = 0; i < 3; i++) {
        connect_to(loop, ca.path, "dns.example", 2000);
        turn(loop, &client.connected);
        assert_int_equal(tls_client_resumed(client.tls), i > 0);
        turn_for_server(loop, 0);
        SSL_write(fake.ssl, "x", 1);
        turn_for_bytes(loop, 1);
        assert_non_null(session.latest);
        tls_client_free(client.tls);
        client.tls = NULL;
    }
    assert_int_equal(fake.greetings, 3);
    assert_int_equal(fake.resumed, 2);
    done();
}

static void the_next_connection_resumes_the_session(void **state)
{
    expect_resumption(*state, TLS1_3_VERSION);
    expect_resumption(*state, TLS1_2_VERSION);
}

static void a_server_that_never_greets_is_given_up(void **state)
{
    open_tls_fake(&fake, NULL);
    connect_to(*state, ca.path, "dns.example", 100);
    turn(*state, &client.failed);
    assert_int_equal(client.status, ST_TIMEOUT);
    assert_string_equal(client.why, "");
    done();
}

static void a_server_that_speaks_no_tls_is_given_up(void **state)
{
    open_tls_fake(&fake, NULL);
    connect_to(*state, ca.path, "dns.example", 2000);
    while (fake.fd < 0)
        turns(*state, 1);
    assert_int_equal(send(fake.fd, "220 mail.example ESMTP\r\n", 24, 0), 24);
    turn(*state, &client.failed);
    assert_int_equal(client.status, ST_INVALID);
    assert_true(client.why[0]);
    done();
}

static void a_server_that_leaves_while_greeting_has_closed(void **state)
{
    open_tls_fake(&fake, NULL);
    connect_to(*state, ca.path, "dns.example", 2000);
    while (fake.fd < 0)
        turns(*state, 1);
    turns(*state, 5);
    shutdown(fake.fd, SHUT_WR);
    turn(*state, &client.failed);
    assert_int_equal(client.status, ST_CLOSED);
    done();
}

static void nobody_there_is_told_from_the_loop(void **state)
{
    open_tls_fake(&fake, NULL);
    close(fake.listener);
    connect_to(*state, ca.path, "dns.example", 2000);
    fake.listener = plain_socket(AF_INET, SOCK_STREAM);
    while (!client.failed)
        loop_run_once(*state, true);
    assert_int_equal(client.status, ST_UNAVAILABLE);
    done();
}

static void much_data_goes_both_ways(void **state)
{
    static uint8_t data[60000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    open_tls_fake(&fake, server_context(&ca, "DNS:dns.example", 3600));
    connect_to(*state, ca.path, "dns.example", 2000);
    turn(*state, &client.connected);
    assert_int_equal(tls_client_write(client.tls, data, sizeof data), ST_OK);
    turn_for_server(*state, sizeof data);
    assert_memory_equal(fake.inbox, data, sizeof data);
    for (size_t at = 0; at < sizeof data;) {
        int n = SSL_write(fake.ssl, data + at, (int)(sizeof data - at < 5000 ? sizeof data - at : 5000));
        at += n > 0 ? (size_t)n : 0;
        turns(*state, 1);
    }
    turn_for_bytes(*state, sizeof data);
    assert_memory_equal(client.got, data, sizeof data);
    done();
}

static void garbage_in_the_middle_ends_it(void **state)
{
    open_tls_fake(&fake, server_context(&ca, "DNS:dns.example", 3600));
    connect_to(*state, ca.path, "dns.example", 2000);
    turn(*state, &client.connected);
    turn_for_server(*state, 0);
    assert_int_equal(send(fake.fd, "\x17\x03\x03\x00\x20 thirty-two bytes of forgery!!!", 37, 0), 37);
    turn(*state, &client.failed);
    assert_int_equal(client.status, ST_INVALID);
    assert_int_equal(client.got_length, 0);
    done();
}

static void it_may_be_freed_in_its_callbacks(void **state)
{
    open_tls_fake(&fake, server_context(&ca, "DNS:dns.example", 3600));
    client.free_on_connected = true;
    connect_to(*state, ca.path, "dns.example", 2000);
    turn(*state, &client.connected);
    assert_null(client.tls);
    turns(*state, 5);
    client.free_on_connected = false;
    client.free_on_data = true;
    connect_to(*state, ca.path, "dns.example", 2000);
    turn(*state, &client.connected);
    turn_for_server(*state, 0);
    SSL_write(fake.ssl, "x", 1);
    turn_for_bytes(*state, 1);
    assert_null(client.tls);
    client.free_on_data = false;
    done();
}

static void authorities_that_cannot_be_read_are_told(void **state)
{
    (void)state;
    struct tls_trust *trust;
    struct fault fault = {0};
    assert_int_equal(tls_trust_new("/nonexistent/ca.pem", &trust, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "/nonexistent/ca.pem cannot be read: No such file"));
    fault = (struct fault){0};
    assert_int_equal(tls_trust_new("/dev/null", &trust, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "/dev/null"));
    assert_int_equal(tls_trust_new(ca.path, &trust, &fault), ST_OK);
    tls_trust_unref(tls_trust_ref(trust));
    tls_trust_unref(trust);
    tls_trust_unref(NULL);
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
        LOOP_TEST(a_server_with_the_right_name_is_believed),
        LOOP_TEST(a_server_with_the_right_address_is_believed_without_a_name),
        LOOP_TEST(who_does_not_prove_who_he_is_is_not_talked_to),
        LOOP_TEST(old_protocols_are_refused),
        LOOP_TEST(the_next_connection_resumes_the_session),
        LOOP_TEST(a_server_that_never_greets_is_given_up),
        LOOP_TEST(a_server_that_speaks_no_tls_is_given_up),
        LOOP_TEST(a_server_that_leaves_while_greeting_has_closed),
        LOOP_TEST(nobody_there_is_told_from_the_loop),
        LOOP_TEST(much_data_goes_both_ways),
        LOOP_TEST(garbage_in_the_middle_ends_it),
        LOOP_TEST(it_may_be_freed_in_its_callbacks),
        LOOP_TEST(authorities_that_cannot_be_read_are_told),
    };
    return cmocka_run_group_tests(tests, make_ca, forget_ca);
}
