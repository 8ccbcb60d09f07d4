#include "feed_test.h"

static const char *const head =
    "$TTL 30\n@ SOA ns.example. host.example. ( 1 ; serial\n 300 1800\n 604800 30 )\n NS localhost.\n";

static struct feed_report expect_zone(const char *records, enum feed_dump dump, const char *entries)
{
    static char text[160000];
    snprintf(text, sizeof text, "%s%s", head, records);
    return expect("rpz", text, dump, entries);
}

static void a_name_is_that_name_and_a_star_what_is_below_it(void **state)
{
    const char *zone = "evil.example CNAME . ; Malware, see https://example.com/1\n*.Below.Example 60 IN CNAME .\n";
    (void)state;
    expect_zone(zone, FEED_DUMP_EXACT_NAMES, "evil.example\n");
    expect_zone(zone, FEED_DUMP_BELOW_NAMES, "below.example\n");
    struct feed_report report =
        expect_zone(zone, FEED_DUMP_RULES, "qname evil.example nxdomain\nqname-wild below.example nxdomain\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 2);
    assert_int_equal(report.comments, 5);
    assert_int_equal(record_of("rpz", "*.a.example CNAME .\n").flags, RECORD_BELOW_ONLY);
    struct kept kept = record_of("rpz", "a.example CNAME . ; Malware (2020-01-01), see https://example.com/1\n");
    assert_int_equal(kept.flags, RECORD_EXACT);
    assert_string_equal(kept.reference, "https://example.com/1");
}

static void every_action_is_told_apart(void **state)
{
    const char *zone =
        "a.example CNAME .\nb.example CNAME *.\nc.example CNAME rpz-passthru.\nd.example CNAME rpz-drop.\n"
        "e.example CNAME RPZ-TCP-ONLY.\nf.example A 192.0.2.1\n AAAA 2001:db8::1\ng.example CNAME "
        "garden.example.\nh.example CNAME h.example.\n";
    (void)state;
    expect_zone(zone, FEED_DUMP_EXACT_NAMES, "a.example\nb.example\nd.example\ne.example\nf.example\ng.example\n");
    expect_zone(zone, FEED_DUMP_ALLOW_NAMES, "c.example\nh.example\n");
    struct feed_report report =
        expect_zone(zone, FEED_DUMP_RULES,
                    "qname a.example nxdomain\nqname b.example nodata\nqname c.example passthru\nqname d.example drop\n"
                    "qname e.example tcp-only\nqname f.example local:A\nqname f.example local:AAAA\nqname g.example "
                    "local:CNAME\nqname h.example passthru\n");
    assert_int_equal(report.skipped_count, 0);
    assert_int_equal(report.entries[INDICATOR_NAME], 8);
}

static void the_record_says_how_to_answer(void **state)
{
    static const struct {
        const char *line;
        enum record_answer answer;
        unsigned flags;
    } cases[] = {
        {"a.example CNAME .\n", RECORD_ANSWER_NXDOMAIN, RECORD_EXACT},
        {"a.example CNAME *.\n", RECORD_ANSWER_NODATA, RECORD_EXACT},
        {"a.example CNAME rpz-drop.\n", RECORD_ANSWER_DROP, RECORD_EXACT},
        {"a.example CNAME rpz-tcp-only.\n", RECORD_ANSWER_TCP_ONLY, RECORD_EXACT},
        {"a.example CNAME rpz-passthru.\n", RECORD_ANSWER_CONFIGURED, RECORD_EXACT | RECORD_ALLOW},
        {"a.example CNAME a.example.\n", RECORD_ANSWER_CONFIGURED, RECORD_EXACT | RECORD_ALLOW},
        {"*.a.example CNAME *.a.example.\n", RECORD_ANSWER_CONFIGURED, RECORD_BELOW_ONLY | RECORD_ALLOW},
        {"a.example TYPE5 \\# 1 00\n", RECORD_ANSWER_NXDOMAIN, RECORD_EXACT},
        {"a.example CNAME \\# 10 08 72707a2d64726f7000\n", RECORD_ANSWER_DROP, RECORD_EXACT},
        {"a.example CNAME rpz-drop\n", RECORD_ANSWER_DATA, RECORD_EXACT}, /* a name in the zone */
        {"a.example CNAME *.walled.example.\n", RECORD_ANSWER_DATA, RECORD_EXACT},
        {"*.a.example TXT \"x\"\n", RECORD_ANSWER_DATA, RECORD_BELOW_ONLY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kept kept = record_of("rpz", cases[i].line);
        assert_int_equal(kept.answer, cases[i].answer);
        assert_int_equal(kept.flags, cases[i].flags);
        assert_int_equal(kept.trigger, TRIGGER_SUBJECT);
    }
    assert_null(*state);
}

/* The data of the record in LINE after a $TTL and an $ORIGIN, as hexadecimal: type, TTL, length, data. */
static const char *data_of(const char *line)
{
    static char out[2 * 1024 + 1];
    char text[4096];
    snprintf(text, sizeof text, "$TTL 2h\n$ORIGIN rpz.example.\na.example %s\n", line);
    struct kept kept = record_of("rpz", text);
    assert_int_equal(kept.answer, RECORD_ANSWER_DATA);
    out[0] = '\0';
    for (size_t i = 0; i < kept.data_length; i++)
        sprintf(out + 2 * i, "%02x", kept.data[i]);
    return out;
}

static void local_data_is_kept_as_it_goes_over_the_wire(void **state)
{
    assert_null(*state);
    assert_string_equal(data_of("A 192.0.2.1"), "0001"
                                                "00001c20"
                                                "0004"
                                                "c0000201");
    assert_string_equal(data_of("60 IN A 192.0.2.1"), "0001"
                                                      "0000003c"
                                                      "0004"
                                                      "c0000201");
    assert_string_equal(data_of("in 1m30s a 192.0.2.1"), "0001"
                                                         "0000005a"
                                                         "0004"
                                                         "c0000201");
    assert_string_equal(data_of("AAAA 2001:db8::1"), "001c"
                                                     "00001c20"
                                                     "0010"
                                                     "20010db8000000000000000000000001");
    assert_string_equal(data_of("CNAME Garden"), "0005"
                                                 "00001c20"
                                                 "0014"
                                                 "0667617264656e"
                                                 "0372707a"
                                                 "076578616d706c6500");
    assert_string_equal(data_of("CNAME *.x."), "0005"
                                               "00001c20"
                                               "0005"
                                               "012a017800");
    assert_string_equal(data_of("MX 10 mx."), "000f"
                                              "00001c20"
                                              "0006"
                                              "000a"
                                              "026d7800");
    assert_string_equal(data_of("MX 10 @"), "000f"
                                            "00001c20"
                                            "000f"
                                            "000a"
                                            "0372707a076578616d706c6500");
    assert_string_equal(data_of("SRV 1 2 443 a."), "0021"
                                                   "00001c20"
                                                   "0009"
                                                   "0001000201bb"
                                                   "016100");
    assert_string_equal(data_of("TXT \"a ; b\" c \"\""), "0010"
                                                         "00001c20"
                                                         "0009"
                                                         "05"
                                                         "61203b2062"
                                                         "01"
                                                         "63"
                                                         "00");
    assert_string_equal(data_of("TXT ( \"a\\\"b\" ; c\n \\000\\255 )"), "0010"
                                                                        "00001c20"
                                                                        "0007"
                                                                        "03"
                                                                        "612262"
                                                                        "02"
                                                                        "00ff");
    assert_string_equal(data_of("HINFO x y"), "000d"
                                              "00001c20"
                                              "0004"
                                              "0178"
                                              "0179");
    assert_string_equal(data_of("CAA 0 issue \"ca\""), "0101"
                                                       "00001c20"
                                                       "0009"
                                                       "00"
                                                       "056973737565"
                                                       "6361");
    assert_string_equal(data_of("URI 1 2 \"x:\""), "0100"
                                                   "00001c20"
                                                   "0006"
                                                   "0001"
                                                   "0002"
                                                   "783a");
    assert_string_equal(data_of("TYPE65280 \\# 3 ab CDef"), "ff00"
                                                            "00001c20"
                                                            "0003"
                                                            "abcdef");
    assert_string_equal(data_of("TYPE65280 \\# 0"), "ff00"
                                                    "00001c20"
                                                    "0000");
    assert_string_equal(data_of("A \\# 4 c0000201"), "0001"
                                                     "00001c20"
                                                     "0004"
                                                     "c0000201");
    assert_string_equal(data_of("HTTPS 1 . alpn=h2"), ""); /* only in hexadecimal */
    assert_string_equal(record_of("rpz", "a.example CNAME garden\n").data_length ? "data" : "",
                        ""); /* of no known zone */
}

static void data_that_is_none_is_a_fault(void **state)
{
    static const char *const lines[] = {
        "A 192.0.2",
        "A 2001:db8::1",
        "A 192.0.2.1 x",
        "AAAA 192.0.2.1",
        "AAAA [2001:db8::1]",
        "MX mx.",
        "MX 65536 mx.",
        "MX 1",
        "TXT \\",
        "TXT \\999",
        "TXT \\9",
        "TXT a\"b",
        "SRV 1 2 x a.",
        "CNAME a b",
        "CNAME a..b.",
        "A \\# 3 c00002",
        "A \\# 4 c0000",
        "A \\# 5 c0000201",
        "A \\# 4 c000020x",
        "CNAME \\# 2 0161",
        "MX \\# 3 0001ff",
        "TXT \\# 2 0261",
        "TXT \\# 0",
        "HINFO x",
        "CAA 256 a b",
        "TYPE65280 \\# x",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "a.example %s\nb.example CNAME .\n", lines[i]);
        struct feed_report report = expect_zone(text, FEED_DUMP_EXACT_NAMES, "b.example\n");
        if (skipped_for(&report, "record data that can't be read") != 1 || report.faulty_lines != 1)
            fail_msg("%s", lines[i]);
    }
    assert_null(*state);
}

static void data_is_bounded(void **state)
{
    static char text[80000];
    char *at = text + sprintf(text, "a.example TXT");
    for (int i = 0; i < 8; i++)
        at += sprintf(at, " \"%0125d\"", i); /* 8 * 126 bytes */
    strcpy(at, "\nz.example CNAME .\n");
    expect_zone(text, FEED_DUMP_EXACT_NAMES, "a.example\nz.example\n");
    sprintf(at, " \"%07d\" \"\"\nz.example CNAME .\n", 1); /* a byte more than fits */
    struct feed_report report = expect_zone(text, FEED_DUMP_EXACT_NAMES, "z.example\n");
    assert_int_equal(skipped_for(&report, "record data that can't be read"), 1);
    at = text + sprintf(text, "%sa.example TXT ", head);
    memset(at, 'x', 60000);
    strcpy(at + 60000, "\nb.example CNAME . ");
    at += 60000 + strlen(at + 60000);
    memset(at, 'x', 9000);
    strcpy(at + 9000, "\nz.example CNAME .\n");
    report = expect("rpz", text, FEED_DUMP_EXACT_NAMES, "z.example\n");
    assert_int_equal(skipped_for(&report, "record data that can't be read"), 2);
    assert_null(*state);
}

static void addresses_in_answers_are_networks(void **state)
{
    const char *zone = "32.1.2.0.192.rpz-ip CNAME .\n25.128.2.0.192.rpz-ip CNAME .\n128.1.zz.db8.2001.rpz-ip CNAME .\n"
                       "48.zz.1.db8.2001.rpz-ip CNAME .\n128.8.7.6.5.4.3.db8.2001.rpz-ip CNAME .\n"
                       "24.0.100.51.198.rpz-ip CNAME rpz-passthru.\n";
    (void)state;
    expect_zone(zone, FEED_DUMP_IPS, "192.0.2.1\n2001:db8:3:4:5:6:7:8\n2001:db8::1\n");
    expect_zone(zone, FEED_DUMP_CIDRS, "192.0.2.128/25\n2001:db8:1::/48\n");
    expect_zone(zone, FEED_DUMP_ALLOW_CIDRS, "198.51.100.0/24\n");
}

static void addresses_that_are_none_are_counted(void **state)
{
    (void)state;
    struct feed_report report = expect_zone("1000.4.3.2.1.rpz-ip CNAME .\n33.4.3.2.1.rpz-ip CNAME .\n"
                                            "24.1.2.0.192.rpz-ip CNAME .\nx.4.3.2.1.rpz-ip CNAME .\n"
                                            "32.4.3.2.rpz-ip CNAME .\n128.zz.rpz-ip CNAME .\n"
                                            "128.1.zz.2.zz.1.rpz-ip CNAME .\n0.0.0.0.0.rpz-ip CNAME .\n"
                                            "1.2.3.4.5.6.7.8.9.10.rpz-ip CNAME .\na.example CNAME .\n",
                                            FEED_DUMP_RULES, "qname a.example nxdomain\n");
    assert_int_equal(skipped_for(&report, "not an address or network"), 8);
    assert_int_equal(skipped_for(&report, "network of every address"), 1);
}

static void rules_for_clients_and_name_servers_are_entries_of_their_own(void **state)
{
    static const char zone[] =
        "24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n8.0.0.0.10.rpz-client-ip CNAME rpz-passthru.\n"
        "32.1.2.0.192.rpz-nsip CNAME .\nns.x.example.rpz-nsdname CNAME .\n"
        "*.y.example.rpz-nsdname CNAME .\na.example CNAME .\n";
    struct feed_report report = expect_zone(
        zone, FEED_DUMP_RULES,
        "qname a.example nxdomain\nrpz-client-ip 10.0.0.0/8 passthru\nrpz-client-ip 192.0.2.0/24 drop\n"
        "rpz-nsdname ns.x.example nxdomain\nrpz-nsdname-wild y.example nxdomain\nrpz-nsip 192.0.2.1/32 nxdomain\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 3);
    assert_int_equal(report.entries[INDICATOR_NETWORK], 3);
    assert_int_equal(report.duplicates, 0);
    expect_zone(zone, FEED_DUMP_EXACT_NAMES, "a.example\n");
    expect_zone(zone, FEED_DUMP_IPS, "");
    expect_zone(zone, FEED_DUMP_ALLOW_CIDRS, "");
    expect_zone(zone, FEED_DUMP_CLIENT_CIDRS, "10.0.0.0/8\n192.0.2.0/24\n");
    expect_zone(zone, FEED_DUMP_NS_NAMES, "*.y.example\nns.x.example\n");
    expect_zone(zone, FEED_DUMP_NS_CIDRS, "192.0.2.1/32\n");
    assert_int_equal(record_of("rpz", "8.0.0.0.127.rpz-client-ip CNAME .\n").trigger, TRIGGER_CLIENT);
    assert_int_equal(record_of("rpz", "*.y.example.rpz-nsdname CNAME .\n").trigger, TRIGGER_NS_NAME);
    struct kept kept = record_of("rpz", "32.1.2.0.192.rpz-nsip CNAME *.\n");
    assert_int_equal(kept.trigger, TRIGGER_NS_ADDRESS);
    assert_int_equal(kept.answer, RECORD_ANSWER_NODATA);
    assert_null(*state);
}

static void rules_that_would_hurt_are_held_back(void **state)
{
    struct feed_report report = expect_zone("32.1.0.168.192.rpz-nsip CNAME .\n8.0.0.0.10.rpz-ip CNAME .\n"
                                            "*.com.rpz-nsdname CNAME .\nlocalhost.localdomain.rpz-nsdname CNAME .\n"
                                            "0.0.0.0.0.rpz-client-ip CNAME .\na.example CNAME .\n",
                                            FEED_DUMP_CLIENT_CIDRS, "");
    assert_int_equal(report.entries[INDICATOR_NAME], 1);
    assert_int_equal(report.entries[INDICATOR_NETWORK], 0);
    assert_int_equal(skipped_for(&report, "guard: private or special address"), 2);
    assert_int_equal(skipped_for(&report, "guard: name of the machine itself"), 1);
    assert_int_equal(skipped_for(&report, "single label"), 1);
    assert_int_equal(skipped_for(&report, "network of every address"), 1);
    assert_null(*state);
}

static void escapes_in_owners_are_undone(void **state)
{
    struct feed_report report =
        expect_zone("\\097bc\\-d.example CNAME .\na\\.b.example CNAME .\na\\032b.example CNAME .\n"
                    "a\\ b.example CNAME .\na\\000.example CNAME .\na\\999.example CNAME .\n",
                    FEED_DUMP_EXACT_NAMES, "abc-d.example\n");
    assert_int_equal(skipped_for(&report, "not a host name"), 5);
    report =
        expect("rpz", "$ORIGIN rpz.example.\nx\\.rpz.example. CNAME .\ny.example CNAME .\nz\\\\.rpz.example. CNAME .\n",
               FEED_DUMP_EXACT_NAMES, "y.example\n");
    assert_int_equal(skipped_for(&report, "name outside of the zone"), 1);
    assert_int_equal(skipped_for(&report, "not a host name"), 1);
    assert_null(*state);
}

static void a_record_without_owner_is_not_given_to_another_than_the_last(void **state)
{
    static char text[4096];
    char *at = text + sprintf(text, "a.example CNAME .\n");
    memset(at, 'x', 1100);
    strcpy(at + 1100, " CNAME .\n A 192.0.2.1\nb.example CNAME .\n");
    struct feed_report report =
        expect_zone(text, FEED_DUMP_RULES, "qname a.example nxdomain\nqname b.example nxdomain\n");
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 2);
    assert_null(*state);
}

static void other_classes_and_broken_times_are_faults(void **state)
{
    struct feed_report report = expect_zone("a.example CH CNAME .\nb.example 1x CNAME .\nc.example 1h 2h CNAME .\n"
                                            "d.example IN IN CNAME .\n$TTL x\ne.example 1w2d3h4m5s IN CNAME .\n"
                                            "f.example 99999999999999 CNAME .\ng.example CNAME\nh.example TYPE0 \\# 0\n"
                                            "$GENERATE 1-9 a$ CNAME .\n$INCLUDE other\n",
                                            FEED_DUMP_EXACT_NAMES, "e.example\nf.example\n");
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 7);
    assert_int_equal(skipped_for(&report, "other directive"), 2);
    assert_null(*state);
}

static void owners_are_relative_to_the_zone(void **state)
{
    (void)state;
    expect("rpz",
           "$ORIGIN .\nrpz.example 30 IN SOA a. b. 1 2 3 4 5\n$ORIGIN rpz.example.\n@ TXT \"about\"\nevil.example "
           "CNAME .\n"
           "abs.example.RPZ.example. CNAME .\n$ORIGIN com.rpz.example.\nbad CNAME .\n$ORIGIN net.rpz.example.\nworse "
           "CNAME .\n",
           FEED_DUMP_EXACT_NAMES, "abs.example\nbad.com\nevil.example\nworse.net\n");
    struct feed_report report =
        expect("rpz", "$ORIGIN rpz.example.\na.example CNAME .\ncom. CNAME .\nxrpz.example. CNAME .\n",
               FEED_DUMP_EXACT_NAMES, "a.example\n");
    assert_int_equal(skipped_for(&report, "name outside of the zone"), 2);
    report = expect_zone("com. CNAME .\nb.example CNAME .\n", FEED_DUMP_EXACT_NAMES, "b.example\n");
    assert_int_equal(skipped_for(&report, "name outside of the zone"), 1);
}

static void a_zone_without_its_head_and_with_leftovers_is_read(void **state)
{
    (void)state;
    struct feed_report report =
        expect("rpz",
               "\xef\xbb\xbf"
               "a.example CNAME .\r\n!*.b.example CNAME .\r\n||c.example^\r\n* CNAME .\r\n$INCLUDE x\r\n)\r\n"
               "d.example\tCNAME\t.",
               FEED_DUMP_EXACT_NAMES, "a.example\nd.example\n");
    assert_int_equal(skipped_for(&report, "not a host name"), 1);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 2);
    assert_int_equal(skipped_for(&report, "pattern that is no name"), 1);
    assert_int_equal(skipped_for(&report, "other directive"), 1);
}

static void a_parenthesis_that_is_never_closed_costs_a_bounded_part(void **state)
{
    char text[8192];
    size_t n = (size_t)sprintf(text, "a.example CNAME ( .\n");
    (void)state;
    for (int i = 0; i < 150; i++)
        n += (size_t)sprintf(text + n, "n%d.example CNAME .\n", i);
    struct feed feed = {.name = "mine", .format = "rpz"};
    struct feed_report report;
    struct fault fault = {0};
    struct kept kept = {0};
    assert_int_equal(feed_parse(write_text("feed", text), &feed, false,
                                &(struct feed_sink){.take = keep_record, .user = &kept}, &report, &fault),
                     ST_OK);
    assert_true(kept.count >= 50);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 1);
}

static void comments_and_parentheses_in_quotes_are_text(void **state)
{
    (void)state;
    expect("rpz", "a.example TXT \"x ; ( \"\nb.example CNAME ( . ) ; ( c\n\\(.example CNAME .\nc.example CNAME .\n",
           FEED_DUMP_EXACT_NAMES, "a.example\nb.example\nc.example\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_that_name_and_a_star_what_is_below_it),
        cmocka_unit_test(every_action_is_told_apart),
        cmocka_unit_test(addresses_in_answers_are_networks),
        cmocka_unit_test(addresses_that_are_none_are_counted),
        cmocka_unit_test(the_record_says_how_to_answer),
        cmocka_unit_test(local_data_is_kept_as_it_goes_over_the_wire),
        cmocka_unit_test(data_that_is_none_is_a_fault),
        cmocka_unit_test(data_is_bounded),
        cmocka_unit_test(rules_for_clients_and_name_servers_are_entries_of_their_own),
        cmocka_unit_test(rules_that_would_hurt_are_held_back),
        cmocka_unit_test(escapes_in_owners_are_undone),
        cmocka_unit_test(a_record_without_owner_is_not_given_to_another_than_the_last),
        cmocka_unit_test(other_classes_and_broken_times_are_faults),
        cmocka_unit_test(owners_are_relative_to_the_zone),
        cmocka_unit_test(a_zone_without_its_head_and_with_leftovers_is_read),
        cmocka_unit_test(a_parenthesis_that_is_never_closed_costs_a_bounded_part),
        cmocka_unit_test(comments_and_parentheses_in_quotes_are_text),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
