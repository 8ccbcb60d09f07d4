#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reputation/embedded_v4.h"

/* The IPv4 addresses in TEXT, with a blank after each. */
static const char *embedded(const char *text)
{
    static char out[EMBEDDED_V4_MAX * ADDR_TEXT_SIZE + 1];
    struct addr addr, v4[EMBEDDED_V4_MAX];
    char one[ADDR_TEXT_SIZE];
    assert_int_equal(addr_parse_ip(str_of(text), &addr), ST_OK);
    addr.port = 443;
    size_t count = embedded_v4(&addr, v4), used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(v4[i].port, 443);
        addr_format_ip(&v4[i], one);
        used += (size_t)snprintf(out + used, sizeof out - used, "%s ", one);
    }
    return out;
}

static void gateways_addresses_have_one(void **state)
{
    (void)state;
    assert_string_equal(embedded("64:ff9b::192.0.2.33"), "192.0.2.33 ");
    assert_string_equal(embedded("2002:c000:221::1"), "192.0.2.33 ");
    assert_string_equal(embedded("2002:c000:221:1:2:3:4:5"), "192.0.2.33 ");
    assert_string_equal(embedded("64:ff9b:1::192.0.2.33"), "192.0.2.33 ");
    assert_string_equal(embedded("64:ff9b:1:fffe::192.0.2.33"), "192.0.2.33 ");
    assert_string_equal(embedded("64:ff9b:1:fffe:0:0:192.0.2.33"), "192.0.2.33 ");
}

static void other_addresses_have_none(void **state)
{
    (void)state;
    assert_string_equal(embedded("192.0.2.33"), "");
    assert_string_equal(embedded("2001:db8::192.0.2.33"), "");
    assert_string_equal(embedded("64:ff9b:0:1::192.0.2.33"), "");
    assert_string_equal(embedded("64:ff9b:2::192.0.2.33"), "");
    assert_string_equal(embedded("64:ff9b:1:0:100::192.0.2.33"), ""); /* the byte that is always zero */
}

/* The examples of RFC 6052 section 2.4, under the prefix of RFC 8215. */
static void shorter_prefixes_are_tried_where_what_follows_is_zero(void **state)
{
    (void)state;
    assert_non_null(strstr(embedded("64:ff9b:1:c000:2:2100::"), "192.0.2.33 "));
    assert_non_null(strstr(embedded("64:ff9b:1:1c0:0:221::"), "192.0.2.33 "));
    assert_non_null(strstr(embedded("64:ff9b:1:344:c0:2:2100::"), "192.0.2.33 "));
    assert_string_equal(embedded("64:ff9b:1:344:c0:2:2100::"), "33.0.0.0 192.0.2.33 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateways_addresses_have_one),
        cmocka_unit_test(other_addresses_have_none),
        cmocka_unit_test(shorter_prefixes_are_tried_where_what_follows_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
