#include "net/tls_server.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/log.h"
#include "net/stream_parts.h"

enum { NAME_SIZE = 256, OPEN_TO_OTHERS = S_IWGRP | S_IRWXO };

struct tls_server {
    atomic_uint users;
    SSL_CTX *context;
    char name[NAME_SIZE];
};

/* Files */

static const char *tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "it is damaged";
}

/* Told apart from what is wrong with a file's content. */
static enum status check_readable(const char *path, const char *option, struct fault *fault)
{
    if (access(path, R_OK) == 0)
        return ST_OK;
    return fault_errno(fault, file_status(errno), "%s: %s cannot be read", option, path);
}

static enum status check_key_mode(const struct tls_server_files *files, struct fault *fault)
{
    struct stat status;
    if (stat(files->key, &status) != 0)
        return fault_errno(fault, file_status(errno), "%s: %s cannot be read", files->key_option, files->key);
    if (status.st_mode & OPEN_TO_OTHERS)
        return fault_set(fault, ST_DENIED,
                         "%s: %s is open to others (mode %04o): a key is for its owner alone, chmod 600 it",
                         files->key_option, files->key, (unsigned)(status.st_mode & 07777));
    if (status.st_mode & S_IRGRP)
        log_warning("%s: %s can be read by its group; chmod 600 it unless that is meant", files->key_option,
                    files->key);
    return ST_OK;
}

static enum status load_files(SSL_CTX *context, const struct tls_server_files *files, struct fault *fault)
{
    enum status status = check_readable(files->certificate, files->certificate_option, fault);
    if (status == ST_OK)
        status = check_key_mode(files, fault);
    if (status == ST_OK)
        status = check_readable(files->key, files->key_option, fault);
    if (status != ST_OK)
        return status;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
        return fault_set(fault, ST_INVALID, "%s: there is no certificate in PEM form in %s: %s",
                         files->certificate_option, files->certificate, tls_reason());
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1) {
        bool other = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
        if (other)
            return fault_set(fault, ST_INVALID, "%s: %s is not the key of the certificate in %s", files->key_option,
                             files->key, files->certificate);
        return fault_set(fault, ST_INVALID, "%s: there is no key in PEM form without a passphrase in %s: %s",
                         files->key_option, files->key, tls_reason());
    }
    if (SSL_CTX_check_private_key(context) != 1)
        return fault_set(fault, ST_INVALID, "%s: %s is not the key of the certificate in %s: %s", files->key_option,
                         files->key, files->certificate, tls_reason());
    return ST_OK;
}

static void check_time(const SSL_CTX *context, const struct tls_server_files *files)
{
    const X509 *certificate = SSL_CTX_get0_certificate(context);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        log_warning("%s: the certificate in %s has expired: clients will refuse it", files->certificate_option,
                    files->certificate);
}

static void find_name(struct tls_server *server)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(SSL_CTX_get0_certificate(server->context), NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !server->name[0]; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        struct str text = {(const char *)ASN1_STRING_get0_data(name->d.dNSName),
                           (size_t)ASN1_STRING_length(name->d.dNSName)};
        if (text.length < sizeof server->name && !memchr(text.data, '*', text.length))
            text_copy(server->name, sizeof server->name, text);
    }
    GENERAL_NAMES_free(names);
}

/* Making */

static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return 0; /* and nobody is asked for one at the terminal */
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *offered,
                           unsigned length, void *arg)
{
    (void)arg;
    const char *protocol = SSL_get_app_data(ssl);
    struct cursor cursor = cursor_over(offered, length);
    while (cursor_left(&cursor)) {
        uint8_t n = cursor_u8(&cursor);
        const uint8_t *name = cursor_bytes(&cursor, n);
        if (!name || n != strlen(protocol) || memcmp(name, protocol, n) != 0)
            continue;
        *out = name;
        *out_length = n;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX *tls_server_context_new(void)
{
    static const unsigned char session_id[] = "ccward";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA |
                                     /* What it carries has lengths of its own, so that a cut shows. */
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); /* a record by one call of recv() instead of two */
    /* Tickets alone, by keys of this context: they serve at every worker, and nothing is kept of a client. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, session_id, sizeof session_id - 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return context;
}

enum status tls_server_new(const struct tls_server_files *files, struct tls_server **result, struct fault *fault)
{
    struct tls_server *server = calloc(1, sizeof *server);
    if (!server || !(server->context = tls_server_context_new())) {
        free(server);
        ERR_clear_error();
        return fault_set(fault, ST_NOMEM, "out of memory");
    }
    atomic_init(&server->users, 1);
    enum status status = load_files(server->context, files, fault);
    ERR_clear_error();
    if (status != ST_OK) {
        tls_server_unref(server);
        return status;
    }
    check_time(server->context, files);
    find_name(server);
    *result = server;
    return ST_OK;
}

struct tls_server *tls_server_ref(struct tls_server *server)
{
    if (server)
        atomic_fetch_add_explicit(&server->users, 1, memory_order_relaxed);
    return server;
}

void tls_server_unref(struct tls_server *server)
{
    if (!server || atomic_fetch_sub_explicit(&server->users, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(server->context);
    free(server);
}

const char *tls_server_name(const struct tls_server *server)
{
    return server ? server->name : "";
}

struct stream *tls_server_stream_own(struct loop *loop, int fd, const struct tls_server *server, const char *protocol,
                                     const struct stream_ops *ops, void *arg)
{
    struct stream *stream = stream_new_own(loop, fd, ops, arg);
    if (!stream)
        return NULL;
    SSL *ssl = SSL_new(server->context);
    if (ssl)
        SSL_set_app_data(ssl, (void *)(uintptr_t)protocol);
    if (!ssl || !stream_tls_start_own(stream, ssl)) {
        ERR_clear_error();
        stream_free(stream);
        return NULL;
    }
    return stream;
}
