#include "net_fixture.h"

#include <openssl/ssl.h>

#include "net/tls_hello.h"

enum { RECORD_HEAD = 5 };

struct bytes {
    uint8_t data[40000];
    size_t n;
};

/* What OpenSSL sends to a host of this name; no name: NULL. */
static void make_hello(const char *name, int max_version, struct bytes *out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *sent = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, sent);
    assert_int_equal(SSL_set_max_proto_version(ssl, max_version), 1);
    if (name)
        assert_int_equal(SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)name), 1);
    assert_int_equal(SSL_connect(ssl), -1);
    int n = BIO_read(sent, out->data, sizeof out->data);
    assert_true(n > 100);
    out->n = (size_t)n;
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static enum status parse(const struct bytes *bytes, size_t n, struct tls_hello *hello)
{
    char *exact = malloc(n ? n : 1); /* so that a read past the end is seen */
    memcpy(exact, bytes->data, n);
    enum status status = tls_hello_parse((struct str){exact, n}, hello);
    free(exact);
    return status;
}

/* Splits the one record of HELLO into records of SIZE bytes. */
static void split(const struct bytes *hello, size_t size, struct bytes *out)
{
    out->n = 0;
    for (size_t at = RECORD_HEAD; at < hello->n; at += size) {
        size_t n = hello->n - at < size ? hello->n - at : size;
        memcpy(out->data + out->n, ((uint8_t[]){22, 3, 1, (uint8_t)(n >> 8), (uint8_t)n}), RECORD_HEAD);
        memcpy(out->data + out->n + RECORD_HEAD, hello->data + at, n);
        out->n += RECORD_HEAD + n;
    }
}

static void the_name_of_a_real_hello_is_found(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct bytes hello;
        struct tls_hello parsed;
        make_hello("ca91-1.winshipway.com", versions[i], &hello);
        assert_int_equal(parse(&hello, hello.n, &parsed), ST_OK);
        assert_string_equal(parsed.sni, "ca91-1.winshipway.com");
        assert_false(parsed.has_ech);
        make_hello(NULL, versions[i], &hello);
        assert_int_equal(parse(&hello, hello.n, &parsed), ST_OK);
        assert_string_equal(parsed.sni, "");
    }
}

static void a_hello_is_awaited_until_it_is_whole(void **state)
{
    (void)state;
    struct bytes hello, records;
    struct tls_hello parsed;
    make_hello("example.test", TLS1_3_VERSION, &hello);
    static const size_t sizes[] = {16384, 100, 7, 1};
    for (size_t i = 0; i < 4; i++) {
        split(&hello, sizes[i], &records);
        for (size_t n = 0; n < records.n; n++) {
            assert_int_equal(parse(&records, n, &parsed), ST_TRUNCATED);
            assert_in_range(parsed.missing_bytes, 1, records.n - n);
        }
        assert_int_equal(parse(&records, records.n, &parsed), ST_OK);
        assert_string_equal(parsed.sni, "example.test");
        records.data[records.n] = 0xff; /* what follows the hello is not ours */
        assert_int_equal(parse(&records, records.n + 1, &parsed), ST_OK);
    }
}

static void few_tries_find_the_end_of_a_hello(void **state)
{
    (void)state;
    struct bytes hello, records;
    struct tls_hello parsed;
    make_hello("example.test", TLS1_3_VERSION, &hello);
    static const struct {
        size_t record_bytes;
        unsigned tries;
    } cases[] = {{16384, 10}, {1, 100}};
    for (size_t i = 0; i < 2; i++) {
        split(&hello, cases[i].record_bytes, &records);
        unsigned tries = 0;
        for (size_t n = 1; parse(&records, n, &parsed) == ST_TRUNCATED; n += parsed.missing_bytes)
            tries++;
        assert_string_equal(parsed.sni, "example.test");
        assert_in_range(tries, 1, cases[i].tries);
    }
}

static void h34_what_is_no_hello_is_told_at_its_first_byte(void **state)
{
    (void)state;
    struct tls_hello parsed;
    assert_int_equal(tls_hello_parse(STR("GET / HTTP/1.1\r\n"), &parsed), ST_INVALID);
    assert_int_equal(tls_hello_parse(STR("S"), &parsed), ST_INVALID);
    assert_int_equal(tls_hello_parse(STR("\x15\x03\x01\x00\x02\x01\x00"), &parsed), ST_INVALID); /* an alert */
    assert_int_equal(tls_hello_parse(STR("\x16\x03\x01\x00\x04\x02"), &parsed), ST_INVALID);     /* a ServerHello */
    assert_int_equal(tls_hello_parse(STR("\x16\x02\x01\x00\x04\x01"), &parsed), ST_INVALID);     /* no such version */
    assert_int_equal(tls_hello_parse(STR("\x16\x03\x01\x00\x00\x01"), &parsed), ST_INVALID);     /* an empty record */
    assert_int_equal(tls_hello_parse(STR("\x16\x03\x01\x40\x01\x01"), &parsed), ST_INVALID); /* one over 2^14 bytes */
    assert_int_equal(tls_hello_parse((struct str){0}, &parsed), ST_TRUNCATED);
}

static void h34_a_hello_over_its_bound_is_refused(void **state)
{
    (void)state;
    struct tls_hello parsed;
    assert_int_equal(tls_hello_parse(STR("\x16\x03\x01\x10\x00\x01\x00\x3f\xfd"), &parsed), ST_TOO_LARGE);
    assert_int_equal(tls_hello_parse(STR("\x16\x03\x01\x10\x00\x01\x00\x3f\xfc"), &parsed), ST_TRUNCATED);
    struct bytes many = {.n = 0};
    static const uint8_t head[] = {1, 0, 0x3f, 0xfc};
    while (many.n + 6 <= 36000) { /* one byte in each record */
        size_t i = many.n / 6;
        memcpy(many.data + many.n, ((uint8_t[]){22, 3, 1, 0, 1, i < 4 ? head[i] : 0}), 6);
        many.n += 6;
    }
    assert_int_equal(parse(&many, 32000, &parsed), ST_TRUNCATED);
    assert_int_equal(parse(&many, many.n, &parsed), ST_TOO_LARGE);
}

/* A hello made by hand around EXTENSIONS. */
static void wrap(const void *extensions, size_t n, struct bytes *out)
{
    uint8_t *p = out->data;
    size_t body = 2 + 32 + 1 + 4 + 2 + 2 + n;
    *out = (struct bytes){0};
    memcpy(p, ((uint8_t[]){22, 3, 1, (uint8_t)((body + 4) >> 8), (uint8_t)(body + 4)}), 5);
    memcpy(p + 5, ((uint8_t[]){1, 0, (uint8_t)(body >> 8), (uint8_t)body, 3, 3}), 6);
    memcpy(p + 11 + 32, ((uint8_t[]){0, 0, 2, 0x13, 1, 1, 0, (uint8_t)(n >> 8), (uint8_t)n}), 9);
    memcpy(p + 11 + 32 + 9, extensions, n);
    out->n = 5 + 4 + body;
}

static enum status parse_extensions(const void *extensions, size_t n, struct tls_hello *parsed)
{
    struct bytes hello;
    wrap(extensions, n, &hello);
    return parse(&hello, hello.n, parsed);
}

#define PARSE(bytes) parse_extensions(bytes, sizeof bytes - 1, &parsed)

static void extensions_are_read_strictly(void **state)
{
    (void)state;
    struct tls_hello parsed;
    assert_int_equal(PARSE("\0\0\0\x08\0\x06\0\0\x03"
                           "a.b"),
                     ST_OK);
    assert_string_equal(parsed.sni, "a.b");
    assert_int_equal(PARSE("\0\0\0\x0c\0\x0a\x07\0\x01x\0\0\x03"
                           "a.b"),
                     ST_OK); /* a name of another type before it */
    assert_string_equal(parsed.sni, "a.b");
    assert_int_equal(PARSE("\0\0\0\x08\0\x06\0\0\x03"
                           "a.b\0\0\0\x08\0\x06\0\0\x03"
                           "a.b"),
                     ST_INVALID); /* twice */
    assert_string_equal(parsed.sni, "");
    assert_int_equal(PARSE("\0\0\0\x0e\0\x0c\0\0\x03"
                           "a.b\0\0\x03"
                           "c.d"),
                     ST_INVALID); /* two names */
    assert_int_equal(PARSE("\0\0\0\x08\0\x06\0\0\x04"
                           "a.b"),
                     ST_INVALID); /* name past its list */
    assert_int_equal(PARSE("\0\0\0\x08\0\x07\0\0\x03"
                           "a.b"),
                     ST_INVALID); /* list past its extension */
    assert_int_equal(PARSE("\0\0\0\x09\0\x06\0\0\x03"
                           "a.b"),
                     ST_INVALID); /* extension past its list */
    assert_int_equal(PARSE("\0\0\0\x09\0\x06\0\0\x03"
                           "a.bx"),
                     ST_INVALID);                                  /* junk after the list */
    assert_int_equal(PARSE("\0\0\0\x02\0\0"), ST_INVALID);         /* an empty list */
    assert_int_equal(PARSE("\0\0\0\0"), ST_INVALID);               /* not even a list */
    assert_int_equal(PARSE("\0\0\0\x05\0\x03\0\0\0"), ST_INVALID); /* an empty name */
    assert_int_equal(PARSE("\0\0\0\x08\0\x06\0\0\x03"
                           "a\0b"),
                     ST_INVALID);
    assert_int_equal(PARSE("\0\0\0\x08\0\x06\0\0\x03"
                           "a b"),
                     ST_INVALID);
    assert_int_equal(PARSE("\0\0\0\x08\0\x06\0\0\x03"
                           "a\xffz"),
                     ST_INVALID);
}

#define OUTER "\0\0\x01\0\x01\x2a\0\x02kk\0\x03"
#define NAME                                                                                                           \
    "\0\0\0\x08\0\x06\0\0\x03"                                                                                         \
    "a.b"

static void an_encrypted_hello_is_told_by_its_whole_form(void **state)
{
    (void)state;
    struct tls_hello parsed;
    assert_int_equal(PARSE("\xfe\x0d\0\x0f" OUTER "ppp" NAME), ST_OK);
    assert_true(parsed.has_ech);
    assert_string_equal(parsed.sni, "a.b");
    assert_int_equal(PARSE(NAME), ST_OK);
    assert_false(parsed.has_ech);
    /* The hello is taken all the same: what it says is for its server to refuse. */
    assert_int_equal(PARSE("\xfe\x0d\0\0" NAME), ST_OK);
    assert_false(parsed.has_ech); /* nothing in it */
    assert_int_equal(PARSE("\xfe\x0d\0\x01\x01" NAME), ST_OK);
    assert_false(parsed.has_ech); /* that of the hello within */
    assert_int_equal(PARSE("\xfe\x0d\0\x0e" OUTER "pp" NAME), ST_OK);
    assert_false(parsed.has_ech); /* cut */
    assert_int_equal(PARSE("\xfe\x0d\0\x10" OUTER "pppp" NAME), ST_OK);
    assert_false(parsed.has_ech); /* with more behind it */
    assert_int_equal(PARSE("\xfe\x0d\0\x0d\0\0\x01\0\x01\x2a\0\0\0\x03ppp" NAME), ST_OK);
    assert_false(parsed.has_ech); /* without a key */
    assert_int_equal(PARSE("\xfe\x0d\0\x0c\0\0\x01\0\x01\x2a\0\x02kk\0\0" NAME), ST_OK);
    assert_false(parsed.has_ech); /* without a hello */
}

static void a_name_fills_its_room_and_no_more(void **state)
{
    (void)state;
    struct tls_hello parsed;
    uint8_t extension[9 + 256];
    for (size_t n = 255; n <= 256; n++) {
        memcpy(extension,
               ((uint8_t[]){0, 0, (uint8_t)((n + 5) >> 8), (uint8_t)(n + 5), (uint8_t)((n + 3) >> 8), (uint8_t)(n + 3),
                            0, (uint8_t)(n >> 8), (uint8_t)n}),
               9);
        memset(extension + 9, 'n', n);
        assert_int_equal(parse_extensions(extension, 9 + n, &parsed), n == 255 ? ST_OK : ST_INVALID);
    }
}

static void a_hello_without_extensions_has_no_name(void **state)
{
    (void)state;
    struct bytes hello;
    struct tls_hello parsed;
    wrap("", 0, &hello);
    assert_int_equal(parse(&hello, hello.n, &parsed), ST_OK);
    hello.data[4] -= 2; /* the length of the extensions goes, too */
    hello.data[8] -= 2;
    assert_int_equal(parse(&hello, hello.n - 2, &parsed), ST_OK);
    hello.data[4] -= 1; /* no compression methods */
    hello.data[8] -= 1;
    assert_int_equal(parse(&hello, hello.n - 3, &parsed), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_a_real_hello_is_found),
        cmocka_unit_test(a_hello_is_awaited_until_it_is_whole),
        cmocka_unit_test(few_tries_find_the_end_of_a_hello),
        cmocka_unit_test(h34_what_is_no_hello_is_told_at_its_first_byte),
        cmocka_unit_test(h34_a_hello_over_its_bound_is_refused),
        cmocka_unit_test(extensions_are_read_strictly),
        cmocka_unit_test(an_encrypted_hello_is_told_by_its_whole_form),
        cmocka_unit_test(a_name_fills_its_room_and_no_more),
        cmocka_unit_test(a_hello_without_extensions_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
