#include "feed_test.h"

#include "feeds/zone.h"
#include "feeds/zone_text.h"
#include "zone_message.h"

/* The line of a record of TYPE, which is owned by "A.rpz.example" and stands behind a question for "rpz.example". */
static struct buf line;

static enum status line_of_data(uint16_t type, const void *rdata, size_t n)
{
    static struct reply reply;
    struct dns_message message;
    struct dns_record record;
    reply_start(&reply, "RPZ.example", DNS_TYPE_AXFR);
    reply_add(&reply, "A.rpz.example", type, rdata, n);
    size_t length = reply_finish(&reply);
    /* Not parsed, which would refuse data of another form than the type's before it comes here. */
    assert_int_equal(dns_header_parse(reply.bytes, length, &message.header), ST_OK);
    message.question_end = DNS_HEADER_BYTES + sizeof "\3RPZ\7example" + 4;
    struct dns_walk walk = dns_walk_start(reply.bytes, length, &message);
    assert_true(dns_walk_next(&walk, &record));
    buf_free(&line);
    return zone_text_add(&line, reply.bytes, &record);
}

static void records_are_written_as_a_zone_file_has_them(void **state)
{
    static const struct {
        uint16_t type;
        struct str rdata;
        const char *text;
    } cases[] = {
        {DNS_TYPE_CNAME, STR("\0"), "CNAME ."},
        {DNS_TYPE_CNAME, STR("\1*\0"), "CNAME *."},
        {DNS_TYPE_CNAME, STR("\14rpz-PASSTHRU\0"), "CNAME rpz-passthru."},
        {DNS_TYPE_NS, STR("\2ns\xc0\x0c"), "NS ns.rpz.example."},
        {DNS_TYPE_PTR, STR("\xc0\x10"), "PTR example."},
        {DNS_TYPE_DNAME, STR("\3a.b\0"), "DNAME a\\.b."},
        {DNS_TYPE_A, STR("\300\0\2\1"), "A 192.0.2.1"},
        {DNS_TYPE_AAAA, STR("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "AAAA 2001:db8::1"},
        {DNS_TYPE_AAAA, STR("\0\0\0\0\0\0\0\0\0\0\xff\xff\300\0\2\1"), "AAAA ::ffff:192.0.2.1"},
        {DNS_TYPE_MX, STR("\0\12\1m\xc0\x0c"), "MX 10 m.rpz.example."},
        {DNS_TYPE_SRV, STR("\0\1\0\2\0\65\1m\xc0\x0c"), "SRV 1 2 53 m.rpz.example."},
        {DNS_TYPE_TXT, STR("\3a b\0\4\"\\;\xff"), "TXT \"a b\" \"\" \"\\\"\\\\;\\255\""},
        {99, STR("\1x"), "SPF \"x\""},
        {13, STR("\1x\1y"), "HINFO \"x\" \"y\""},
        {17, STR("\xc0\x0c\0"), "RP rpz.example. ."},
        {18, STR("\0\1\xc0\x0c"), "AFSDB 1 rpz.example."},
        {35, STR("\0\1\0\2\1u\0\0\xc0\x0c"), "NAPTR 1 2 \"u\" \"\" \"\" rpz.example."},
        {DNS_TYPE_SOA, STR("\xc0\x0c\1h\xc0\x0c\xff\xff\xff\xff\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4"),
         "SOA rpz.example. h.rpz.example. 4294967295 1 2 3 4"},
        {DNS_TYPE_DS, STR("\1\2\3"), "DS \\# 3 010203"},
        {257, STR("\0\5issuex"), "CAA \\# 8 0005697373756578"},
        {65534, STR("\xab"), "TYPE65534 \\# 1 ab"},
        {65280, STR(""), "TYPE65280 \\# 0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[256];
        assert_int_equal(line_of_data(cases[i].type, cases[i].rdata.data, cases[i].rdata.length), ST_OK);
        snprintf(expected, sizeof expected, "a.rpz.example. 60 IN %s", cases[i].text);
        assert_string_equal(buf_text(&line), expected);
    }
}

static void every_type_that_is_written_is_one_that_the_reader_of_zones_knows(void **state)
{
    (void)state;
    for (unsigned type = 1; type < 300; type++) {
        static struct zone zone;
        struct zone_record record;
        if (type == DNS_TYPE_OPT || (type >= 128 && type < 256) || line_of_data((uint16_t)type, "", 0) != ST_OK)
            continue;
        zone = (struct zone){0};
        enum zone_line is = zone_take(&zone, str_of(buf_text(&line)), &record);
        assert_true(is == ZONE_RECORD || is == ZONE_NOTHING);
    }
}

static void a_text_that_does_not_fit_its_record_is_refused(void **state)
{
    static const struct {
        uint16_t type;
        struct str rdata;
    } cases[] = {{DNS_TYPE_TXT, STR("\5abc")}, {DNS_TYPE_TXT, STR("")},      {13, STR("\1x")},
                 {13, STR("\1x\1yz")},         {35, STR("\0\1\0\2\1u\0\0")}, {17, STR("\0\xc0\xff")}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(line_of_data(cases[i].type, cases[i].rdata.data, cases[i].rdata.length), ST_INVALID);
}

static void lines_are_compared_without_their_ttls(void **state)
{
    (void)state;
    assert_int_equal(zone_text_compare(STR("a. 60 IN A 192.0.2.1"), STR("a. 3600 IN A 192.0.2.1")), 0);
    assert_true(zone_text_compare(STR("a. 60 IN A 192.0.2.1"), STR("a. 60 IN A 192.0.2.2")) < 0);
    assert_true(zone_text_compare(STR("b. 60 IN A 192.0.2.1"), STR("a. 60 IN A 192.0.2.2")) > 0);
    assert_true(zone_text_compare(STR("a. 60 IN A 192.0.2.1"), STR("a. 60 IN A 192.0.2.10")) < 0);
    assert_true(zone_text_compare(STR("a"), STR("a. 60")) < 0);
    assert_int_equal(zone_text_compare(STR(""), STR("")), 0);
}

static void an_soa_is_read_from_its_line(void **state)
{
    static const struct {
        const char *line;
        enum status expected;
    } cases[] = {
        {"rpz.example. 60 IN SOA ns. h. 7 3600 600 86400 30", ST_OK},
        {"other.example. 60 IN SOA ns. h. 7 3600 600 86400 30", ST_INVALID},
        {"rpz.example. 60 IN NS ns. h. 7 3600 600 86400 30", ST_INVALID},
        {"rpz.example. 60 CH SOA ns. h. 7 3600 600 86400 30", ST_INVALID},
        {"rpz.example. 60 IN SOA ns. h. 4294967296 3600 600 86400 30", ST_INVALID},
        {"rpz.example. 60 IN SOA ns. h. 7 3600 600", ST_INVALID},
        {"$ORIGIN rpz.example.", ST_INVALID},
        {"", ST_INVALID},
    };
    struct dname zone = name_of("rpz.example");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone_soa soa = {0};
        assert_int_equal(zone_soa_parse(str_of(cases[i].line), &zone, &soa), cases[i].expected);
        assert_int_equal(soa.serial, cases[i].expected == ST_OK ? 7 : 0);
        assert_int_equal(soa.expire_s, cases[i].expected == ST_OK ? 86400 : 0);
    }
}

static void serials_go_round(void **state)
{
    (void)state;
    assert_true(serial_is_after(2, 1));
    assert_false(serial_is_after(1, 1));
    assert_false(serial_is_after(1, 2));
    assert_true(serial_is_after(5, UINT32_MAX - 5));
    assert_false(serial_is_after(UINT32_MAX - 5, 5));
    assert_true(serial_is_after(0x7fffffff, 0));
    assert_false(serial_is_after(0x80000000, 0)); /* RFC 1982 section 3.2 leaves it open */
    assert_false(serial_is_after(0, 0x80000000));
}

static int free_line(void **state)
{
    (void)state;
    buf_free(&line);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_written_as_a_zone_file_has_them),
        cmocka_unit_test(every_type_that_is_written_is_one_that_the_reader_of_zones_knows),
        cmocka_unit_test(a_text_that_does_not_fit_its_record_is_refused),
        cmocka_unit_test(lines_are_compared_without_their_ttls),
        cmocka_unit_test(an_soa_is_read_from_its_line),
        cmocka_unit_test(serials_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, free_line);
}
