/* Formats that mix names, URLs and addresses. */
#include "feed_test.h"

static void maltrails_trails_are_of_every_kind(void **state)
{
    const char *text = "# Maltrail\n\nevil.example # why\n192.0.2.1\n192.0.2.2:443\n192.0.2.0/24\nhost.example/a/b\n"
                       "http://192.0.2.3\nother.example:8080\n/gate.php\n192.0.2.4:0\n2001:db8::1\n[a-z]+\\.example\n"
                       "C91.196.152.28\n";
    (void)state;
    expect("maltrail", text, FEED_DUMP_IPS, "192.0.2.1\n2001:db8::1\n");
    expect("maltrail", text, FEED_DUMP_CIDRS, "192.0.2.0/24\n");
    expect("maltrail", text, FEED_DUMP_IP_PORTS, "192.0.2.2:443\n");
    expect("maltrail", text, FEED_DUMP_HOST_PORTS, "192.0.2.4:0\nother.example:8080\n");
    expect("maltrail", text, FEED_DUMP_PATHS, "/gate.php\n");
    expect("maltrail", text, FEED_DUMP_URLS,
           "http://192.0.2.3/\nhttp://host.example/a/b\nhttp://other.example:8080/\n");
    struct feed_report report = expect("maltrail", text, FEED_DUMP_NAMES, "evil.example\n");
    assert_int_equal(skipped_for(&report, "path on any host"), 1);
    assert_int_equal(skipped_for(&report, "regular expression"), 1);
    assert_int_equal(skipped_for(&report, "not a host name"), 1);
    assert_int_equal(skipped_for(&report, "not an address or network"), 1);
}

static void a_trail_has_its_files_family_and_the_reference_above_it(void **state)
{
    struct feed feed = {.name = "mine", .format = "maltrail"};
    struct kept kept = {0};
    struct feed_report report;
    struct fault fault = {0};
    struct feed_sink sink = {.take = keep_record, .user = &kept};
    (void)state;
    const char *path = write_text("elf_mirai.txt", "# Reference: https://example.com/1\n\nevil.example\n");
    assert_int_equal(feed_parse(path, &feed, false, &sink, &report, &fault), ST_OK);
    assert_string_equal(kept.family, "elf_mirai");
    assert_string_equal(kept.reference, "https://example.com/1");
    feed.url = "https://feeds.example/trails/emotet.txt?raw=1";
    assert_int_equal(feed_parse(path, &feed, false, &sink, &report, &fault), ST_OK);
    assert_string_equal(kept.family, "emotet");
}

static void a_table_is_read_by_the_names_of_its_columns(void **state)
{
    const char *text = "type,indicator,classification,detected_date\r\n"
                       "domain,evil[.]example,malicious,2026-03-06\r\n"
                       "domain,plain.example,malicious,2026-03-06\r\n"
                       "ip,192[.]0[.]2[.]1,malicious,2026-03-06\r\n"
                       "url,hXXps[:]//evil[.]example/a?m={x@y},malicious,2026-03-06\r\n"
                       "url,\"hxxp[://]192(.)0(.)2(.)1/x\",malicious,2026-03-06\r\n"
                       "sha256,00ff,malicious,2026-03-06\r\n"
                       "ip:port,2001:db8::1:443,malicious,2026-03-06\r\n";
    (void)state;
    expect("ioc-csv", text, FEED_DUMP_NAMES, "evil.example\nplain.example\n");
    expect("ioc-csv", text, FEED_DUMP_IPS, "192.0.2.1\n");
    expect("ioc-csv", text, FEED_DUMP_IP_PORTS, "[2001:db8::1]:443\n");
    struct feed_report report =
        expect("ioc-csv", text, FEED_DUMP_URLS, "http://192.0.2.1/x\nhttps://evil.example/a?m={x@y}\n");
    assert_int_equal(report.comments, 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
    report = expect("auto", text, FEED_DUMP_NAMES, "evil.example\nplain.example\n");
    assert_string_equal(report.format, "ioc-csv");
}

static void a_table_tells_family_time_and_confidence(void **state)
{
    (void)state;
    struct kept kept = record_of("ioc-csv", "Domain,Malware,Date added,Source,Confidence,valid_until\n"
                                            "evil.example,emotet,2024-09-01,Someone,75,2030-01-01\n");
    assert_string_equal(kept.family, "emotet");
    assert_string_equal(kept.reference, "Someone");
    assert_int_equal(kept.confidence, 75);
    assert_int_equal(kept.first_seen, 1725148800);
    assert_int_equal(kept.expires, 1893456000);
    assert_int_equal(kept.flags, 0);
    kept = record_of("ioc-csv", "# ioc_value,fk\n# more\nevil.example:8080,x\n");
    assert_int_equal(kept.kind, INDICATOR_URL);
}

static void a_table_without_names_of_columns_is_none(void **state)
{
    struct feed feed = {.name = "mine", .format = "ioc-csv"};
    struct feed_report report;
    struct fault fault = {0};
    (void)state;
    assert_int_equal(feed_parse(write_text("feed", "evil.example,emotet\nindicator\nx.example\n"), &feed, false, NULL,
                                &report, &fault),
                     ST_INVALID);
    assert_int_equal(report.entries[INDICATOR_NAME], 0);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 3);
}

static void the_csv_of_abuse_ch_tells_family_and_times(void **state)
{
    (void)state;
    struct kept kept =
        record_of("urlhaus-csv", "\"1\",\"2025-07-17 10:00:00\",\"http://a.example/\",\"online\",\"2025-07-18 "
                                 "00:00:00\",\"malware_download\",\"32-bit,elf,Mozi\",\"l\",\"r\"\n");
    assert_string_equal(kept.family, "Mozi");
    assert_int_equal(kept.first_seen, 1752746400);
    assert_int_equal(kept.last_seen, 1752796800);
    kept =
        record_of("feodo-csv", "\"2024-02-08 19:20:49\",\"192.0.2.1\",\"80\",\"offline\",\"2024-03-11\",\"Pikabot\"\n");
    assert_string_equal(kept.family, "Pikabot");
    assert_int_equal(kept.first_seen, 1707420049);
    assert_int_equal(kept.last_seen, 1710115200);
    assert_string_equal(record_of("sslbl-csv", "192.0.2.1,443,URLzone C&C\n").family, "URLzone C&C");
    assert_int_equal(record_of("sslbl-csv", "2020-01-01 00:00:00,192.0.2.1,443\n").first_seen, 1577836800);
    assert_int_equal(record_of("sslbl-csv", "192.0.2.1,443\n").port, 443);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maltrails_trails_are_of_every_kind),
        cmocka_unit_test(a_trail_has_its_files_family_and_the_reference_above_it),
        cmocka_unit_test(a_table_is_read_by_the_names_of_its_columns),
        cmocka_unit_test(a_table_tells_family_time_and_confidence),
        cmocka_unit_test(a_table_without_names_of_columns_is_none),
        cmocka_unit_test(the_csv_of_abuse_ch_tells_family_and_times),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
