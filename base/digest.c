#include "base/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

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
