#include "feed_test.h"

#include "feeds/document.h"

static enum status parse(const char *format, const char *text, struct feed_report *report, struct fault *fault)
{
    struct feed feed = {.name = "mine", .format = format};
    *fault = (struct fault){0};
    return feed_parse(write_text("feed", text), &feed, false, NULL, report, fault);
}

static const char *const urlhaus_api =
    "{\"query_status\":\"ok\",\"urls\":[{\"url\":\"http://192.0.2.1/m\",\"url_status\":\"online\","
    "\"date_added\":\"2021-10-05 13:57:05 UTC\",\"tags\":[\"elf\",\"Mozi\"],"
    "\"urlhaus_reference\":\"https://example.com/1\"}]}";
static const char *const threatfox_lines =
    "{\"ioc\":\"2001:db8::1:443\",\"ioc_type\":\"ip:port\",\"malware_printable\":\"RedLine\",\"confidence_level\":75,"
    "\"first_seen\":\"2022-08-05 11:40:15 UTC\",\"last_seen\":null}\n"
    "{\"ioc\":\"evil.example\",\"ioc_type\":\"domain\",\"confidence_level\":\"50\"}\n"
    "{\"ioc\":\"00ff\",\"ioc_type\":\"md5_hash\"}\n";
static const char *const misp_event =
    "{\"Event\":{\"info\":\"campaign\",\"uuid\":\"u-1\",\"Tag\":[{\"name\":\"tlp:clear\"},"
    "{\"name\":\"misp-galaxy:malpedia=\\\"Emotet\\\"\"}],\"Attribute\":["
    "{\"type\":\"domain\",\"value\":\"evil.example\",\"to_ids\":true,\"timestamp\":\"1742256000\"},"
    "{\"type\":\"domain\",\"value\":\"seen.example\",\"to_ids\":false},"
    "{\"type\":\"domain\",\"value\":\"gone.example\",\"to_ids\":true,\"deleted\":true},"
    "{\"type\":\"domain|ip\",\"value\":\"both.example|192.0.2.9\",\"to_ids\":true},"
    "{\"type\":\"md5\",\"value\":\"00ff\",\"to_ids\":true}],"
    "\"Object\":[{\"Attribute\":[{\"type\":\"ip-dst|port\",\"value\":\"192.0.2.1|443\",\"to_ids\":true},"
    "{\"type\":\"ip-src\",\"value\":\"192.0.2.2\",\"to_ids\":\"1\"},"
    "{\"type\":\"hostname|port\",\"value\":\"port.example|8080\",\"to_ids\":true},"
    "{\"type\":\"url\",\"value\":\"http://evil.example/x\",\"to_ids\":true}]}]}}";
static const char *const warning_list =
    "{\"name\":\"n\",\"type\":\"string\",\"list\":[\"good.example\",\".below.example\",\"10.0.0.0/8\",\"192.0.2.1\","
    "\"00ff\",\"0.0.0.0/0\"]}";
static const char *const stix_bundle =
    "{\"type\":\"bundle\",\"objects\":[{\"type\":\"malware\",\"id\":\"malware--1\",\"name\":\"Emotet\"},"
    "{\"type\":\"indicator\",\"id\":\"indicator--1\",\"pattern\":\"[domain-name:value = 'evil.example' OR "
    "ipv4-addr:value = '192.0.2.1' OR url:value = 'http://evil.example/x']\",\"valid_from\":\"2024-01-01T00:00:00Z\","
    "\"valid_until\":\"2030-01-01T00:00:00Z\",\"confidence\":80},"
    "{\"type\":\"indicator\",\"id\":\"indicator--2\",\"pattern\":\"[domain-name:value = 'and.example' AND "
    "domain-name:resolves_to_refs[*].value = '192.0.2.7']\"},"
    "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'revoked.example']\",\"revoked\":true},"
    "{\"type\":\"indicator\",\"pattern\":\"[domain-name:value = 'fine.example']\",\"indicator_types\":[\"benign\"]},"
    "{\"type\":\"indicator\",\"pattern\":\"rule x {}\",\"pattern_type\":\"yara\"},"
    "{\"type\":\"indicator\",\"pattern\":\"[file:hashes.MD5 = '00ff']\"},"
    "{\"type\":\"relationship\",\"relationship_type\":\"indicates\",\"source_ref\":\"indicator--1\","
    "\"target_ref\":\"malware--1\"}]}";

static void urlhaus_answers_and_exports_are_read(void **state)
{
    (void)state;
    expect("urlhaus-json", urlhaus_api, FEED_DUMP_URLS, "http://192.0.2.1/m\n");
    struct kept kept = record_of("urlhaus-json", urlhaus_api);
    assert_string_equal(kept.family, "Mozi");
    assert_string_equal(kept.reference, "https://example.com/1");
    assert_int_equal(kept.first_seen, 1633442225);
    struct feed_report report =
        expect("urlhaus-json",
               "{\"1\":[{\"url\":\"http://a.example/\",\"url_status\":\"online\"}],"
               "\"2\":[{\"url\":\"http://b.example/\",\"url_status\":\"offline\"},{\"url\":null}]}",
               FEED_DUMP_URLS, "http://a.example/\nhttp://b.example/\n");
    assert_int_equal(report.lines, 3);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 1);
}

static void threatfox_is_read_as_lines_answers_and_exports(void **state)
{
    (void)state;
    expect("threatfox-json", threatfox_lines, FEED_DUMP_NAMES, "evil.example\n");
    struct feed_report report = expect("threatfox-json", threatfox_lines, FEED_DUMP_IP_PORTS, "[2001:db8::1]:443\n");
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
    expect("threatfox-json",
           "{\"query_status\":\"ok\",\"data\":[{\"ioc\":\"http://a.example/\",\"ioc_type\":\"url\"}]}", FEED_DUMP_URLS,
           "http://a.example/\n");
    struct kept kept = record_of("threatfox-json", "{\"9\":[{\"ioc_value\":\"192.0.2.1:80\",\"ioc_type\":\"ip:port\","
                                                   "\"malware_printable\":\"Hydra\",\"confidence_level\":75,"
                                                   "\"last_seen_utc\":\"2024-01-01 00:00:00\"}]}");
    assert_string_equal(kept.family, "Hydra");
    assert_int_equal(kept.confidence, 75);
    assert_int_equal(kept.port, 80);
    assert_int_equal(kept.last_seen, 1704067200);
}

static void feodo_and_phishtank_are_read(void **state)
{
    (void)state;
    const char *feodo = "[{\"ip_address\":\"192.0.2.1\",\"port\":443,\"malware\":\"Pikabot\"},"
                        "{\"ip_address\":\"2001:db8::1\",\"port\":\"80\"},{\"ip_address\":\"192.0.2.2\"}]";
    struct feed_report report = expect("feodo-json", feodo, FEED_DUMP_IP_PORTS, "192.0.2.1:443\n[2001:db8::1]:80\n");
    assert_int_equal(report.faulty_lines, 1);
    expect("phishtank-json",
           "[{\"phish_id\":\"1\",\"url\":\"https://a.example/x\",\"phish_detail_url\":\"https://example.com/1\"}]",
           FEED_DUMP_URLS, "https://a.example/x\n");
}

static void of_a_misp_event_what_is_meant_for_detection_is_taken(void **state)
{
    (void)state;
    expect("misp", misp_event, FEED_DUMP_NAMES, "both.example\nevil.example\n");
    expect("misp", misp_event, FEED_DUMP_IPS, "192.0.2.2\n");
    expect("misp", misp_event, FEED_DUMP_IP_PORTS, "192.0.2.1:443\n");
    struct feed_report report =
        expect("misp", misp_event, FEED_DUMP_URLS, "http://evil.example/x\nhttp://port.example:8080/\n");
    assert_int_equal(skipped_for(&report, "not meant for detection"), 1);
    assert_int_equal(skipped_for(&report, "withdrawn by its publisher"), 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
    assert_int_equal(report.lines, 9);
    struct kept kept = record_of("misp", misp_event);
    assert_string_equal(kept.family, "Emotet");
    assert_string_equal(kept.reference, "u-1");
    kept =
        record_of("misp", "{\"response\":[{\"Event\":{\"info\":\"campaign\",\"Attribute\":[{\"type\":\"hostname\","
                          "\"value\":\"a.example\",\"to_ids\":true,\"first_seen\":\"2025-03-18T00:00:00+00:00\"}]}}]}");
    assert_string_equal(kept.family, "campaign");
    assert_int_equal(kept.first_seen, 1742256000);
}

static void a_warning_list_exempts(void **state)
{
    (void)state;
    expect("warninglist", warning_list, FEED_DUMP_ALLOW_CIDRS, "10.0.0.0/8\n");
    expect("warninglist", warning_list, FEED_DUMP_ALLOW_IPS, "192.0.2.1\n");
    expect("warninglist", warning_list, FEED_DUMP_IPS, "");
    struct feed_report report =
        expect("warninglist", warning_list, FEED_DUMP_ALLOW_NAMES, "below.example\ngood.example\n");
    assert_int_equal(report.entries[INDICATOR_NETWORK], 2); /* a private network too: an exemption hurts no one */
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
    assert_int_equal(skipped_for(&report, "network of every address"), 1);
    assert_int_equal(record_of("warninglist", "{\"name\":\"n\",\"type\":\"string\",\"list\":[\"a.example\"]}").flags,
                     RECORD_ALLOW | RECORD_EXACT);
    assert_int_equal(record_of("warninglist", "{\"name\":\"n\",\"type\":\"hostname\",\"list\":[\"a.example\"]}").flags,
                     RECORD_ALLOW);
}

static void indicators_of_stix_are_taken_by_their_patterns(void **state)
{
    (void)state;
    expect("stix", stix_bundle, FEED_DUMP_IPS, "192.0.2.1\n");
    expect("stix", stix_bundle, FEED_DUMP_URLS, "http://evil.example/x\n");
    struct feed_report report = expect("stix", stix_bundle, FEED_DUMP_NAMES, "and.example\nevil.example\n");
    assert_int_equal(report.lines, 6);
    assert_int_equal(report.entries[INDICATOR_NAME], 1); /* not the one that holds only with another condition */
    assert_int_equal(skipped_for(&report, "pattern of more than one condition"), 1);
    assert_int_equal(skipped_for(&report, "withdrawn by its publisher"), 1);
    assert_int_equal(skipped_for(&report, "not meant for detection"), 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 3);
    struct kept kept = record_of("stix", stix_bundle);
    assert_string_equal(kept.family, "Emotet");
    assert_string_equal(kept.reference, "indicator--1");
    assert_int_equal(kept.confidence, 80);
    assert_int_equal(kept.first_seen, 1704067200);
    assert_int_equal(kept.expires, 1893456000);
}

static void auto_tells_json_by_its_structure(void **state)
{
    const struct {
        const char *text, *format;
    } samples[] = {{urlhaus_api, "urlhaus-json"},
                   {threatfox_lines, "threatfox-json"},
                   {misp_event, "misp"},
                   {warning_list, "warninglist"},
                   {stix_bundle, "stix"}};
    struct feed_report report;
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        assert_int_equal(parse("auto", samples[i].text, &report, &fault), ST_OK);
        assert_string_equal(report.format, samples[i].format);
    }
}

static void json_that_is_cut_or_of_another_kind_is_refused(void **state)
{
    struct feed_report report;
    struct fault fault;
    char cut[1024];
    (void)state;
    snprintf(cut, sizeof cut, "%.*s", (int)strlen(urlhaus_api) - 1, urlhaus_api);
    assert_int_equal(parse("auto", cut, &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "not whole JSON"));
    assert_int_equal(
        parse("threatfox-json", "{\"ioc\":\"a.example\",\"ioc_type\":\"domain\"}\n{\"ioc\":", &report, &fault),
        ST_INVALID);
    assert_non_null(strstr(fault.text, "not whole JSON"));
    assert_int_equal(parse("misp", urlhaus_api, &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "not as format 'misp'"));
    assert_int_equal(parse("auto", "{\"a\":1}", &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "no known format"));
    assert_int_equal(parse("urlhaus-json", "<html>", &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "web page"));
    assert_int_equal(parse("urlhaus-json", "", &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "no entries"));
    assert_int_equal(parse("stix", "{\"type\":\"bundle\",\"objects\":[]}", &report, &fault), ST_INVALID);
    assert_non_null(strstr(fault.text, "no entries"));
}

static void json_is_bounded_in_depth_and_values(void **state)
{
    struct feed_report report;
    struct fault fault;
    size_t n = DOCUMENT_MAX_VALUES + 2;
    char *text = malloc(n + 1);
    (void)state;
    assert_non_null(text);
    memset(text, '[', 100000);
    text[100000] = '\0';
    assert_int_equal(parse("auto", text, &report, &fault), ST_INVALID);
    memset(text, ',', n);
    text[0] = '{';
    text[n] = '\0';
    assert_int_equal(parse("auto", text, &report, &fault), ST_TOO_LARGE);
    assert_non_null(strstr(fault.text, "values"));
    free(text);
}

static void text_in_json_can_not_forge_lines(void **state)
{
    (void)state;
    struct feed_report report =
        expect("urlhaus-json",
               "{\"urls\":[{\"url\":\"http://a.example/\\nhttp://b.example/\",\"url_status\":\"x\"},"
               "{\"url\":\"http://c.example/\",\"url_status\":\"x\"}]}",
               FEED_DUMP_URLS, "http://c.example/\n");
    assert_int_equal(report.faulty_lines, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urlhaus_answers_and_exports_are_read),
        cmocka_unit_test(threatfox_is_read_as_lines_answers_and_exports),
        cmocka_unit_test(feodo_and_phishtank_are_read),
        cmocka_unit_test(of_a_misp_event_what_is_meant_for_detection_is_taken),
        cmocka_unit_test(a_warning_list_exempts),
        cmocka_unit_test(indicators_of_stix_are_taken_by_their_patterns),
        cmocka_unit_test(auto_tells_json_by_its_structure),
        cmocka_unit_test(json_that_is_cut_or_of_another_kind_is_refused),
        cmocka_unit_test(json_is_bounded_in_depth_and_values),
        cmocka_unit_test(text_in_json_can_not_forge_lines),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
