#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"

enum {
    INPUT_MAX = 128 << 10,
    CHUNK_BYTES = 16 << 10, /* a TLS record holds that much (RFC 8446 section 5.1) */
};

struct tls_client {
    struct loop *loop;
    struct stream *stream;
    SSL *ssl; /* between two memory BIOs: what was received, what is to be sent */
    struct tls_session *session;
    const struct stream_ops *ops;
    void *arg;
    struct timer *timer; /* of connecting and greeting */
    struct loop_task task;
    bool greeted, failed;
    enum status failure;
    char why[128];
    struct buf input;
    bool *gone; /* set when it is freed within a callback */
};

/* Failing */

static void on_task(void *arg)
{
    struct tls_client *client = arg;
    client->ops->on_failed(client->arg, client->failure);
}

static void fail(struct tls_client *client, enum status status)
{
    if (client->failed)
        return;
    client->failed = true;
    client->failure = status;
    timer_stop(client->timer);
    loop_defer(client->loop, &client->task);
}

static void fail_by_tls(struct tls_client *client)
{
    long verdict = SSL_get_verify_result(client->ssl);
    const char *reason =
        verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : ERR_reason_error_string(ERR_peek_last_error());
    text_copy(client->why, sizeof client->why, str_of(reason ? reason : "the TLS connection broke"));
    ERR_clear_error();
    fail(client, verdict != X509_V_OK ? ST_DENIED : ST_INVALID);
}

/* Bytes to and fro */

/* Sends what TLS wants to be sent. */
static void flush(struct tls_client *client)
{
    BIO *out = SSL_get_wbio(client->ssl);
    char *data;
    long n = BIO_get_mem_data(out, &data);
    if (n > 0 && stream_write(client->stream, data, (size_t)n) != ST_OK)
        fail(client, ST_CLOSED);
    if (n > 0)
        (void)!BIO_reset(out);
}

/* False: it goes on when more has come, or it has failed. */
static bool greet(struct tls_client *client)
{
    ERR_clear_error();
    int done = SSL_do_handshake(client->ssl);
    flush(client); /* the alert, too, that tells the server why we leave */
    if (done == 1) {
        client->greeted = true;
        timer_stop(client->timer);
        return true;
    }
    if (SSL_get_error(client->ssl, done) != SSL_ERROR_WANT_READ)
        fail_by_tls(client);
    return false;
}

/* Moves what can be decrypted to the input. EOF: the server has said that it ends. */
static void read_records(struct tls_client *client, bool *eof)
{
    for (;;) {
        char *room = buf_reserve(&client->input, CHUNK_BYTES);
        if (!room || client->input.length > INPUT_MAX) {
            fail(client, ST_NOMEM);
            return;
        }
        ERR_clear_error();
        int n = SSL_read(client->ssl, room, CHUNK_BYTES);
        if (n > 0) {
            client->input.length += (size_t)n;
            continue;
        }
        int error = SSL_get_error(client->ssl, n);
        *eof = error == SSL_ERROR_ZERO_RETURN;
        if (!*eof && error != SSL_ERROR_WANT_READ)
            fail_by_tls(client);
        flush(client);
        return;
    }
}

/* Calls one of the callbacks; false: the client is no more. */
static bool tell(struct tls_client *client, void (*callback)(void *arg))
{
    bool gone = false;
    if (!callback)
        return true;
    client->gone = &gone;
    callback(client->arg);
    if (gone)
        return false;
    client->gone = NULL;
    return true;
}

static void advance(struct tls_client *client)
{
    bool eof = false;
    if (!client->greeted && (!greet(client) || !tell(client, client->ops->on_connected)))
        return;
    if (client->failed)
        return;
    size_t before = client->input.length;
    read_records(client, &eof);
    if (client->input.length > before && !tell(client, client->ops->on_data))
        return;
    if (!client->input.length)
        buf_free(&client->input); /* an idle connection holds no buffers */
    if (eof && !client->failed)
        tell(client, client->ops->on_eof);
}

static void on_connected(void *arg)
{
    advance(arg);
}

static void on_data(void *arg)
{
    struct tls_client *client = arg;
    struct str input = stream_input(client->stream);
    if (client->failed)
        return;
    if (BIO_write(SSL_get_rbio(client->ssl), input.data, (int)input.length) != (int)input.length) {
        fail(client, ST_NOMEM);
        return;
    }
    stream_consume(client->stream, input.length);
    advance(client);
}

/* Without TLS's own farewell: messages have lengths of their own, so that a cut shows. */
static void on_eof(void *arg)
{
    struct tls_client *client = arg;
    if (!client->greeted)
        fail(client, ST_CLOSED);
    else if (!client->failed)
        tell(client, client->ops->on_eof);
}

static void on_failed(void *arg, enum status status)
{
    struct tls_client *client = arg;
    if (!client->failed)
        client->ops->on_failed(client->arg, status);
}

static void on_timer(void *arg)
{
    fail(arg, ST_TIMEOUT);
}

/* A ticket of TLS 1.3 is used once, so that nobody can tell by it that two connections are of one client (RFC 8446
 * appendix C.4). */
static void resume(struct tls_client *client)
{
    SSL_SESSION *ticket = client->session->latest;
    if (!ticket)
        return;
    if (SSL_set_session(client->ssl, ticket) != 1 || SSL_SESSION_get_protocol_version(ticket) >= TLS1_3_VERSION)
        tls_session_forget(client->session);
}

/* Making and freeing */

static bool set_identity(SSL *ssl, const struct tls_target *target)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    bool v4 = addr_is_v4(&target->addr);
    if (!*target->name)
        return X509_VERIFY_PARAM_set1_ip(param, target->addr.ip + (v4 ? 12 : 0), v4 ? 4 : 16) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    char *name = (char *)(uintptr_t)target->name; /* only read */
    return X509_VERIFY_PARAM_set1_host(param, target->name, 0) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool set_alpn(SSL *ssl, const char *alpn)
{
    unsigned char list[64];
    size_t n = strlen(alpn);
    CHECK(n && n < sizeof list);
    list[0] = (unsigned char)n;
    memcpy(list + 1, alpn, n);
    return SSL_set_alpn_protos(ssl, list, (unsigned)(n + 1)) == 0;
}

static bool make_ssl(struct tls_client *client, const struct tls_trust *trust, const struct tls_target *target)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    client->ssl = SSL_new(tls_trust_context(trust));
    if (!client->ssl || !in || !out) {
        BIO_free(in);
        BIO_free(out);
        return false;
    }
    SSL_set_bio(client->ssl, in, out);
    BIO_set_mem_eof_return(in, -1);
    SSL_set_connect_state(client->ssl);
    SSL_set_app_data(client->ssl, client->session);
    return set_identity(client->ssl, target) && set_alpn(client->ssl, target->alpn);
}

struct tls_client *tls_client_connect(struct loop *loop, const struct tls_trust *trust, const struct tls_target *target,
                                      struct tls_session *session, int64_t timeout_ms, const struct stream_ops *ops,
                                      void *arg)
{
    static const struct stream_ops stream_ops = {
        .on_connected = on_connected, .on_data = on_data, .on_eof = on_eof, .on_failed = on_failed};
    struct tls_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->loop = loop;
    client->session = session;
    client->ops = ops;
    client->arg = arg;
    client->task = (struct loop_task){.run = on_task, .arg = client};
    client->timer = timer_new(loop, on_timer, client);
    if (client->timer && make_ssl(client, trust, target))
        client->stream = stream_connect(loop, &target->addr, timeout_ms, &stream_ops, client);
    if (!client->stream) {
        ERR_clear_error();
        tls_client_free(client);
        return NULL;
    }
    resume(client);
    timer_start(client->timer, timeout_ms);
    return client;
}

/* Without it OpenSSL takes the session for a broken one, not to be resumed. */
static void say_farewell(struct tls_client *client)
{
    ERR_clear_error();
    SSL_shutdown(client->ssl);
    flush(client);
    stream_flush(client->stream);
}

void tls_client_free(struct tls_client *client)
{
    if (!client)
        return;
    if (client->gone)
        *client->gone = true;
    if (client->greeted && !client->failed)
        say_farewell(client);
    loop_task_cancel(client->loop, &client->task);
    timer_free(client->timer);
    stream_free(client->stream);
    SSL_free(client->ssl);
    buf_free(&client->input);
    free(client);
}

struct str tls_client_input(const struct tls_client *client)
{
    return (struct str){client->input.data, client->input.length};
}

void tls_client_consume(struct tls_client *client, size_t n)
{
    buf_consume(&client->input, n);
}

enum status tls_client_write(struct tls_client *client, const void *data, size_t n)
{
    if (client->failed || !client->greeted)
        return ST_CLOSED;
    if (n > INT32_MAX)
        return ST_TOO_LARGE;
    ERR_clear_error();
    if (n && SSL_write(client->ssl, data, (int)n) != (int)n) {
        fail_by_tls(client);
        return ST_CLOSED;
    }
    flush(client);
    return client->failed ? ST_CLOSED : ST_OK;
}

void tls_client_set_idle_timeout(struct tls_client *client, int64_t timeout_ms)
{
    stream_set_idle_timeout(client->stream, timeout_ms);
}

bool tls_client_resumed(const struct tls_client *client)
{
    return SSL_session_reused(client->ssl);
}

const char *tls_client_why(const struct tls_client *client)
{
    return client->why;
}
