/* Tables as they come: with and without the line that names their columns, over the years, and damaged. */
#include "feed_test.h"

#define URLHAUS_HEAD "id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter"
#define FOX_HEAD                                                                                                       \
    "\"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\",\"fk_malware\",\"malware_alias\","       \
    "\"malware_printable\",\"last_seen_utc\",\"confidence_level\",\"is_compromised\",\"reference\",\"tags\","          \
    "\"anonymous\",\"reporter\""

/* What auto takes TEXT for, and its entries. */
static struct feed_report expect_auto(const char *format, const char *text, enum feed_dump dump, const char *entries)
{
    struct feed_report report = expect("auto", text, dump, entries);
    assert_string_equal(report.format, format);
    return report;
}

static void urlhaus_is_told_by_its_columns_or_their_number(void **state)
{
    const char *rows =
        "\"3\",\"2025-07-17 10:00:00\",\"http://a.example/x,y\",\"online\",\"2025-07-18 10:00:00\",\"t\","
        "\"elf,Mozi\",\"https://urlhaus.abuse.ch/url/3/\",\"r\"\r\n"
        "\"2\",\"2025-07-17 10:00:00\",\"http://b.example/say\"\"x\"\"\",\"offline\",\"\",\"t\",\"None\","
        "\"https://urlhaus.abuse.ch/url/2/\",\"two\nlines\"\r\n";
    const char *urls = "http://a.example/x,y\nhttp://b.example/say\"x\"\n";
    const char *const heads[] = {"# banner\r\n#\r\n# " URLHAUS_HEAD "\r\n#\r\n", URLHAUS_HEAD "\r\n",
                                 "\"" URLHAUS_HEAD "\"\r\n", "\xef\xbb\xbf# " URLHAUS_HEAD "\r\n", ""};
    char text[2048];
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        snprintf(text, sizeof text, "%s%s", heads[i], rows);
        struct feed_report report = expect("urlhaus-csv", text, FEED_DUMP_URLS, urls);
        assert_int_equal(report.faulty_lines, i == 2); /* a line that is one quoted field names no columns */
        if (i != 2)
            expect_auto("urlhaus-csv", text, FEED_DUMP_URLS, urls);
    }
    expect_auto("urlhaus-csv",
                "\"1\",\"2019-01-01 00:00:00\",\"http://old.example/\",\"offline\",\"t\",\"None\",\"l\",\"r\"\n",
                FEED_DUMP_URLS, "http://old.example/\n");
    /* A column more than today. */
    expect_auto("urlhaus-csv",
                "# " URLHAUS_HEAD
                ",new\n\"1\",\"d\",\"http://new.example/\",\"online\",\"d\",\"t\",\"elf\",\"l\",\"r\",\"n\"\n",
                FEED_DUMP_URLS, "http://new.example/\n");
}

static void threatfox_is_told_by_its_columns_or_their_number(void **state)
{
    const char *now = "\"2026-08-30 10:00:00\", \"1\", \"a.example\", \"domain\", \"botnet_cc\", \"win.x\", \"None\", "
                      "\"Emotet\", \"2026-08-31 10:00:00\", \"75\", \"False\", \"https://ref.example/\", "
                      "\"tag one,two\", \"0\", \"r\"\r\n"
                      "\"2026-08-30 10:00:00\", \"2\", \"2001:db8::1:443\", \"ip:port\", \"botnet_cc\", \"win.x\", "
                      "\"None\", \"Unknown malware\", \"\", \"100\", \"True\", \"None\", \"None\", \"0\", \"r\"\r\n";
    char text[2048];
    struct feed_report report;
    (void)state;
    snprintf(text, sizeof text, "# banner\r\n# " FOX_HEAD "\r\n%s# Number of entries: 2\r\n", now);
    report = expect_auto("threatfox-csv", text, FEED_DUMP_NAMES, "a.example\n");
    assert_int_equal(report.declared, 2);
    expect_auto("threatfox-csv", now, FEED_DUMP_IP_PORTS, "[2001:db8::1]:443\n");
    snprintf(text, sizeof text, FOX_HEAD "\n%s", now);
    expect_auto("threatfox-csv", text, FEED_DUMP_IP_PORTS, "[2001:db8::1]:443\n");
    struct kept kept = record_of("threatfox-csv", now);
    assert_string_equal(kept.family, "");
    assert_string_equal(kept.reference, "");
    assert_string_equal(kept.tags, "botnet_cc,compromised");
    assert_int_equal(kept.flags, RECORD_LOG); /* someone's who was broken into */
    snprintf(text, sizeof text, "%.*s", (int)(strchr(now, '\n') - now) + 1, now);
    kept = record_of("threatfox-csv", text);
    assert_string_equal(kept.family, "Emotet");
    assert_string_equal(kept.reference, "https://ref.example/");
    assert_string_equal(kept.tags, "tag one,two,botnet_cc");
    assert_int_equal(kept.flags, 0);
    assert_int_equal(kept.confidence, 75);
    assert_int_equal(kept.last_seen, 1788170400);
}

static void feodo_and_sslbl_are_told_through_the_years(void **state)
{
    (void)state;
    const char *today =
        "# c\r\n\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\r\n"
        "\"2024-02-08 19:20:49\",\"192.0.2.1\",\"1194\",\"online\",\"2024-03-11\",\"Pikabot\"\r\n"
        "# END 1 entries\r\n";
    expect_auto("feodo-csv", today, FEED_DUMP_IP_PORTS, "192.0.2.1:1194\n");
    assert_string_equal(record_of("feodo-csv", today).family, "Pikabot");
    const char *old =
        "# Firstseen,DstIP,DstPort,LastOnline,Malware\n2020-02-08 19:20:49,192.0.2.1,443,2020-03-11,Heodo\n";
    expect_auto("feodo-csv", old, FEED_DUMP_IP_PORTS, "192.0.2.1:443\n");
    struct kept kept = record_of("feodo-csv", old);
    assert_string_equal(kept.family, "Heodo");
    assert_int_equal(kept.last_seen, 1583884800);
    expect_auto("sslbl-csv", "# DstIP,DstPort\n192.0.2.1,443,URLzone C&C\n", FEED_DUMP_IP_PORTS, "192.0.2.1:443\n");
    expect_auto("sslbl-csv", "# Firstseen,DstIP,DstPort\r\n2020-02-08 19:20:49,192.0.2.1,443\r\n", FEED_DUMP_IP_PORTS,
                "192.0.2.1:443\n");
    expect_auto("sslbl-csv", "DstIP,DstPort\n192.0.2.1,443\n", FEED_DUMP_IP_PORTS, "192.0.2.1:443\n");
}

static void phishtank_has_commas_and_ends_of_lines_in_quotes(void **state)
{
    const char *text = "phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target\r\n"
                       "1,\"http://a.example/x,y\",http://www.phishtank.com/1,2020-03-01T00:00:00+00:00,yes,t,yes,"
                       "\"A, \"\"B\"\" \r\nand C\"\r\n"
                       "2,http://b.example/?a=1&amp;b=2,http://www.phishtank.com/2,2020-03-01T00:00:00+00:00,yes,t,yes,"
                       "Other\r\n";
    (void)state;
    struct feed_report report =
        expect_auto("phishtank-csv", text, FEED_DUMP_URLS, "http://a.example/x,y\nhttp://b.example/?a=1&amp;b=2\n");
    assert_int_equal(report.faulty_lines, 0);
    assert_int_equal(report.lines, 4);
    struct kept kept = record_of("phishtank-csv", text);
    assert_string_equal(kept.family, "");
    assert_string_equal(kept.tags, "");
    assert_int_equal(kept.first_seen, 1583020800);
    assert_string_equal(kept.reference, "http://www.phishtank.com/2");
}

static void a_forgotten_quote_costs_one_row(void **state)
{
    const char *text = "id,dateadded,url,url_status,threat,tags,urlhaus_link,reporter\n"
                       "1,d,http://a.example/,online,t,x,l,r\n"
                       "2,d,\"http://b.example/,online,t,x,l,r\n"
                       "3,d,http://c.example/,online,t,x,l,r\n"
                       "4,d,http://d.example/,online,t,x,l,\"r\n"
                       "5,d,\"http://e.example/\",online,t,x,l,r\n";
    (void)state;
    struct feed_report report =
        expect("urlhaus-csv", text, FEED_DUMP_URLS, "http://a.example/\nhttp://c.example/\nhttp://e.example/\n");
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 2);
    char many[8192];
    size_t n = (size_t)snprintf(many, sizeof many, "ip,name\n192.0.2.1,a\n\"192.0.2.2,b\n");
    for (unsigned i = 0; i < 100; i++)
        n += (size_t)snprintf(many + n, sizeof many - n, "a\nb\n");
    snprintf(many + n, sizeof many - n, "192.0.2.3,a\n");
    assert_int_equal(
        expect("ioc-csv", "ip,name\n\"192.0.2.1\",a\n192.0.2.2,\"open", FEED_DUMP_IPS, "192.0.2.1\n").faulty_lines, 1);
    struct feed feed = {.name = "mine", .format = "ioc-csv"};
    struct fault fault = {0};
    assert_int_equal(feed_parse(write_text("feed", many), &feed, false, NULL, &report, &fault), ST_INVALID);
    assert_int_equal(report.entries[INDICATOR_NETWORK], 2); /* the lines after it are read on */
}

static void tables_have_other_separators_too(void **state)
{
    (void)state;
    expect_auto("ioc-csv", "Type;Indicator;Comment\ndomain;evil.example;\"a; b\"\nIP Address;192.0.2.1;x\n",
                FEED_DUMP_NAMES, "evil.example\n");
    expect_auto("ioc-csv", "Type\tIndicator\tComment\nIPv4\t192.0.2.1\ta, b\n", FEED_DUMP_IPS, "192.0.2.1\n");
    expect_auto("ioc-csv", "Indicator|Type\nhxxp://evil[.]example/x|url\n", FEED_DUMP_URLS, "http://evil.example/x\n");
}

static void the_column_with_the_indicator_is_found(void **state)
{
    (void)state;
    /* "ioc" has a text for people here. */
    expect_auto("ioc-csv", "#domain,ioc,uri_path,ip\nevil.example,Possible Cobaltstrike C2 Domain,/a,192.0.2.1\n",
                FEED_DUMP_NAMES, "evil.example\n");
    assert_string_equal(record_of("ioc-csv", "#ip,ioc\n192.0.2.1,Possible Cobaltstrike C2 IP\n").family,
                        "Possible Cobaltstrike C2 IP");
    expect("ioc-csv", "#ip,ioc\n192.0.2.1,Possible Cobaltstrike C2 IP\n", FEED_DUMP_IPS, "192.0.2.1\n");
    /* The one that is filled. */
    const char *sparse = "domain,url,ip,note\nevil.example,,,x\n,http://evil.example/x,,\n,,192.0.2.1,\n,,,empty\n";
    expect("ioc-csv", sparse, FEED_DUMP_URLS, "http://evil.example/x\n");
    expect("ioc-csv", sparse, FEED_DUMP_IPS, "192.0.2.1\n");
    assert_int_equal(expect("ioc-csv", sparse, FEED_DUMP_NAMES, "evil.example\n").faulty_lines, 1);
    /* A type that says something else than what the column's name does. */
    expect("ioc-csv", "domain,type\nevil.example,phishing\n", FEED_DUMP_NAMES, "evil.example\n");
    expect("ioc-csv",
           "Indicator type,Indicator,Description\nFileHash-SHA256,00ff,\nhostname,a.example,\nIPv6,2001:db8::1,\n",
           FEED_DUMP_IPS, "2001:db8::1\n");
}

static void a_port_column_goes_with_its_address(void **state)
{
    (void)state;
    expect_auto("ioc-csv", "ip,port,malware\n192.0.2.1,443,x\n2001:db8::1,8443,x\n192.0.2.2,,x\n192.0.2.3,0,x\n",
                FEED_DUMP_IP_PORTS, "192.0.2.1:443\n[2001:db8::1]:8443\n");
    expect("ioc-csv", "domain,port,family\nevil.example,443,x\n", FEED_DUMP_NAMES, "evil.example\n");
}

static void what_misp_exports_as_a_table_is_read(void **state)
{
    const char *text = "uuid,event_id,category,type,value,comment,to_ids,date,object_relation,attribute_tag\n"
                       "u,1,Network activity,domain,evil.example,,1,1725148800,,\n"
                       "u,1,Network activity,domain,seen.example,,0,1725148800,,\n"
                       "u,1,Network activity,ip-dst|port,192.0.2.1|443,,1,1725148800,,\n"
                       "u,1,Network activity,domain|ip,both.example|192.0.2.9,\"a\nb\",1,1725148800,,\n"
                       "u,1,Payload delivery,sha256,00ff,,1,1725148800,,\n";
    (void)state;
    expect("ioc-csv", text, FEED_DUMP_IP_PORTS, "192.0.2.1:443\n");
    struct feed_report report = expect_auto("ioc-csv", text, FEED_DUMP_NAMES, "both.example\nevil.example\n");
    assert_int_equal(skipped_for(&report, "not meant for detection"), 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
    assert_int_equal(record_of("ioc-csv", text).first_seen, 1725148800);
}

static void values_of_other_kinds_are_no_faults(void **state)
{
    const char *text = "indicator,note\nevil.example,\nd41d8cd98f00b204e9800998ecf8427e,\nsome@evil.example,\n"
                       "da39a3ee5e6b4b0d3255bfef95601890afd80709,\n";
    (void)state;
    struct feed_report report = expect("ioc-csv", text, FEED_DUMP_NAMES, "evil.example\n");
    assert_int_equal(report.faulty_lines, 0);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 3);
}

static void confidence_is_a_number_or_a_word(void **state)
{
    (void)state;
    assert_int_equal(record_of("ioc-csv", "ip,confidence\n192.0.2.1,High\n").confidence, 85);
    assert_int_equal(record_of("ioc-csv", "ip,confidence\n192.0.2.1,low\n").confidence, 15);
    assert_int_equal(record_of("ioc-csv", "ip,confidence\n192.0.2.1,70%\n").confidence, 70);
    assert_int_equal(record_of("ioc-csv", "ip,confidence\n192.0.2.1,101\n").confidence, 0);
}

static void texts_of_a_table_are_fit_to_be_shown(void **state)
{
    (void)state;
    struct kept kept =
        record_of("ioc-csv", "ip,malware,tags,reference\n192.0.2.1,\"a\x1b[31mb\",\"c\x07,d\",\"http://e/\x01\"\n");
    assert_string_equal(kept.family, "a\\x1b[31mb");
    assert_string_equal(kept.tags, "c\\x07,d");
    assert_string_equal(kept.reference, "");
    kept = record_of("ioc-csv", "ip,malware\n192.0.2.1,\xd0\xb2\xd0\xbe\xff\n");
    assert_string_equal(kept.family, "\xd0\xb2\xd0\xbe\\xff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urlhaus_is_told_by_its_columns_or_their_number),
        cmocka_unit_test(threatfox_is_told_by_its_columns_or_their_number),
        cmocka_unit_test(feodo_and_sslbl_are_told_through_the_years),
        cmocka_unit_test(phishtank_has_commas_and_ends_of_lines_in_quotes),
        cmocka_unit_test(a_forgotten_quote_costs_one_row),
        cmocka_unit_test(tables_have_other_separators_too),
        cmocka_unit_test(the_column_with_the_indicator_is_found),
        cmocka_unit_test(a_port_column_goes_with_its_address),
        cmocka_unit_test(what_misp_exports_as_a_table_is_read),
        cmocka_unit_test(values_of_other_kinds_are_no_faults),
        cmocka_unit_test(confidence_is_a_number_or_a_word),
        cmocka_unit_test(texts_of_a_table_are_fit_to_be_shown),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
