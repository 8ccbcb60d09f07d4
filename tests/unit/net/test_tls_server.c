/* A server's side of TLS, with OpenSSL's own client at its other end. */
#include "net_fixture.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "net/tls_server.h"

enum { PATIENCE_MS = 10000 };

struct world {
    struct loop *loop;
    char certificate[64], key[64];
    struct tls_server *tls;
    struct stream *stream;
    SSL_CTX *context;
    SSL *client;
    int fd;
    struct buf got; /* by the server */
    bool eof, drained, failed;
    enum status status;
};

static void write_pem(char path[64], EVP_PKEY *key, X509 *cert, mode_t mode)
{
    snprintf(path, 64, "/tmp/test_tls.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    if (cert)
        assert_int_equal(PEM_write_X509(file, cert), 1);
    else
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static X509 *make_cert(EVP_PKEY *key, const char *names)
{
    X509 *cert = X509_new();
    X509V3_CTX context;
    assert_non_null(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, names);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void write_files(struct world *world, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_cert(key, names);
    write_pem(world->certificate, NULL, cert, 0644);
    write_pem(world->key, key, NULL, 0600);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static enum status load(struct world *world, struct fault *fault)
{
    const struct tls_server_files files = {world->certificate, world->key, "dns.tls-certificate", "dns.tls-key"};
    tls_server_unref(world->tls);
    world->tls = NULL;
    *fault = (struct fault){{0}};
    return tls_server_new(&files, &world->tls, fault);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct fault fault;
    signal(SIGPIPE, SIG_IGN); /* of OpenSSL's own sockets, at the client's end */
    world->loop = loop_new();
    world->fd = -1;
    world->context = SSL_CTX_new(TLS_client_method());
    write_files(world, "DNS:*.example, DNS:dns.example, DNS:other.example, IP:127.0.0.1");
    assert_int_equal(load(world, &fault), ST_OK);
    *state = world;
    return 0;
}

static void hang_up(struct world *world)
{
    stream_free(world->stream);
    world->stream = NULL;
    SSL_free(world->client);
    world->client = NULL;
    if (world->fd >= 0)
        close(world->fd);
    world->fd = -1;
    buf_free(&world->got);
    world->eof = world->failed = false;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    hang_up(world);
    tls_server_unref(world->tls);
    SSL_CTX_free(world->context);
    unlink(world->certificate);
    unlink(world->key);
    loop_free(world->loop);
    free(world);
    return 0;
}

static void on_data(void *arg)
{
    struct world *world = arg;
    struct str input = stream_input(world->stream);
    buf_add(&world->got, input.data, input.length);
    stream_consume(world->stream, input.length);
}

static void on_eof(void *arg)
{
    ((struct world *)arg)->eof = true;
}

static void on_drained(void *arg)
{
    ((struct world *)arg)->drained = true;
}

static void on_failed(void *arg, enum status status)
{
    struct world *world = arg;
    world->failed = true;
    world->status = status;
}

static const struct stream_ops ops = {
    .on_data = on_data, .on_eof = on_eof, .on_drained = on_drained, .on_failed = on_failed};

static void connect_client(struct world *world)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    world->stream = tls_server_stream_own(world->loop, fds[0], world->tls, "dot", &ops, world);
    assert_non_null(world->stream);
    world->fd = fds[1];
    world->client = SSL_new(world->context);
    SSL_set_fd(world->client, world->fd);
    SSL_set_connect_state(world->client);
}

/* One call of the client's that may wait; its result once it does not. */
static int drive(struct world *world, int (*call)(SSL *ssl, void *data, int n), void *data, int n)
{
    for (int64_t end = clock_mono_ms() + PATIENCE_MS; clock_mono_ms() < end;) {
        int result = call(world->client, data, n);
        int error = SSL_get_error(world->client, result);
        if (result > 0 || (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE))
            return result;
        loop_run_once(world->loop, false);
    }
    fail_msg("it waits for ever");
    return -1;
}

static int call_handshake(SSL *ssl, void *data, int n)
{
    (void)data, (void)n;
    return SSL_do_handshake(ssl);
}

static int call_read(SSL *ssl, void *data, int n)
{
    return SSL_read(ssl, data, n);
}

static int call_write(SSL *ssl, void *data, int n)
{
    return SSL_write(ssl, data, n);
}

static void run_until_got(struct world *world, size_t n)
{
    for (int64_t end = clock_mono_ms() + PATIENCE_MS; world->got.length < n && clock_mono_ms() < end;)
        loop_run_once(world->loop, false);
    assert_int_equal(world->got.length, n);
}

static void bytes_go_both_ways(void **state)
{
    struct world *world = *state;
    char text[16];
    connect_client(world);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    assert_int_equal(drive(world, call_write, (char[]){"question"}, 8), 8);
    run_until_got(world, 8);
    assert_memory_equal(world->got.data, "question", 8);
    assert_int_equal(stream_write(world->stream, "ans", 3), ST_OK);
    assert_int_equal(stream_write(world->stream, "wer", 3), ST_OK);
    assert_int_equal(drive(world, call_read, text, sizeof text), 6); /* one record for one round */
    assert_memory_equal(text, "answer", 6);
    SSL_shutdown(world->client);
    for (int i = 0; i < 100 && !world->eof; i++)
        loop_run_once(world->loop, false);
    assert_true(world->eof);
    assert_false(world->failed);
}

static void a_record_ends_where_it_is_cut(void **state)
{
    struct world *world = *state;
    char text[16];
    connect_client(world);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    stream_cut(world->stream); /* of nothing */
    for (int round = 0; round < 3; round++) {
        assert_int_equal(stream_write(world->stream, "one", 3), ST_OK);
        stream_cut(world->stream);
        stream_cut(world->stream);
        assert_int_equal(stream_write(world->stream, "tw", 2), ST_OK);
        assert_int_equal(stream_write(world->stream, "o", 1), ST_OK);
        stream_cut(world->stream);
        assert_int_equal(stream_write(world->stream, "three", 5), ST_OK);
        assert_int_equal(stream_queued(world->stream), 11);
        assert_int_equal(drive(world, call_read, text, sizeof text), 3);
        assert_int_equal(stream_queued(world->stream), 0); /* all has left together */
        assert_int_equal(SSL_read(world->client, text, sizeof text), 3);
        assert_memory_equal(text, "two", 3);
        assert_int_equal(SSL_read(world->client, text, sizeof text), 5);
        assert_memory_equal(text, "three", 5);
    }
}

/* Records of 1 to 5,000 bytes, all written before anything is read. */
static void many_records_go_out_as_the_client_reads(void **state)
{
    enum { RECORDS = 2000 };
    struct world *world = *state;
    static char block[5000], room[5000];
    connect_client(world);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 >> 3);
    for (size_t i = 0; i < RECORDS; i++) {
        assert_int_equal(stream_write(world->stream, block, 1 + i * 37 % sizeof block), ST_OK);
        stream_cut(world->stream);
        if (i % 100 == 0)
            loop_run_once(world->loop, false);
    }
    assert_true(stream_is_full(world->stream));
    stream_shutdown(world->stream);
    for (size_t i = 0; i < RECORDS; i++) {
        int n = (int)(1 + i * 37 % sizeof block);
        assert_int_equal(drive(world, call_read, room, sizeof room), n);
        assert_memory_equal(room, block, n);
    }
    assert_true(drive(world, call_read, room, sizeof room) <= 0);
    assert_int_equal(SSL_get_shutdown(world->client), SSL_RECEIVED_SHUTDOWN);
    assert_true(world->drained);
}

static void a_client_that_leaves_with_records_on_the_way_is_a_failure(void **state)
{
    struct world *world = *state;
    static char block[4000];
    connect_client(world);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(stream_write(world->stream, block, sizeof block), ST_OK);
        stream_cut(world->stream);
    }
    for (int i = 0; i < 20; i++)
        loop_run_once(world->loop, false);
    assert_true(stream_is_full(world->stream));
    close(world->fd);
    world->fd = -1;
    for (int i = 0; i < 100 && !world->failed && !world->eof; i++)
        loop_run_once(world->loop, false);
    assert_true(world->failed || world->eof);
}

static void much_is_sent_in_pieces_as_the_client_reads(void **state)
{
    enum { TOTAL = 4 << 20, BLOCK = 1 << 20 };
    struct world *world = *state;
    static char block[BLOCK], room[70000];
    connect_client(world);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 >> 3);
    for (int i = 0; i < TOTAL / BLOCK; i++)
        assert_int_equal(stream_write(world->stream, block, sizeof block), ST_OK);
    assert_true(stream_is_full(world->stream));
    for (int i = 0; i < 20; i++)
        loop_run_once(world->loop, false);
    assert_true(stream_is_full(world->stream)); /* nobody reads */
    stream_shutdown(world->stream);
    size_t got = 0;
    for (int n; (n = drive(world, call_read, room, sizeof room)) > 0; got += (size_t)n)
        for (int i = 0; i < n; i++)
            assert_int_equal(room[i], block[(got + (size_t)i) % BLOCK]);
    assert_int_equal(got, TOTAL);
    assert_int_equal(SSL_get_shutdown(world->client), SSL_RECEIVED_SHUTDOWN); /* it has said that it ends */
    assert_true(world->drained);
}

static void a_stream_that_is_paused_loses_nothing_that_tls_has_read_already(void **state)
{
    enum { PART = 1000, PARTS = 100 };
    struct world *world = *state;
    char part[PART];
    memset(part, 'x', sizeof part);
    connect_client(world);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    stream_set_input_limit(world->stream, PART / 2); /* less than a record */
    for (int i = 0; i < PARTS; i++)
        assert_int_equal(drive(world, call_write, part, PART), PART);
    stream_pause(world->stream);
    for (int i = 0; i < 20; i++)
        loop_run_once(world->loop, false);
    size_t before = world->got.length;
    assert_true(before < (size_t)PART * PARTS);
    SSL_shutdown(world->client);
    stream_resume(world->stream);
    run_until_got(world, (size_t)PART * PARTS);
    for (int i = 0; i < 100 && !world->eof; i++)
        loop_run_once(world->loop, false);
    assert_true(world->eof); /* without anything more from the socket */
}

static void garbage_fails_the_stream_from_the_loop(void **state)
{
    struct world *world = *state;
    connect_client(world);
    assert_int_equal(write(world->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    for (int i = 0; i < 100 && !world->failed; i++)
        loop_run_once(world->loop, false);
    assert_true(world->failed);
    assert_int_equal(world->status, ST_INVALID);
    assert_int_equal(stream_write(world->stream, "x", 1), ST_CLOSED);
}

static void a_client_that_leaves_while_it_greets_is_a_failure(void **state)
{
    struct world *world = *state;
    connect_client(world);
    SSL_do_handshake(world->client);
    close(world->fd);
    world->fd = -1;
    for (int i = 0; i < 100 && !world->failed && !world->eof; i++)
        loop_run_once(world->loop, false);
    assert_true(world->failed || world->eof);
    assert_int_equal(world->got.length, 0);
}

static void protocols_and_versions_are_agreed_upon(void **state)
{
    struct world *world = *state;
    const unsigned char *chosen;
    unsigned n;
    connect_client(world);
    assert_int_equal(SSL_set_alpn_protos(world->client, (const unsigned char *)"\2h2\3dot", 7), 0);
    assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
    SSL_get0_alpn_selected(world->client, &chosen, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(chosen, "dot", 3);
    hang_up(world);
    connect_client(world);
    assert_int_equal(SSL_set_alpn_protos(world->client, (const unsigned char *)"\2h2", 3), 0);
    assert_true(drive(world, call_handshake, NULL, 0) < 1);
    hang_up(world);
    connect_client(world);
    SSL_set_min_proto_version(world->client, TLS1_1_VERSION);
    SSL_set_max_proto_version(world->client, TLS1_1_VERSION);
    SSL_set_cipher_list(world->client, "ALL:@SECLEVEL=0");
    assert_true(drive(world, call_handshake, NULL, 0) < 1);
    ERR_clear_error();
}

static void a_ticket_is_taken_by_who_gave_it_and_no_other(void **state)
{
    struct world *world = *state;
    struct fault fault;
    char byte;
    SSL_CTX_set_session_cache_mode(world->context, SSL_SESS_CACHE_CLIENT);
    SSL_SESSION *ticket = NULL;
    for (int round = 0; round < 3; round++) {
        if (round == 2)
            assert_int_equal(load(world, &fault), ST_OK); /* renewed: other keys */
        connect_client(world);
        if (ticket)
            assert_int_equal(SSL_set_session(world->client, ticket), 1);
        SSL_SESSION_free(ticket);
        assert_int_equal(drive(world, call_handshake, NULL, 0), 1);
        assert_int_equal(SSL_session_reused(world->client), round == 1);
        assert_int_equal(drive(world, call_write, (char[]){"?"}, 1), 1);
        run_until_got(world, 1);
        assert_int_equal(stream_write(world->stream, "!", 1), ST_OK);
        assert_int_equal(drive(world, call_read, &byte, 1), 1); /* tickets come before */
        ticket = SSL_get1_session(world->client);
        SSL_shutdown(world->client);
        hang_up(world);
    }
    SSL_SESSION_free(ticket);
}

static void the_first_name_of_a_host_is_its_name(void **state)
{
    struct world *world = *state;
    struct fault fault;
    assert_string_equal(tls_server_name(world->tls), "dns.example");
    assert_string_equal(tls_server_name(NULL), "");
    unlink(world->certificate);
    unlink(world->key);
    write_files(world, "IP:127.0.0.1");
    assert_int_equal(load(world, &fault), ST_OK);
    assert_string_equal(tls_server_name(world->tls), "");
}

static void what_is_wrong_with_a_file_names_it_and_its_option(void **state)
{
    struct world *world = *state;
    struct fault fault;
    assert_int_equal(chmod(world->key, 0604), 0);
    assert_int_equal(load(world, &fault), ST_DENIED);
    assert_non_null(strstr(fault.text, "dns.tls-key: /tmp/test_tls."));
    assert_non_null(strstr(fault.text, "is open to others (mode 0604)"));
    assert_int_equal(chmod(world->key, 0600), 0);

    char other[64], kept[64];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    write_pem(other, key, NULL, 0600);
    EVP_PKEY_free(key);
    memcpy(kept, world->key, sizeof kept);
    memcpy(world->key, other, sizeof other);
    assert_int_equal(load(world, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "is not the key of the certificate in /tmp/test_tls."));
    assert_int_equal(unlink(other), 0);
    assert_int_equal(load(world, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "dns.tls-key: /tmp/test_tls."));
    memcpy(world->key, kept, sizeof kept);

    FILE *file = fopen(world->certificate, "w");
    assert_non_null(file);
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    fclose(file);
    assert_int_equal(load(world, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "dns.tls-certificate: there is no certificate in PEM form in /tmp/test_tls."));
    assert_int_equal(unlink(world->certificate), 0);
    assert_int_equal(load(world, &fault), ST_NOT_FOUND);
    assert_non_null(strstr(fault.text, "dns.tls-certificate: /tmp/test_tls."));
}

int main(void)
{
#define TLS_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TLS_TEST(bytes_go_both_ways),
        TLS_TEST(a_record_ends_where_it_is_cut),
        TLS_TEST(many_records_go_out_as_the_client_reads),
        TLS_TEST(a_client_that_leaves_with_records_on_the_way_is_a_failure),
        TLS_TEST(much_is_sent_in_pieces_as_the_client_reads),
        TLS_TEST(a_stream_that_is_paused_loses_nothing_that_tls_has_read_already),
        TLS_TEST(garbage_fails_the_stream_from_the_loop),
        TLS_TEST(a_client_that_leaves_while_it_greets_is_a_failure),
        TLS_TEST(protocols_and_versions_are_agreed_upon),
        TLS_TEST(a_ticket_is_taken_by_who_gave_it_and_no_other),
        TLS_TEST(the_first_name_of_a_host_is_its_name),
        TLS_TEST(what_is_wrong_with_a_file_names_it_and_its_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
