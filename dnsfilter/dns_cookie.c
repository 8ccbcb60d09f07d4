#include "dnsfilter/dns_cookie.h"

#include <string.h>

#include "base/cursor.h"

enum {
    VERSION = 1,
    VERSION_OFFSET = DNS_COOKIE_CLIENT_BYTES,
    TIME_OFFSET = VERSION_OFFSET + 4,
    HASH_OFFSET = TIME_OFFSET + 4,
    SERVER_MIN_BYTES = 8,
    SERVER_MAX_BYTES = 32,
    /* RFC 9018 section 4.3 */
    MAX_AGE_S = 3600,
    RENEW_AGE_S = 1800,
    MAX_AHEAD_S = 300,
    KEY_PERIOD_S = 86400,
};

static void put_lowest_first(uint8_t out[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

void dns_cookie_hash(const uint8_t key[DNS_COOKIE_SECRET_BYTES], const struct addr *client,
                     uint8_t cookie[DNS_COOKIE_BYTES])
{
    uint8_t input[HASH_OFFSET + sizeof client->ip];
    bool v4 = addr_is_v4(client);
    struct wire wire = wire_into(input, sizeof input);
    wire_bytes(&wire, cookie, HASH_OFFSET);
    wire_bytes(&wire, client->ip + (v4 ? 12 : 0), v4 ? 4 : sizeof client->ip);
    put_lowest_first(cookie + HASH_OFFSET, siphash(key, input, wire_length(&wire)));
}

/* Each day has a key of its own (RFC 9018 section 5), and the time in a cookie tells which: nothing is to be handed
 * round when it changes, and cookies from before midnight stay good. */
static void key_of_day(const uint8_t secret[DNS_COOKIE_SECRET_BYTES], uint32_t time_s,
                       uint8_t key[DNS_COOKIE_SECRET_BYTES])
{
    uint8_t input[5];
    struct wire wire = wire_into(input, sizeof input);
    wire_u32(&wire, time_s / KEY_PERIOD_S);
    for (uint8_t half = 0; half < 2; half++) {
        input[4] = half;
        put_lowest_first(key + 8 * half, siphash(secret, input, sizeof input));
    }
}

static void sign(const uint8_t secret[DNS_COOKIE_SECRET_BYTES], const struct addr *client, uint32_t time_s,
                 uint8_t cookie[DNS_COOKIE_BYTES])
{
    uint8_t key[DNS_COOKIE_SECRET_BYTES];
    key_of_day(secret, time_s, key);
    dns_cookie_hash(key, client, cookie);
}

/* The same time whatever the bytes are, so that nobody learns the hash by trying. */
static bool same_hash(const uint8_t *a, const uint8_t *b)
{
    uint8_t different = 0;
    for (unsigned i = 0; i < DNS_COOKIE_BYTES - HASH_OFFSET; i++)
        different |= (uint8_t)(a[i] ^ b[i]);
    return !different;
}

/* Whether it is ours and of this client; *AGE_S by serial arithmetic (RFC 1982), so that 2106 does no harm. */
static bool is_ours(const uint8_t secret[DNS_COOKIE_SECRET_BYTES], struct str option, const struct addr *client,
                    uint32_t now_s, int32_t *age_s)
{
    uint8_t expected[DNS_COOKIE_BYTES];
    if (option.length != DNS_COOKIE_BYTES || (uint8_t)option.data[VERSION_OFFSET] != VERSION)
        return false;
    struct cursor cursor = cursor_over(option.data + TIME_OFFSET, option.length - TIME_OFFSET);
    uint32_t time_s = cursor_u32(&cursor);
    *age_s = (int32_t)(now_s - time_s);
    if (*age_s > MAX_AGE_S || *age_s < -MAX_AHEAD_S)
        return false;
    memcpy(expected, option.data, HASH_OFFSET);
    sign(secret, client, time_s, expected);
    return same_hash(expected + HASH_OFFSET, (const uint8_t *)option.data + HASH_OFFSET);
}

enum status dns_cookie_read(const uint8_t secret[DNS_COOKIE_SECRET_BYTES], struct str option, const struct addr *client,
                            uint32_t now_s, struct dns_cookie *cookie)
{
    int32_t age_s = 0;
    size_t server = option.length - DNS_COOKIE_CLIENT_BYTES; /* wraps where the client's own is not whole */
    if (server && (server < SERVER_MIN_BYTES || server > SERVER_MAX_BYTES))
        return ST_INVALID;
    cookie->state = !server                                          ? DNS_COOKIE_CLIENT_ONLY
                    : is_ours(secret, option, client, now_s, &age_s) ? DNS_COOKIE_GOOD
                                                                     : DNS_COOKIE_BAD;
    if (cookie->state == DNS_COOKIE_GOOD && age_s < RENEW_AGE_S) {
        memcpy(cookie->bytes, option.data, DNS_COOKIE_BYTES);
        return ST_OK;
    }
    struct wire wire = wire_into(cookie->bytes, sizeof cookie->bytes);
    wire_bytes(&wire, option.data, DNS_COOKIE_CLIENT_BYTES);
    wire_u32(&wire, (uint32_t)VERSION << 24);
    wire_u32(&wire, now_s);
    sign(secret, client, now_s, cookie->bytes);
    return ST_OK;
}
