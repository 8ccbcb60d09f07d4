/* A certificate authority made for the test, and a TLS server at 127.0.0.1 that is served by hand. */
#pragma once

#include "net_fixture.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

struct test_ca {
    EVP_PKEY *key;
    X509 *cert;
    char path[40]; /* the certificate as a PEM file */
};

static inline void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline X509 *make_cert(EVP_PKEY *key, const char *name, long from_s, long until_s)
{
    static long serial;
    X509 *cert = X509_new();
    assert_non_null(cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), until_s);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(cert, key);
    return cert;
}

static inline void open_ca(struct test_ca *ca)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's sockets know no other way */
    static unsigned count;
    char name[32];
    snprintf(name, sizeof name, "authority %u for tests", ++count);
    ca->key = EVP_EC_gen("P-256");
    ca->cert = make_cert(ca->key, name, -3600, 3600);
    X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert));
    add_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign");
    assert_true(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0);
    snprintf(ca->path, sizeof ca->path, "/tmp/test_ca.XXXXXX");
    int fd = mkstemp(ca->path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, ca->cert), 1);
    fclose(file);
}

static inline void close_ca(struct test_ca *ca)
{
    unlink(ca->path);
    EVP_PKEY_free(ca->key);
    X509_free(ca->cert);
}

/* What a server shows: a certificate of CA for NAMES ("DNS:dns.example, IP:127.0.0.1") that ends UNTIL_S from now. */
static inline SSL_CTX *server_context(const struct test_ca *ca, const char *names, long until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_cert(key, "a server for tests", -7200, until_s);
    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
    add_extension(cert, ca->cert, NID_subject_alt_name, names);
    assert_true(X509_sign(cert, ca->key, EVP_sha256()) > 0);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(context);
    assert_int_equal(SSL_CTX_use_certificate(context, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"test", 4);
    X509_free(cert);
    EVP_PKEY_free(key);
    return context;
}

enum { TLS_INBOX = 70000 };

struct tls_fake {
    SSL_CTX *context;
    struct addr addr;
    int listener, fd; /* -1: closed */
    SSL *ssl;
    bool greeted;
    unsigned accepted, greetings, resumed;
    const char *speaks;      /* the protocol that it takes; NULL: the first that is offered */
    char alpn[16], name[64]; /* of the last greeting */
    uint8_t inbox[TLS_INBOX];
    size_t inbox_length;
};

static inline int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in,
                              unsigned n, void *arg)
{
    (void)ssl;
    const struct tls_fake *fake = arg;
    for (unsigned at = 0; at < n; at += in[at] + 1u)
        if (!fake->speaks || (in[at] == strlen(fake->speaks) && !memcmp(in + at + 1, fake->speaks, in[at]))) {
            *out = in + at + 1;
            *out_length = in[at];
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static inline void open_tls_fake(struct tls_fake *fake, SSL_CTX *context_own)
{
    fake->context = context_own;
    fake->addr = loopback(0);
    fake->listener = plain_bound(SOCK_STREAM | SOCK_NONBLOCK, &fake->addr);
    fake->addr = plain_addr(fake->listener);
    assert_int_equal(listen(fake->listener, 4), 0);
    fake->fd = -1;
    fake->ssl = NULL;
    fake->speaks = NULL;
    fake->accepted = fake->greetings = fake->resumed = 0;
    fake->inbox_length = 0;
    if (fake->context)
        SSL_CTX_set_alpn_select_cb(fake->context, choose_alpn, fake);
}

static inline void drop_tls_connection(struct tls_fake *fake)
{
    SSL_free(fake->ssl);
    if (fake->fd >= 0)
        close(fake->fd);
    fake->ssl = NULL;
    fake->fd = -1;
    fake->inbox_length = 0;
}

static inline void close_tls_fake(struct tls_fake *fake)
{
    drop_tls_connection(fake);
    close(fake->listener);
    SSL_CTX_free(fake->context);
}

static inline void note_greeting(struct tls_fake *fake)
{
    const unsigned char *alpn;
    unsigned n;
    const char *name = SSL_get_servername(fake->ssl, TLSEXT_NAMETYPE_host_name);
    SSL_get0_alpn_selected(fake->ssl, &alpn, &n);
    snprintf(fake->alpn, sizeof fake->alpn, "%.*s", (int)n, n ? (const char *)alpn : "");
    snprintf(fake->name, sizeof fake->name, "%s", name ? name : "");
    fake->greeted = true;
    fake->greetings++;
    fake->resumed += SSL_session_reused(fake->ssl) != 0;
}

/* Takes a connection, greets, reads into the inbox; one connection at a time. A new one ends the one before. */
static inline void serve_tls(struct tls_fake *fake)
{
    int fd = accept4(fake->listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd >= 0) {
        drop_tls_connection(fake);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        fake->fd = fd;
        fake->accepted++;
        fake->greeted = false;
        if (fake->context) {
            fake->ssl = SSL_new(fake->context);
            SSL_set_fd(fake->ssl, fd);
        }
    }
    if (!fake->ssl)
        return;
    ERR_clear_error();
    if (!fake->greeted && SSL_accept(fake->ssl) == 1)
        note_greeting(fake);
    int n = fake->greeted
                ? SSL_read(fake->ssl, fake->inbox + fake->inbox_length, (int)(sizeof fake->inbox - fake->inbox_length))
                : 0;
    if (n > 0)
        fake->inbox_length += (size_t)n;
    else if (fake->greeted && SSL_get_error(fake->ssl, n) != SSL_ERROR_WANT_READ)
        drop_tls_connection(fake);
    ERR_clear_error();
}
