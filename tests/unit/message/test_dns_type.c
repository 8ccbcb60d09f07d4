#include "message/dns_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_type_reads_back_from_its_text(void **state)
{
    (void)state;
    for (unsigned type = 0; type <= UINT16_MAX; type++) {
        char text[DNS_TYPE_TEXT_SIZE];
        uint16_t again = (uint16_t)(type + 1);
        dns_type_format((uint16_t)type, text);
        assert_int_equal(dns_type_parse(str_of(text), &again), ST_OK);
        assert_int_equal(again, type);
    }
}

static void known_types_have_names(void **state)
{
    (void)state;
    char text[DNS_TYPE_TEXT_SIZE];
    uint16_t type;
    dns_type_format(65, text);
    assert_string_equal(text, "HTTPS");
    dns_type_format(65535, text);
    assert_string_equal(text, "TYPE65535");
    assert_int_equal(dns_type_parse(STR("aaaa"), &type), ST_OK);
    assert_int_equal(type, 28);
    assert_int_equal(dns_type_parse(STR("type28"), &type), ST_OK);
    assert_int_equal(type, 28);
}

static void what_is_no_type_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "AA", "28"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint16_t type;
        assert_int_equal(dns_type_parse(str_of(texts[i]), &type), ST_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_reads_back_from_its_text),
        cmocka_unit_test(known_types_have_names),
        cmocka_unit_test(what_is_no_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
