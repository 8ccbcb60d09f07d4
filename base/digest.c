#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

enum status digest_bytes(const void *data, size_t n, uint8_t out[DIGEST_BYTES])
{
    return EVP_Digest(data, n, out, NULL, EVP_sha256(), NULL) == 1 ? ST_OK : ST_NOMEM;
}

enum status digest_file(int fd, uint8_t out[DIGEST_BYTES])
{
    static _Thread_local uint8_t block[65536];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum status status = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 ? ST_OK : ST_NOMEM;
    off_t offset = 0;
    while (status == ST_OK) {
        ssize_t n = pread(fd, block, sizeof block, offset);
        if (n <= 0) {
            status = n < 0 ? ST_IO : ST_OK;
            break;
        }
        offset += n;
        if (EVP_DigestUpdate(context, block, (size_t)n) != 1)
            status = ST_NOMEM;
    }
    if (status == ST_OK && EVP_DigestFinal_ex(context, out, NULL) != 1)
        status = ST_NOMEM;
    EVP_MD_CTX_free(context);
    return status;
}

void digest_format(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[i * 2] = hex[digest[i] >> 4];
        out[i * 2 + 1] = hex[digest[i] & 15];
    }
    out[DIGEST_TEXT_SIZE - 1] = '\0';
}

static const struct {
    const char *name;
    size_t bytes;
} hashes[] = {[HMAC_SHA256] = {"SHA256", 32}, [HMAC_SHA384] = {"SHA384", 48}, [HMAC_SHA512] = {"SHA512", 64}};

struct hmac {
    enum hmac_hash hash;
    EVP_MAC_CTX *context;
    bool failed;
};

size_t hmac_bytes(enum hmac_hash hash)
{
    return hashes[hash].bytes;
}

struct hmac *hmac_new(enum hmac_hash hash, const void *key, size_t n)
{
    static const uint8_t none[1];
    char name[8]; /* OpenSSL's prototype is older than const */
    text_copy(name, sizeof name, str_of(hashes[hash].name));
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    struct hmac *hmac = calloc(1, sizeof *hmac);
    EVP_MAC *kind = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (hmac && kind)
        hmac->context = EVP_MAC_CTX_new(kind);
    EVP_MAC_free(kind); /* the context holds it */
    if (!hmac || !hmac->context || EVP_MAC_init(hmac->context, n ? key : none, n, params) != 1) {
        hmac_free(hmac);
        return NULL;
    }
    hmac->hash = hash;
    return hmac;
}

void hmac_free(struct hmac *hmac)
{
    if (!hmac)
        return;
    EVP_MAC_CTX_free(hmac->context);
    free(hmac);
}

void hmac_add(struct hmac *hmac, const void *data, size_t n)
{
    if (n && EVP_MAC_update(hmac->context, data, n) != 1)
        hmac->failed = true;
}

enum status hmac_finish(struct hmac *hmac, uint8_t out[HMAC_MAX_BYTES])
{
    size_t n = 0;
    bool good = EVP_MAC_final(hmac->context, out, &n, HMAC_MAX_BYTES) == 1 && !hmac->failed;
    CHECK(!good || n == hashes[hmac->hash].bytes);
    /* Without a key: the one that it has. */
    hmac->failed = EVP_MAC_init(hmac->context, NULL, 0, NULL) != 1;
    return good ? ST_OK : ST_NOMEM;
}

bool digest_same(const uint8_t *a, const uint8_t *b, size_t n)
{
    return !CRYPTO_memcmp(a, b, n);
}
