#include "net/tls_trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

struct tls_trust {
    atomic_uint users;
    SSL_CTX *context;
};

/* Debian's; one file that is read now, where OpenSSL's own default is a folder that it looks into while it connects. */
static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";

static enum status load_authorities(SSL_CTX *context, const char *ca_file, struct fault *fault)
{
    const char *path = ca_file && *ca_file ? ca_file : getenv(X509_get_default_cert_file_env());
    if ((!path || !*path) && access(system_file, R_OK) == 0)
        path = system_file;
    if (path && *path && access(path, R_OK))
        return fault_errno(fault, file_status(errno), "the certificates of authorities in %s cannot be read", path);
    ERR_clear_error();
    bool loaded =
        path && *path ? SSL_CTX_load_verify_file(context, path) == 1 : SSL_CTX_set_default_verify_paths(context) == 1;
    if (loaded)
        return ST_OK;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return fault_set(fault, ST_INVALID, "the certificates of authorities in %s cannot be read: %s",
                     path ? path : "the system's folder", reason ? reason : "no certificate in it");
}

void tls_session_forget(struct tls_session *session)
{
    SSL_SESSION_free(session->latest);
    session->latest = NULL;
}

/* OpenSSL has a ticket for us; 1: it is ours now. */
static int on_new_session(SSL *ssl, SSL_SESSION *ticket)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    tls_session_forget(session);
    session->latest = ticket;
    return 1;
}

static SSL_CTX *make_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    return context;
}

enum status tls_trust_new(const char *ca_file, struct tls_trust **result, struct fault *fault)
{
    struct tls_trust *trust = calloc(1, sizeof *trust);
    if (!trust || !(trust->context = make_context())) {
        free(trust);
        return fault_set(fault, ST_NOMEM, "out of memory");
    }
    atomic_init(&trust->users, 1);
    enum status status = load_authorities(trust->context, ca_file, fault);
    if (status != ST_OK) {
        tls_trust_unref(trust);
        return status;
    }
    *result = trust;
    return ST_OK;
}

struct tls_trust *tls_trust_ref(struct tls_trust *trust)
{
    atomic_fetch_add_explicit(&trust->users, 1, memory_order_relaxed);
    return trust;
}

void tls_trust_unref(struct tls_trust *trust)
{
    if (!trust || atomic_fetch_sub_explicit(&trust->users, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(trust->context);
    free(trust);
}

SSL_CTX *tls_trust_context(const struct tls_trust *trust)
{
    return trust->context;
}
