#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648 section 10 */
static const struct {
    const char *plain, *coded;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"},
               {"\xfb\xff\xbe", "+/++"}};

static void the_vectors_of_the_rfc_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buf coded = {0};
        uint8_t plain[16];
        size_t n = strlen(vectors[i].plain), length;
        base64_encode(&coded, vectors[i].plain, n);
        assert_string_equal(buf_text(&coded), vectors[i].coded);
        assert_true(base64_decode(str_of(vectors[i].coded), plain, n, &length));
        assert_int_equal(length, n);
        assert_memory_equal(plain, vectors[i].plain, n);
        buf_free(&coded);
    }
}

static void what_is_not_exactly_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Z",    "Zg",    "Zg=",   "Zh==", "Zm9=",  "====",     "=Zg=",      "Zg==Zg==",
                                        "Zm 9", "Zm9v ", "Zm9\n", "Zm-_", "Zm9v=", "Zg==\r\n", "Z\xc3\xa9g"};
    uint8_t out[16];
    size_t length;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (base64_decode(str_of(wrong[i]), out, sizeof out, &length))
            fail_msg("\"%s\" was taken", wrong[i]);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    uint8_t out[4];
    size_t length;
    assert_true(base64_decode(STR("Zm9vYg=="), out, 4, &length));
    assert_false(base64_decode(STR("Zm9vYmE="), out, 4, &length));
    assert_false(base64_decode(STR("Zm9vYg=="), out, 3, &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_go_both_ways),
        cmocka_unit_test(what_is_not_exactly_base64_is_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
