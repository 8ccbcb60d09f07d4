/* STIX and MISP in the shapes that tools give them. */
#include "feed_test.h"

#define INDICATOR(n, more, pattern)                                                                                    \
    "{\"type\":\"indicator\",\"id\":\"indicator--" n "\"," more "\"pattern\":\"" pattern "\"}"
#define MALWARE(n, name) "{\"type\":\"malware\",\"id\":\"malware--" n "\",\"name\":\"" name "\"}"
#define INDICATES(from, to)                                                                                            \
    "{\"type\":\"relationship\",\"id\":\"relationship--" from "\",\"relationship_type\":\"indicates\","                \
    "\"source_ref\":\"indicator--" from "\",\"target_ref\":\"" to "\"}"
#define BUNDLE(objects) "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[" objects "]}"

static struct feed_report expect_auto(const char *format, const char *text, enum feed_dump dump, const char *entries)
{
    struct feed_report report = expect("auto", text, dump, entries);
    assert_string_equal(report.format, format);
    return report;
}

/* INNER in the place of the '@' in AROUND. */
static void put_around(char *out, size_t size, const char *around, const char *inner)
{
    const char *at = strchr(around, '@');
    assert_non_null(at);
    snprintf(out, size, "%.*s%s%s", (int)(at - around), around, inner, at + 1);
}

static void objects_of_stix_come_in_bundles_pages_lists_and_lines(void **state)
{
    const char *one = INDICATOR("1", "", "[domain-name:value='a.example']");
    char text[2048];
    const char *const around[] = {BUNDLE("@"),
                                  "{\"more\":false,\"objects\":[@]}",
                                  "{\"objects\":[@]}",
                                  "[@]",
                                  "@\n",
                                  "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"spec_version\":\"2.0\",\"objects\":[@]}",
                                  "{}\n{\"more\":true,\"next\":\"2\"}\n{\"objects\":[@]}{}"};
    (void)state;
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        put_around(text, sizeof text, around[i], one);
        expect("stix", text, FEED_DUMP_NAMES, "a.example\n");
        if (i < 6)
            expect_auto("stix", text, FEED_DUMP_NAMES, "a.example\n");
    }
}

static void the_newest_version_of_an_indicator_counts(void **state)
{
    const char *text = BUNDLE(INDICATOR("1", "\"modified\":\"2024-01-01T00:00:00.5Z\",", "[domain-name:value='new.example']") "," INDICATOR(
        "1", "\"modified\":\"2024-01-01T00:00:00Z\",",
        "[domain-name:value='old.example']") "," INDICATOR("1", "\"modified\":\"2024-01-01T00:00:00.500Z\",",
                                                           "[domain-name:value='same.example']") "," INDICATOR("2",
                                                                                                               "\"m"
                                                                                                               "odi"
                                                                                                               "fie"
                                                                                                               "d\""
                                                                                                               ":\""
                                                                                                               "202"
                                                                                                               "3-"
                                                                                                               "01-"
                                                                                                               "01T"
                                                                                                               "00:"
                                                                                                               "00:"
                                                                                                               "00Z"
                                                                                                               "\""
                                                                                                               ",",
                                                                                                               "[do"
                                                                                                               "mai"
                                                                                                               "n-"
                                                                                                               "nam"
                                                                                                               "e:"
                                                                                                               "val"
                                                                                                               "ue="
                                                                                                               "'go"
                                                                                                               "ne."
                                                                                                               "exa"
                                                                                                               "mpl"
                                                                                                               "e'"
                                                                                                               "]")) "\n" BUNDLE(INDICATOR("2",
                                                                                                                                           "\"modified\":\"2023-01-"
                                                                                                                                           "02T00:00:00Z\","
                                                                                                                                           "\"revoked\":true,",
                                                                                                                                           "[domain-name:value='gone."
                                                                                                                                           "example']"));
    (void)state;
    struct feed_report report =
        expect("stix", text, FEED_DUMP_NAMES, "gone.example\nnew.example\nold.example\nsame.example\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 2); /* what is dumped has been held back too */
    assert_int_equal(skipped_for(&report, "an older version of an entry"), 2);
    assert_int_equal(skipped_for(&report, "withdrawn by its publisher"), 1);
}

static void a_family_may_stand_in_another_page(void **state)
{
    const char *pages = "{\"objects\":[" INDICATOR("1", "", "[domain-name:value='a.example']") "," INDICATES(
        "1", "tool--1") "]}\n"
                        "{\"objects\":[" INDICATES(
                            "1",
                            "malware--1") "]}\n"
                                          "{\"objects\":[" MALWARE(
                                              "1",
                                              "Emotet") ",{\"type\":\"tool\",\"id\":\"tool--1\",\"name\":\"T\"}]}\n";
    (void)state;
    assert_string_equal(record_of("stix", pages).family, "Emotet");
    assert_string_equal(
        record_of("stix", BUNDLE(INDICATOR("1", "", "[domain-name:value='a.example']") "," INDICATES(
                              "1", "campaign--1") ",{\"type\":\"campaign\",\"id\":\"campaign--1\",\"name\":\"C\"}"))
            .family,
        "C");
}

static void labels_and_phases_are_tags(void **state)
{
    (void)state;
    struct kept kept = record_of(
        "stix",
        BUNDLE(INDICATOR(
            "1",
            "\"labels\":[\"malicious-activity\",\"apt\"],"
            "\"indicator_types\":[\"compromised\"],\"kill_chain_phases\":[{\"kill_chain_name\":\"x\",\"phase_name\":"
            "\"command-and-control\"}],"
            "\"valid_from\":\"2024-01-01T00:00:00Z\",\"valid_until\":\"2030-01-01T00:00:00Z\",\"confidence\":80,",
            "[url:value = 'http://a.example/']")));
    assert_string_equal(kept.tags, "malicious-activity,apt,compromised,command-and-control");
    assert_int_equal(kept.expires, 1893456000);
    assert_int_equal(kept.confidence, 80);
    struct feed_report report =
        expect("stix",
               BUNDLE(INDICATOR("1", "\"labels\":[\"benign\"],", "[domain-name:value='good.example']") "," INDICATOR(
                   "2", "", "[domain-name:value='a.example']")),
               FEED_DUMP_NAMES, "a.example\n");
    assert_int_equal(skipped_for(&report, "not meant for detection"), 1);
}

static void traffic_to_an_address_is_the_address(void **state)
{
    const char *text =
        BUNDLE(INDICATOR(
            "1",
            "", "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port = 443]") "," INDICATOR("2",
                                                                                                                                                                 "",
                                                                                                                                                                 "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.2']") "," INDICATOR("3",
                                                                                                                                                                                                                                                                               "", "[network-traffic:dst_port = '8443' AND network-traffic:dst_ref.value = '2001:db8::1']") "," INDICATOR("4",
                                                                                                                                                                                                                                                                                                                                                                                          "", "[network-traffic:dst_ref.value = '192.0.2.4' OR network-traffic:dst_ref.value = '192.0.2.5']") "," INDICATOR("5", "", "[network-traffic:dst_ref.value = '192.0.2.6' AND file:name = 'x']") "," INDICATOR("6", "", "[network-traffic:dst_port = 443]") "," INDICATOR("7",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "[network-traffic:src_ref.value = '192.0.2.7']"));
    (void)state;
    expect("stix", text, FEED_DUMP_IP_PORTS, "192.0.2.1:443\n[2001:db8::1]:8443\n");
    struct feed_report report = expect("stix", text, FEED_DUMP_IPS, "192.0.2.2\n192.0.2.4\n192.0.2.5\n192.0.2.6\n");
    assert_int_equal(report.entries[INDICATOR_NETWORK], 5);
    assert_int_equal(skipped_for(&report, "pattern of more than one condition"), 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 3);
}

static void patterns_have_lists_networks_and_escapes(void **state)
{
    const char *text = BUNDLE(INDICATOR(
        "1", "\"pattern_type\":\"stix\",",
        "[domain-name:value IN ('a.example','b.example') OR url:value = "
        "'http://c.example/\\\\'x\\\\\\\\y']") "," INDICATOR("2", "",
                                                             "[ipv4-addr:value ISSUBSET "
                                                             "'192.0.2.0/24'] OR "
                                                             "[ipv6-addr:value='2001:db8::"
                                                             "1']") "," INDICATOR("3", "",
                                                                                  "[domain-"
                                                                                  "name:"
                                                                                  "value "
                                                                                  "LIKE "
                                                                                  "'%."
                                                                                  "example'"
                                                                                  "]") "," INDICATOR("4",
                                                                                                     "\"pattern_type\":"
                                                                                                     "\"snort\",",
                                                                                                     "[domain-name:"
                                                                                                     "value='no."
                                                                                                     "example']") "," INDICATOR("5",
                                                                                                                                "",
                                                                                                                                "[ipv4-addr:value = 'evil.example']"));
    (void)state;
    expect("stix", text, FEED_DUMP_NAMES, "a.example\nb.example\n");
    expect("stix", text, FEED_DUMP_URLS, "http://c.example/'x\\y\n");
    expect("stix", text, FEED_DUMP_CIDRS, "192.0.2.0/24\n");
    struct feed_report report = expect("stix", text, FEED_DUMP_IPS, "2001:db8::1\n");
    assert_int_equal(skipped_for(&report, "pattern that is no name"), 1);
    assert_int_equal(skipped_for(&report, "not an address or network"), 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
}

#define ATTRIBUTE(type, value, more) "{\"type\":\"" type "\",\"value\":\"" value "\",\"to_ids\":true" more "}"

static void misp_events_come_in_many_shapes(void **state)
{
    const char *event = "\"info\":\"campaign\",\"uuid\":\"u\",\"Attribute\":[" ATTRIBUTE("domain", "a.example", "") "]";
    const char *const around[] = {"{\"Event\":{@}}",
                                  "[{\"Event\":{@}}]",
                                  "{\"response\":[{\"Event\":{@}}]}",
                                  "{\"response\":{\"Event\":{@}}}",
                                  "{@}",
                                  "[{@}]",
                                  "{\"Event\":{@}}\n{\"Event\":{\"info\":\"empty\",\"Attribute\":[]}}\n",
                                  "{\"response\":[]}{\"Event\":{@}}"};
    char text[2048];
    (void)state;
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        put_around(text, sizeof text, around[i], event);
        struct feed_report report = expect_auto("misp", text, FEED_DUMP_NAMES, "a.example\n");
        assert_int_equal(report.faulty_lines, 0);
        assert_string_equal(record_of("misp", text).family, "campaign");
    }
    const char *found = "{\"response\":{\"Attribute\":[" ATTRIBUTE(
        "domain", "a.example", ",\"Event\":{\"info\":\"one\",\"uuid\":\"u-1\"}") "]}}";
    expect_auto("misp", found, FEED_DUMP_NAMES, "a.example\n");
    assert_string_equal(record_of("misp", found).family, "one");
    assert_string_equal(record_of("misp", found).reference, "u-1");
    expect_auto("misp", "[" ATTRIBUTE("hostname", "a.example", "") "," ATTRIBUTE("ip-dst", "192.0.2.1", "") "]",
                FEED_DUMP_NAMES, "a.example\n");
}

static void misp_objects_have_attributes_too(void **state)
{
    const char *text =
        "{\"Event\":{\"info\":\"i\",\"Object\":[{\"name\":\"domain-ip\",\"first_seen\":\"2024-01-01T00:00:00Z\","
        "\"Attribute\":[" ATTRIBUTE("domain", "a.example",
                                    ",\"timestamp\":1700000000") "]},"
                                                                 "{\"deleted\":true,\"Attribute\":[" ATTRIBUTE(
                                                                     "domain", "gone.example", "") "]}]}}";
    (void)state;
    struct feed_report report = expect_auto("misp", text, FEED_DUMP_NAMES, "a.example\n");
    assert_int_equal(skipped_for(&report, "withdrawn by its publisher"), 1);
    assert_int_equal(record_of("misp", text).first_seen, 1704067200);
}

static void misp_types_of_two_parts_are_taken_apart(void **state)
{
    const char *text = "{\"Event\":{\"Attribute\":[" ATTRIBUTE("domain|ip", "a.example|192.0.2.1", "") "," ATTRIBUTE(
        "ip-dst|port", "192.0.2.2|443",
        "") "," ATTRIBUTE("ip-src|port", "2001:db8::1|80",
                          "") "," ATTRIBUTE("hostname|port", "b.example|8080",
                                            "") "," ATTRIBUTE("ip-dst|port", "192.0.2.3",
                                                              "") "," ATTRIBUTE("filename|md5", "x|00ff", "") "]}}";
    (void)state;
    expect("misp", text, FEED_DUMP_NAMES, "a.example\n");
    expect("misp", text, FEED_DUMP_URLS, "http://b.example:8080/\n");
    struct feed_report report = expect("misp", text, FEED_DUMP_IP_PORTS, "192.0.2.2:443\n[2001:db8::1]:80\n");
    assert_int_equal(skipped_for(&report, "not an address or network"), 1);
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
}

static void misp_tags_tell_family_and_more(void **state)
{
    const char *text =
        "{\"Event\":{\"info\":\"i\",\"Tag\":[{\"name\":\"tlp:clear\"},{\"name\":\"misp-galaxy:threat-actor="
        "\\\"APT1\\\"\"}],"
        "\"Attribute\":[" ATTRIBUTE(
            "domain", "a.example",
            ",\"Tag\":[{\"name\":\"kill-chain:C2\"},{\"name\":\"misp-galaxy:rat=\\\"Gh0st\\\"\"}]") "]}}";
    (void)state;
    struct kept kept = record_of("misp", text);
    assert_string_equal(kept.family, "Gh0st");
    assert_string_equal(kept.tags, "kill-chain:C2,Gh0st,APT1");
}

static void spamhaus_lists_are_lines_or_lists(void **state)
{
    (void)state;
    expect_auto("spamhaus-json",
                "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"x\"}\r\n{\"cidr\":\"2001:db8::/"
                "32\",\"sblid\":\"SBL2\"}\n"
                "{\"type\":\"metadata\",\"records\":2}\n",
                FEED_DUMP_CIDRS, "192.0.2.0/24\n2001:db8::/32\n");
    expect_auto("spamhaus-json", "[{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\"}]", FEED_DUMP_CIDRS, "192.0.2.0/24\n");
    struct feed feed = {.name = "mine", .format = "auto"};
    struct feed_report report;
    struct fault fault = {0};
    assert_int_equal(
        feed_parse(
            write_text("feed", "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\"}\n{\"type\":\"metadata\",\"records\":2}"),
            &feed, false, NULL, &report, &fault),
        ST_INVALID);
    assert_non_null(strstr(fault.text, "not whole"));
    fault = (struct fault){0};
    assert_int_equal(
        feed_parse(write_text("feed", "{\"asn\":7,\"rir\":\"x\",\"domain\":\"a.example\",\"asname\":\"X\"}"), &feed,
                   false, NULL, &report, &fault),
        ST_INVALID);
    assert_non_null(strstr(fault.text, "neither name, URL nor address"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_of_stix_come_in_bundles_pages_lists_and_lines),
        cmocka_unit_test(the_newest_version_of_an_indicator_counts),
        cmocka_unit_test(a_family_may_stand_in_another_page),
        cmocka_unit_test(labels_and_phases_are_tags),
        cmocka_unit_test(traffic_to_an_address_is_the_address),
        cmocka_unit_test(patterns_have_lists_networks_and_escapes),
        cmocka_unit_test(misp_events_come_in_many_shapes),
        cmocka_unit_test(misp_objects_have_attributes_too),
        cmocka_unit_test(misp_types_of_two_parts_are_taken_apart),
        cmocka_unit_test(misp_tags_tell_family_and_more),
        cmocka_unit_test(spamhaus_lists_are_lines_or_lists),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
