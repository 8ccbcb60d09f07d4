#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"

static const char *hex_of(const uint8_t *bytes, size_t n)
{
    static char text[2 * HMAC_MAX_BYTES + 1];
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void a_digest_is_that_of_the_standard(void **state)
{
    uint8_t digest[DIGEST_BYTES];
    char text[DIGEST_TEXT_SIZE];
    (void)state;
    assert_int_equal(digest_bytes("abc", 3, digest), ST_OK);
    digest_format(digest, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, cases 1, 2 and 6. */
static void codes_are_those_of_the_rfc(void **state)
{
    static const struct {
        int key_byte; /* repeated; -1: the text */
        size_t key_length;
        const char *key, *data, *codes[3];
    } cases[] = {
        {0x0b,
         20,
         NULL,
         "Hi There",
         {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
          "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
          "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
          "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
        {-1,
         4,
         "Jefe",
         "what do ya want for nothing?",
         {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
        {0xaa,
         131,
         NULL,
         "Test Using Larger Than Block-Size Key - Hash Key First",
         {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
          "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
          "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
          "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (enum hmac_hash hash = HMAC_SHA256; hash <= HMAC_SHA512; hash++) {
            uint8_t key[256], code[HMAC_MAX_BYTES];
            memset(key, cases[i].key_byte, sizeof key);
            if (cases[i].key)
                memcpy(key, cases[i].key, cases[i].key_length);
            struct hmac *hmac = hmac_new(hash, key, cases[i].key_length);
            assert_non_null(hmac);
            for (int round = 0; round < 2; round++) { /* the second one begins anew with the same key */
                size_t n = strlen(cases[i].data), half = n / 2;
                hmac_add(hmac, cases[i].data, half);
                hmac_add(hmac, cases[i].data + half, n - half);
                assert_int_equal(hmac_finish(hmac, code), ST_OK);
                assert_string_equal(hex_of(code, hmac_bytes(hash)), cases[i].codes[hash]);
            }
            hmac_free(hmac);
        }
}

static void an_empty_key_and_nothing_to_add_have_a_code_too(void **state)
{
    uint8_t code[HMAC_MAX_BYTES];
    (void)state;
    struct hmac *hmac = hmac_new(HMAC_SHA256, NULL, 0);
    assert_non_null(hmac);
    hmac_add(hmac, NULL, 0);
    assert_int_equal(hmac_finish(hmac, code), ST_OK);
    assert_string_equal(hex_of(code, 32), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    hmac_free(hmac);
}

static void codes_are_the_same_only_byte_for_byte(void **state)
{
    (void)state;
    assert_true(digest_same((const uint8_t *)"abcd", (const uint8_t *)"abcX", 3));
    assert_false(digest_same((const uint8_t *)"abcd", (const uint8_t *)"abcX", 4));
    assert_false(digest_same((const uint8_t *)"Xbcd", (const uint8_t *)"abcd", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_is_that_of_the_standard),
        cmocka_unit_test(codes_are_those_of_the_rfc),
        cmocka_unit_test(an_empty_key_and_nothing_to_add_have_a_code_too),
        cmocka_unit_test(codes_are_the_same_only_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
