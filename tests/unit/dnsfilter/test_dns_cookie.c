#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dnsfilter/dns_cookie.h"

static struct addr address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    return addr;
}

static void bytes_of(const char *hex, uint8_t *out, size_t n)
{
    assert_int_equal(strlen(hex), 2 * n);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
}

/* RFC 9018 appendix A: the secret, the client, and the whole cookie. */
static void d47_the_vectors_of_rfc_9018_come_out(void **state)
{
    static const struct {
        const char *secret, *client, *cookie;
    } vectors[] = {
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "203.0.113.203", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "198.51.100.100", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
        {"e5e973e5a6b2a43f48e7dc849e37bfcf", "203.0.113.203", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
        {"dd3bdf9344b678b185a6f5cb60fca715", "2001:db8:220:1:59de:d0f4:8769:82b8",
         "22681ab97d52c298010000005cf7c57926556bd0934c72f8"},
        {"445536bcd2513298075a5d379663c962", "2001:db8:220:1:59de:d0f4:8769:82b8",
         "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t secret[DNS_COOKIE_SECRET_BYTES], expected[DNS_COOKIE_BYTES], cookie[DNS_COOKIE_BYTES] = {0};
        struct addr client = address(vectors[i].client);
        bytes_of(vectors[i].secret, secret, sizeof secret);
        bytes_of(vectors[i].cookie, expected, sizeof expected);
        memcpy(cookie, expected, 16);
        dns_cookie_hash(secret, &client, cookie);
        assert_memory_equal(cookie, expected, sizeof cookie);
    }
}

static const uint8_t secret[DNS_COOKIE_SECRET_BYTES] = "sixteen bytes..";
enum { NOW_S = 1700000000 };

static enum dns_cookie_state read_at(const struct dns_cookie *had, const char *client, uint32_t now_s,
                                     struct dns_cookie *cookie)
{
    struct addr addr = address(client);
    struct str option = {(const char *)had->bytes, DNS_COOKIE_BYTES};
    assert_int_equal(dns_cookie_read(secret, option, &addr, now_s, cookie), ST_OK);
    return cookie->state;
}

static struct dns_cookie fresh(void)
{
    struct dns_cookie cookie;
    struct addr addr = address("192.0.2.1");
    assert_int_equal(dns_cookie_read(secret, STR("clientck"), &addr, NOW_S, &cookie), ST_OK);
    assert_int_equal(cookie.state, DNS_COOKIE_CLIENT_ONLY);
    return cookie;
}

static void d47_a_cookie_is_good_for_its_client_and_an_hour(void **state)
{
    struct dns_cookie cookie = fresh(), next;
    (void)state;
    assert_int_equal(read_at(&cookie, "192.0.2.1", NOW_S, &next), DNS_COOKIE_GOOD);
    assert_memory_equal(next.bytes, cookie.bytes, DNS_COOKIE_BYTES);
    assert_int_equal(read_at(&cookie, "192.0.2.1", NOW_S + 3600, &next), DNS_COOKIE_GOOD);
    assert_memory_not_equal(next.bytes, cookie.bytes, DNS_COOKIE_BYTES);
    assert_int_equal(read_at(&cookie, "192.0.2.1", NOW_S + 3601, &next), DNS_COOKIE_BAD);
    assert_int_equal(read_at(&cookie, "192.0.2.1", NOW_S - 300, &next), DNS_COOKIE_GOOD);
    assert_int_equal(read_at(&cookie, "192.0.2.1", NOW_S - 301, &next), DNS_COOKIE_BAD);
    assert_int_equal(read_at(&cookie, "192.0.2.2", NOW_S, &next), DNS_COOKIE_BAD);
    for (unsigned bit = 0; bit < DNS_COOKIE_BYTES * 8; bit++) {
        struct dns_cookie forged = cookie;
        forged.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(read_at(&forged, "192.0.2.1", NOW_S, &next), DNS_COOKIE_BAD);
    }
}

static void d47_cookies_outlive_the_change_of_the_days_key(void **state)
{
    enum { MIDNIGHT_S = NOW_S / 86400 * 86400 };
    struct addr addr = address("192.0.2.1");
    struct dns_cookie late, early, next;
    (void)state;
    assert_int_equal(dns_cookie_read(secret, STR("clientck"), &addr, MIDNIGHT_S - 1, &late), ST_OK);
    assert_int_equal(dns_cookie_read(secret, STR("clientck"), &addr, MIDNIGHT_S, &early), ST_OK);
    assert_int_equal(read_at(&late, "192.0.2.1", MIDNIGHT_S + 60, &next), DNS_COOKIE_GOOD);
    assert_int_equal(read_at(&early, "192.0.2.1", MIDNIGHT_S + 60, &next), DNS_COOKIE_GOOD);
    uint8_t same_key[DNS_COOKIE_BYTES];
    memcpy(same_key, late.bytes, sizeof same_key);
    memcpy(same_key + 16, early.bytes + 16, 8);
    assert_memory_not_equal(same_key, late.bytes, sizeof same_key);
}

static void d47_lengths_that_no_cookie_has_are_invalid(void **state)
{
    static const char bytes[64];
    struct addr addr = address("192.0.2.1");
    struct dns_cookie cookie;
    (void)state;
    for (size_t n = 0; n < sizeof bytes; n++) {
        enum status expected = n == 8 || (n >= 16 && n <= 40) ? ST_OK : ST_INVALID;
        assert_int_equal(dns_cookie_read(secret, (struct str){bytes, n}, &addr, NOW_S, &cookie), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(d47_the_vectors_of_rfc_9018_come_out),
        cmocka_unit_test(d47_a_cookie_is_good_for_its_client_and_an_hour),
        cmocka_unit_test(d47_cookies_outlive_the_change_of_the_days_key),
        cmocka_unit_test(d47_lengths_that_no_cookie_has_are_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
