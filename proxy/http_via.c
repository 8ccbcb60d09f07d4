#include "proxy/http_via.h"

#include <string.h>
#include <sys/random.h>

enum status http_via_init(struct http_via *via)
{
    return getrandom(via->key, sizeof via->key, 0) == (ssize_t)sizeof via->key ? ST_OK : ST_IO;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012) over TEXT in lower case. */
static uint64_t sip_hash(const uint64_t key[2], struct str text)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                     key[1] ^ 0x7465646279746573};
    uint64_t word = 0;
    for (size_t i = 0; i < text.length; i++) {
        word |= (uint64_t)(uint8_t)ascii_lower(text.data[i]) << (i % 8 * 8);
        if (i % 8 == 7) {
            sip_word(v, word);
            word = 0;
        }
    }
    sip_word(v, word | (uint64_t)text.length << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void http_via_token(const struct http_via *via, struct str host, char token[HTTP_VIA_TOKEN_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = sip_hash(via->key, host);
    for (int i = 0; i < HTTP_VIA_TOKEN_SIZE - 1; i++)
        token[i] = digits[hash >> (60 - i * 4) & 15];
    token[HTTP_VIA_TOKEN_SIZE - 1] = '\0';
}

bool http_via_is_loop(const struct http_head *request, const char *token)
{
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (str_eq_nocase(field->name, STR("Via")) &&
            memmem(field->value.data, field->value.length, token, HTTP_VIA_TOKEN_SIZE - 1))
            return true;
    }
    return false;
}
