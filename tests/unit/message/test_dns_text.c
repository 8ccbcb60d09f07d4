#include "message/dns_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A response of one record with that data, as text. */
static void expect_text(uint16_t type, const void *rdata, size_t length, const char *expected)
{
    uint8_t packet[1024];
    struct dns_message query = {.question = {.type = type, .class = DNS_CLASS_IN}, .question_end = DNS_HEADER_BYTES};
    struct dns_message message;
    struct dns_record record;
    struct buf text = {0};
    assert_int_equal(dname_from_text(STR("example.org"), &query.question.name), ST_OK);
    struct dns_build build = dns_build_response(packet, sizeof packet, &query, DNS_RCODE_NOERROR);
    dns_build_own_record(&build, DNS_ANSWER, type, 60, rdata, length);
    size_t n = dns_build_finish(&build);
    assert_int_equal(dns_response_parse(packet, n, &message), ST_OK);
    struct dns_walk walk = dns_walk_start(packet, n, &message);
    assert_true(dns_walk_next(&walk, &record));
    dns_rdata_format(packet, n, &record, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_free(&text);
}

#define EXPECT(type, bytes, text) expect_text(type, bytes, sizeof(bytes) - 1, text)

static void known_types_read_as_in_a_zone_file(void **state)
{
    (void)state;
    EXPECT(DNS_TYPE_A, "\xc0\0\2\1", "192.0.2.1");
    EXPECT(DNS_TYPE_AAAA, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", "2001:db8::1");
    EXPECT(DNS_TYPE_CNAME, "\1a\7example\0", "a.example");
    EXPECT(DNS_TYPE_CNAME, "\xc0\x0c", "example.org"); /* compressed */
    EXPECT(DNS_TYPE_MX, "\0\12\4mail\xc0\x0c", "10 mail.example.org");
    EXPECT(DNS_TYPE_SRV, "\0\1\0\2\1\xbb\1a\0", "1 2 443 a");
    EXPECT(DNS_TYPE_SOA, "\1a\0\1b\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", "a b 1 2 3 4 5");
    EXPECT(DNS_TYPE_TXT, "\2ab\0\4\"\\\n\xff", "\"ab\" \"\" \"\\\"\\\\\\010\\255\"");
}

static void all_else_is_told_in_digits(void **state)
{
    (void)state;
    EXPECT(DNS_TYPE_DS, "\1\2\3\5\6", "\\# 5 0102030506");
    EXPECT(65280, "", "\\# 0");
}

static void response_codes_have_names(void **state)
{
    (void)state;
    char text[DNS_RCODE_TEXT_SIZE];
    dns_rcode_format(DNS_RCODE_NXDOMAIN, text);
    assert_string_equal(text, "NXDOMAIN");
    dns_rcode_format(DNS_RCODE_BADVERS, text);
    assert_string_equal(text, "BADVERS");
    dns_rcode_format(4095, text);
    assert_string_equal(text, "RCODE4095");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_types_read_as_in_a_zone_file),
        cmocka_unit_test(all_else_is_told_in_digits),
        cmocka_unit_test(response_codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
