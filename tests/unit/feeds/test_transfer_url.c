#include "feed_test.h"

#include "feeds/transfer_url.h"

static struct transfer_url url;
static struct fault fault;

static enum status parse(const char *text)
{
    fault = (struct fault){0};
    enum status st = transfer_url_parse(str_of(text), &url, &fault);
    assert_int_equal(st == ST_OK, !fault.text[0]);
    return st;
}

static const char *zone_text(void)
{
    static char text[DNAME_TEXT_SIZE];
    dname_to_text(&url.zone, text);
    return text;
}

static void primary_port_and_zone_are_read(void **state)
{
    static const struct {
        const char *text, *addr, *host, *zone;
        unsigned port;
        bool incremental;
    } cases[] = {
        {"axfr://192.0.2.1/rpz.example", "192.0.2.1:53", "", "rpz.example", 53, false},
        {"ixfr://192.0.2.1:5300/RPZ.Example.", "192.0.2.1:5300", "", "rpz.example", 5300, true},
        {"ixfr://[2001:db8::1]/rpz.example", "[2001:db8::1]:53", "", "rpz.example", 53, true},
        {"axfr://[2001:db8::1]:65535/x", "[2001:db8::1]:65535", "", "x", 65535, false},
        {"axfr://primary.example:1/my_zone.example", NULL, "primary.example", "my_zone.example", 1, false},
        {"axfr://localhost/0/26.2.0.192.example", NULL, NULL, NULL, 0, false},
        {"axfr://localhost/rpz", NULL, "localhost", "rpz", 53, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char addr[ADDR_TEXT_SIZE];
        assert_true(transfer_url_is(str_of(cases[i].text)));
        if (!cases[i].zone) {
            assert_int_equal(parse(cases[i].text), ST_INVALID);
            continue;
        }
        assert_int_equal(parse(cases[i].text), ST_OK);
        assert_int_equal(url.incremental, cases[i].incremental);
        assert_int_equal(url.has_addr, cases[i].addr != NULL);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.host, cases[i].host);
        assert_string_equal(zone_text(), cases[i].zone);
        addr_format(&url.addr, addr);
        if (cases[i].addr)
            assert_string_equal(addr, cases[i].addr);
    }
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"axfr://192.0.2.1", "the zone is missing"},
        {"axfr://192.0.2.1/", "no zone's name"},
        {"axfr://192.0.2.1/.", "no zone's name"},
        {"axfr://192.0.2.1/a..b", "no zone's name"},
        {"axfr://192.0.2.1/rpz.example/more", "is no zone"},
        {"axfr://192.0.2.1/rpz.example?x", "is no zone"},
        {"axfr://192.0.2.1/rpz example", "is no zone"},
        {"axfr:///rpz.example", "is no primary"},
        {"axfr://192.0.2.300/rpz.example", "is no primary"},
        {"axfr://2001:db8::1/rpz.example", "stands in brackets"},
        {"axfr://[2001:db8::1/rpz.example", "is no primary"},
        {"axfr://[192.0.2.1]/rpz.example", "is no primary"},
        {"axfr://[2001:db8::1]53/rpz.example", "after ']'"},
        {"axfr://[2001:db8::1]:/rpz.example", "is no port"},
        {"axfr://192.0.2.1:0/rpz.example", "is no port"},
        {"axfr://192.0.2.1:65536/rpz.example", "is no port"},
        {"axfr://192.0.2.1:+53/rpz.example", "is no port"},
        {"axfr://key:secret@192.0.2.1/rpz.example", "option `key`"},
        {"axfr://-_!/rpz.example", "is no primary"},
        {"http://192.0.2.1/rpz.example", "starts with axfr://"},
        {"AXFR://192.0.2.1/rpz.example", "starts with axfr://"},
        {"", "starts with axfr://"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(cases[i].text), ST_INVALID);
        assert_non_null(strstr(fault.text, cases[i].reason));
        assert_null(strstr(fault.text, "secret"));
    }
}

static void a_primary_that_is_too_long_is_refused(void **state)
{
    char text[700] = "axfr://";
    (void)state;
    memset(text + 7, 'a', 600);
    memcpy(text + 607, "/rpz.example", 13);
    assert_int_equal(parse(text), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primary_port_and_zone_are_read),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_primary_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
