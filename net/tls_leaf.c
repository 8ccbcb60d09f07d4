#include "net/tls_leaf.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/authority.h"
#include "net/stream_parts.h"
#include "net/tls_server.h"

struct tls_leaf_context {
    SSL_CTX *ssl;
    EVP_PKEY *key;         /* NULL: none has come */
    struct buf key_as_der; /* what it was read from */
};

struct tls_leaf {
    unsigned users;
    SSL_CTX *context;
    X509 *certificate;
    EVP_PKEY *key;
    int64_t from_s, fresh_until_s;
    char name[256];
};

struct tls_leaf_context *tls_leaf_context_new(void)
{
    struct tls_leaf_context *context = calloc(1, sizeof *context);
    if (!context || !(context->ssl = tls_server_context_new())) {
        free(context);
        return NULL;
    }
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context->ssl, 0);
    return context;
}

static void forget_key(struct tls_leaf_context *context)
{
    EVP_PKEY_free(context->key);
    context->key = NULL;
    if (context->key_as_der.data)
        explicit_bzero(context->key_as_der.data, context->key_as_der.length);
    buf_free(&context->key_as_der);
}

void tls_leaf_context_free(struct tls_leaf_context *context)
{
    if (!context)
        return;
    forget_key(context);
    SSL_CTX_free(context->ssl);
    free(context);
}

/* A reference. NULL: DER is not exactly one key. To read one takes OpenSSL 0.3 ms, and the signer has one for many
 * leaves. */
static EVP_PKEY *take_key(struct tls_leaf_context *context, struct str der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    if (!context->key || !str_eq((struct str){context->key_as_der.data, context->key_as_der.length}, der)) {
        EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, (long)der.length); /* to guess the kind takes 0.4 ms */
        forget_key(context);
        buf_add(&context->key_as_der, der.data, der.length);
        if (!key || (const char *)at != der.data + der.length || context->key_as_der.failed) {
            EVP_PKEY_free(key);
            return NULL;
        }
        context->key = key;
    }
    EVP_PKEY_up_ref(context->key);
    return context->key;
}

/* Exactly one structure each, and the one belongs to the other and to the name. */
static bool take(struct tls_leaf *leaf, struct tls_leaf_context *context, struct str certificate, struct str key)
{
    const unsigned char *at = (const unsigned char *)certificate.data;
    leaf->certificate = d2i_X509(NULL, &at, (long)certificate.length);
    leaf->key = take_key(context, key);
    if (!leaf->certificate || !leaf->key || (const char *)at != certificate.data + certificate.length)
        return false;
    int64_t until_s = authority_seconds(X509_get0_notAfter(leaf->certificate));
    leaf->from_s = authority_seconds(X509_get0_notBefore(leaf->certificate));
    leaf->fresh_until_s = leaf->from_s + (until_s - leaf->from_s) / 2;
    return X509_check_private_key(leaf->certificate, leaf->key) == 1 &&
           X509_check_host(leaf->certificate, leaf->name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
}

enum status tls_leaf_new(struct tls_leaf_context *context, const char *name, struct str certificate, struct str key,
                         struct tls_leaf **result)
{
    struct tls_leaf *leaf = calloc(1, sizeof *leaf);
    if (!leaf)
        return ST_NOMEM;
    leaf->users = 1;
    text_copy(leaf->name, sizeof leaf->name, str_of(name));
    SSL_CTX_up_ref(context->ssl);
    leaf->context = context->ssl;
    bool good = take(leaf, context, certificate, key);
    ERR_clear_error();
    if (!good) {
        tls_leaf_unref(leaf);
        return ST_INVALID;
    }
    *result = leaf;
    return ST_OK;
}

struct tls_leaf *tls_leaf_ref(struct tls_leaf *leaf)
{
    leaf->users++;
    return leaf;
}

void tls_leaf_unref(struct tls_leaf *leaf)
{
    if (!leaf || --leaf->users)
        return;
    X509_free(leaf->certificate);
    EVP_PKEY_free(leaf->key);
    SSL_CTX_free(leaf->context);
    free(leaf);
}

const char *tls_leaf_name(const struct tls_leaf *leaf)
{
    return leaf->name;
}

bool tls_leaf_is_fresh(const struct tls_leaf *leaf)
{
    int64_t now_s = clock_wall_ms() / 1000;
    return leaf->from_s <= now_s && now_s < leaf->fresh_until_s;
}

bool tls_leaf_serve(const struct tls_leaf *leaf, struct stream *stream, const char *protocol)
{
    if (stream_queued(stream) || stream_saw_eof(stream))
        return false;
    SSL *ssl = SSL_new(leaf->context);
    if (ssl)
        SSL_set_app_data(ssl, (void *)(uintptr_t)protocol);
    bool started = ssl && SSL_use_certificate(ssl, leaf->certificate) == 1 && SSL_use_PrivateKey(ssl, leaf->key) == 1;
    if (!started)
        SSL_free(ssl);
    ERR_clear_error();
    return started && stream_tls_go_on_own(stream, ssl);
}
