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

struct tls_leaf {
    unsigned users;
    SSL_CTX *context;
    X509 *certificate;
    EVP_PKEY *key;
    int64_t from_s, fresh_until_s;
    char name[256];
};

SSL_CTX *tls_leaf_context_new(void)
{
    SSL_CTX *context = tls_server_context_new();
    if (!context)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return context;
}

void tls_leaf_context_free(SSL_CTX *context)
{
    SSL_CTX_free(context);
}

/* Exactly one structure each, and the one belongs to the other and to the name. */
static bool take(struct tls_leaf *leaf, struct str certificate, struct str key)
{
    const unsigned char *at = (const unsigned char *)certificate.data, *key_at = (const unsigned char *)key.data;
    leaf->certificate = d2i_X509(NULL, &at, (long)certificate.length);
    leaf->key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &key_at, (long)key.length); /* to guess the kind takes 0.4 ms */
    if (!leaf->certificate || !leaf->key || (const char *)at != certificate.data + certificate.length ||
        (const char *)key_at != key.data + key.length)
        return false;
    int64_t until_s = authority_seconds(X509_get0_notAfter(leaf->certificate));
    leaf->from_s = authority_seconds(X509_get0_notBefore(leaf->certificate));
    leaf->fresh_until_s = leaf->from_s + (until_s - leaf->from_s) / 2;
    return X509_check_private_key(leaf->certificate, leaf->key) == 1 &&
           X509_check_host(leaf->certificate, leaf->name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
}

enum status tls_leaf_new(SSL_CTX *context, const char *name, struct str certificate, struct str key,
                         struct tls_leaf **result)
{
    struct tls_leaf *leaf = calloc(1, sizeof *leaf);
    if (!leaf)
        return ST_NOMEM;
    leaf->users = 1;
    text_copy(leaf->name, sizeof leaf->name, str_of(name));
    SSL_CTX_up_ref(context);
    leaf->context = context;
    bool good = take(leaf, certificate, key);
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
