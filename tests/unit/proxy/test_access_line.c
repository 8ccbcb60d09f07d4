#include "proxy/access_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct access_entry plain(void)
{
    struct access_entry entry = {.time_ms = 1767268800123,
                                 .duration_ms = 42,
                                 .client = addr_v4(0xc0a8012a, 50000),
                                 .verdict = ACCESS_PASSED,
                                 .status = 200,
                                 .version_minor = 1,
                                 .sent_bytes = 5120,
                                 .received_bytes = 7};
    entry.texts[ACCESS_METHOD] = STR("GET");
    entry.texts[ACCESS_TARGET] = STR("http://www.example/a/b?user=secret");
    entry.texts[ACCESS_HOST] = STR("www.example");
    entry.texts[ACCESS_USER] = STR("mika");
    entry.texts[ACCESS_REFERER] = STR("http://other.example/");
    entry.texts[ACCESS_AGENT] = STR("Mozilla/5.0 (X11)");
    return entry;
}

static const char *line_of(struct buf *out, enum access_format format, enum access_privacy privacy,
                           const struct access_entry *entry)
{
    buf_clear(out);
    assert_int_equal(access_line_build(out, format, privacy, entry), ST_OK);
    return buf_text(out);
}

static void a_line_of_json_has_these_fields(void **state)
{
    (void)state;
    struct access_entry entry = plain();
    struct buf out = {0};
    assert_string_equal(line_of(&out, ACCESS_JSON, ACCESS_FULL, &entry),
                        "{\"time\":\"2026-01-01T12:00:00.123Z\",\"client\":\"192.168.1.42\",\"user\":\"mika\","
                        "\"method\":\"GET\",\"url\":\"http://www.example/a/b?user=secret\",\"host\":\"www.example\","
                        "\"status\":200,\"bytes\":5120,\"bytes_received\":7,\"duration_ms\":42,\"verdict\":\"allow\","
                        "\"referer\":\"http://other.example/\",\"user_agent\":\"Mozilla/5.0 (X11)\"}");
    buf_free(&out);
}

static void a_tunnel_with_its_host_encrypted_says_so(void **state)
{
    (void)state;
    struct access_entry entry = plain();
    struct buf out = {0};
    assert_null(strstr(line_of(&out, ACCESS_JSON, ACCESS_FULL, &entry), "ech"));
    entry.has_ech = true;
    assert_non_null(
        strstr(line_of(&out, ACCESS_JSON, ACCESS_ANONYMOUS, &entry), "\"verdict\":\"allow\",\"ech\":true}"));
    buf_free(&out);
}

static void a_combined_line_is_that_of_web_servers(void **state)
{
    (void)state;
    struct access_entry entry = plain();
    struct buf out = {0};
    assert_string_equal(line_of(&out, ACCESS_COMBINED, ACCESS_FULL, &entry),
                        "192.168.1.42 - mika [01/Jan/2026:12:00:00 +0000] "
                        "\"GET http://www.example/a/b?user=secret HTTP/1.1\" 200 5120 \"http://other.example/\" "
                        "\"Mozilla/5.0 (X11)\"");
    struct access_entry none = {.status = 400};
    assert_string_equal(line_of(&out, ACCESS_COMBINED, ACCESS_FULL, &none),
                        ":: - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\"");
    buf_free(&out);
}

static void each_level_of_privacy_tells_less(void **state)
{
    (void)state;
    struct access_entry entry = plain();
    struct buf out = {0};
    const char *line = line_of(&out, ACCESS_JSON, ACCESS_NO_QUERY, &entry);
    assert_non_null(strstr(line, "\"url\":\"http://www.example/a/b\""));
    assert_null(strstr(line, "secret"));
    assert_null(strstr(line, "Mozilla"));
    assert_null(strstr(line, "other.example"));
    assert_non_null(strstr(line, "mika"));
    line = line_of(&out, ACCESS_JSON, ACCESS_HOST_ONLY, &entry);
    assert_non_null(strstr(line, "\"url\":null,\"host\":\"www.example\""));
    assert_non_null(strstr(line, "192.168.1.42"));
    line = line_of(&out, ACCESS_JSON, ACCESS_ANONYMOUS, &entry);
    assert_non_null(strstr(line, "\"client\":\"192.168.1.0\",\"user\":null"));
    assert_non_null(strstr(line, "\"url\":null,\"host\":\"www.example\""));
    line = line_of(&out, ACCESS_COMBINED, ACCESS_ANONYMOUS, &entry);
    assert_non_null(strstr(line, "192.168.1.0 - - ["));
    assert_non_null(strstr(line, "\"GET http://www.example HTTP/1.1\" 200 5120 \"-\" \"-\""));
    assert_int_equal(addr_parse_ip(STR("2001:db8:1:2:3:4:5:6"), &entry.client), ST_OK);
    assert_non_null(strstr(line_of(&out, ACCESS_JSON, ACCESS_ANONYMOUS, &entry), "\"2001:db8:1::\""));
    buf_free(&out);
}

static void a_connect_keeps_its_host_and_port(void **state)
{
    (void)state;
    struct access_entry entry = plain();
    struct buf out = {0};
    entry.is_connect = true;
    entry.texts[ACCESS_METHOD] = STR("CONNECT");
    entry.texts[ACCESS_TARGET] = STR("www.example:443");
    assert_non_null(strstr(line_of(&out, ACCESS_JSON, ACCESS_ANONYMOUS, &entry), "\"url\":\"www.example:443\""));
    assert_non_null(
        strstr(line_of(&out, ACCESS_COMBINED, ACCESS_NO_QUERY, &entry), "\"CONNECT www.example:443 HTTP/1.1\""));
    buf_free(&out);
}

static void assert_one_quiet_line(const struct buf *line)
{
    assert_true(line->length <= ACCESS_LINE_MAX_BYTES);
    for (size_t i = 0; i < line->length; i++)
        assert_true((unsigned char)line->data[i] >= ' ' && line->data[i] != 0x7f);
}

static void h24_hostile_bytes_stay_within_one_printable_line(void **state)
{
    (void)state;
    static const struct str hostile[] = {
        {"\r\n127.0.0.1 - - [forged]", 24},
        {"\x1b]0;title\x07\x1b[31m", 15},
        {"a\0b\"c\\d'", 8},
        {"\xff\xfe\xc0\xaf\xed\xa0\x80", 7},
        {"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", 8}, /* U+2028, U+2029, NEL */
        {"\" 200 5 \"-\" \"", 13},
        {"\x7f\x01\x02", 3},
    };
    struct buf out = {0};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct access_entry entry = plain();
        for (size_t k = 0; k < ACCESS_TEXTS; k++)
            entry.texts[k] = hostile[i];
        json_t *json = json_loads(line_of(&out, ACCESS_JSON, ACCESS_FULL, &entry), JSON_REJECT_DUPLICATES, NULL);
        assert_one_quiet_line(&out);
        assert_int_equal(json_integer_value(json_object_get(json, "status")), 200);
        json_decref(json);
        line_of(&out, ACCESS_COMBINED, ACCESS_FULL, &entry);
        assert_one_quiet_line(&out);
        unsigned open_marks = 0; /* of quotation marks without a backslash: two each for request, referer, agent */
        for (size_t k = 0; k < out.length; k++) {
            if (out.data[k] == '\\')
                k++;
            else
                open_marks += out.data[k] == '"';
        }
        assert_int_equal(open_marks, 6);
    }
    buf_free(&out);
}

static void h24_sixty_kilobytes_make_no_longer_line(void **state)
{
    (void)state;
    static char large[60 << 10];
    static const char fills[] = {'a', '"', '\\', '\n', '\0', (char)0xff};
    struct buf out = {0}, record = {0};
    for (size_t i = 0; i < sizeof fills; i++) {
        struct access_entry entry = plain(), again;
        entry.time_ms = INT64_MAX / 2; /* a year of many digits does no harm either */
        entry.sent_bytes = entry.received_bytes = INT64_MAX;
        entry.duration_ms = INT64_MAX;
        assert_int_equal(addr_parse_ip(STR("2001:db8:1111:2222:3333:4444:5555:6666"), &entry.client), ST_OK);
        memset(large, fills[i], sizeof large);
        for (size_t k = 0; k < ACCESS_TEXTS; k++)
            entry.texts[k] = (struct str){large, sizeof large};
        buf_clear(&record);
        access_record_build(&record, &entry);
        assert_true(record.length <= ACCESS_RECORD_MAX_BYTES);
        assert_int_equal(access_record_parse((struct str){record.data, record.length}, &again), ST_OK);
        for (int format = ACCESS_JSON; format <= ACCESS_COMBINED; format++) {
            line_of(&out, (enum access_format)format, ACCESS_FULL, &entry);
            assert_one_quiet_line(&out);
            line_of(&out, (enum access_format)format, ACCESS_FULL, &again);
            assert_one_quiet_line(&out);
        }
    }
    buf_free(&out);
    buf_free(&record);
}

static void a_record_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct access_entry entry = plain(), again;
    struct buf record = {0};
    access_record_build(&record, &entry);
    assert_int_equal(access_record_parse((struct str){record.data, record.length}, &again), ST_OK);
    assert_int_equal(again.status, 200);
    assert_int_equal(again.time_ms, entry.time_ms);
    for (size_t i = 0; i < ACCESS_TEXTS; i++)
        assert_true(str_eq(again.texts[i], entry.texts[i]));
    for (size_t n = 0; n < record.length; n++)
        assert_int_equal(access_record_parse((struct str){record.data, n}, &again), ST_INVALID);
    buf_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_json_has_these_fields),
        cmocka_unit_test(a_tunnel_with_its_host_encrypted_says_so),
        cmocka_unit_test(a_combined_line_is_that_of_web_servers),
        cmocka_unit_test(each_level_of_privacy_tells_less),
        cmocka_unit_test(a_connect_keeps_its_host_and_port),
        cmocka_unit_test(h24_hostile_bytes_stay_within_one_printable_line),
        cmocka_unit_test(h24_sixty_kilobytes_make_no_longer_line),
        cmocka_unit_test(a_record_comes_out_as_it_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
