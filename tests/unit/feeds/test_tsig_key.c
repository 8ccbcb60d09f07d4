#include "feed_test.h"

#include "feeds/tsig_key.h"

static struct tsig_key key;
static struct fault fault;

static enum status parse(const char *text)
{
    fault = (struct fault){0};
    enum status st = tsig_key_parse(str_of(text), &key, &fault);
    assert_int_equal(st == ST_OK, !fault.text[0]);
    return st;
}

static void the_forms_that_people_have_are_read(void **state)
{
    static const char *const texts[] = {
        "key \"Xfr.Key\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n",
        "key xfr.key. { secret c2VjcmV0; algorithm \"HMAC-SHA256\"; };",
        "# made by tsig-keygen\n// and by hand\n/* { }; */ key /**/ \"xfr.key\"{algorithm hmac-sha256;secret "
        "\"c2VjcmV0\" ;} ; # the end",
        "hmac-sha256:xfr.key:c2VjcmV0\n",
        "hmac-sha256:xfr.key.:c2VjcmV0\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char name[DNAME_TEXT_SIZE], algorithm[DNAME_TEXT_SIZE];
        assert_int_equal(parse(texts[i]), ST_OK);
        dname_to_text(&key.name, name);
        dname_to_text(&key.algorithm, algorithm);
        assert_string_equal(name, "xfr.key");
        assert_string_equal(algorithm, "hmac-sha256");
        assert_int_equal(key.hash, HMAC_SHA256);
        assert_int_equal(key.secret_length, 6);
        assert_memory_equal(key.secret, "secret", 6);
    }
}

static void the_algorithms_have_their_hashes(void **state)
{
    (void)state;
    assert_int_equal(parse("hmac-sha384:k:AAAA"), ST_OK);
    assert_int_equal(key.hash, HMAC_SHA384);
    assert_string_equal(tsig_hash_text(key.hash), "hmac-sha384");
    assert_int_equal(parse("hmac-sha512:k:AAAA"), ST_OK);
    assert_int_equal(key.hash, HMAC_SHA512);
    assert_memory_equal(key.secret, "\0\0\0", 3);
}

static void what_is_wrong_is_said_without_the_secret(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "it has no key"},
        {"c2VjcmV0", "it has no key"},
        {"xfr.key:c2VjcmV0", "it has no key"},
        {"xfr.key:c2VjcmV0:", "no algorithm"},
        {"hmac-md5:xfr.key:c2VjcmV0", "too weak"},
        {"hmac-sha1:xfr.key:c2VjcmV0", "too weak"},
        {"hmac-md5.sig-alg.reg.int:xfr.key:c2VjcmV0", "too weak"},
        {"hmac-sha224:xfr.key:c2VjcmV0", "not known"},
        {"hmac-sha256-128:xfr.key:c2VjcmV0", "not known"},
        {"hmac-sha256::c2VjcmV0", "no domain name"},
        {"hmac-sha256:.:c2VjcmV0", "no domain name"},
        {"hmac-sha256:k:", "base64"},
        {"hmac-sha256:k:c2VjcmV", "base64"},
        {"hmac-sha256:k:c2VjcmV=", "base64"}, /* bits left over */
        {"hmac-sha256:k:c2Vj=mV0", "base64"},
        {"hmac-sha256:k:c2VjcmV0====", "base64"},
        {"hmac-sha256:k:c2Vj cmV0", "base64"},
        {"hmac-sha256:k:====", "base64"},
        {"key \"k\" { algorithm hmac-sha256; };", "lacks its secret"},
        {"key \"k\" { secret \"c2VjcmV0\"; };", "lacks its algorithm"},
        {"key \"k\" { algorithm hmac-sha256; algorithm hmac-sha256; };", "two of 'algorithm'"},
        {"key \"k\" { secret \"c2VjcmV0\"; secret \"c2VjcmV0\"; };", "two of 'secret'"},
        {"key \"k\" { algorithm c2VjcmV0; secret \"hmac-sha256\"; };", "no algorithm"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; }", "';' is missing"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\" };", "';' is missing"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; ", "'}' is missing"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; \"}\"; ", "'}' is missing"},
        {"key \"k\" algorithm hmac-sha256; secret \"c2VjcmV0\"; };", "'{' is missing"},
        {"key { algorithm hmac-sha256; secret \"c2VjcmV0\"; };", ""},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0; };", "base64"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2Vj\ncmV0\"; };", "base64"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; }; key \"l\" { algorithm hmac-sha256; secret "
         "\"c2VjcmV0\"; };",
         "one key"},
        {"key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; }; /* open", "one key"},
        {"key \"k\" { \"algorithm\" hmac-sha256; secret \"c2VjcmV0\"; };", "lacks its algorithm"},
    };
    static const struct tsig_key none;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].text), ST_INVALID);
        assert_non_null(strstr(fault.text, cases[i].reason));
        assert_null(strstr(fault.text, "c2VjcmV0"));
        assert_memory_equal(&key, &none, sizeof key);
    }
}

static void a_secret_has_a_bound(void **state)
{
    char text[512] = "hmac-sha512:k:";
    size_t start = strlen(text), longest = (TSIG_SECRET_MAX + 2) / 3 * 4;
    (void)state;
    memset(text + start, 'A', longest);
    memcpy(text + start + longest - 2, "==", 3);
    assert_int_equal(parse(text), ST_OK);
    assert_int_equal(key.secret_length, TSIG_SECRET_MAX);
    memcpy(text + start + longest - 2, "A=", 3);
    assert_int_equal(parse(text), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms_that_people_have_are_read),
        cmocka_unit_test(the_algorithms_have_their_hashes),
        cmocka_unit_test(what_is_wrong_is_said_without_the_secret),
        cmocka_unit_test(a_secret_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
