#include "feed_test.h"

static const char *const head =
    "$TTL 30\n@ SOA ns.example. host.example. ( 1 ; serial\n 300 1800\n 604800 30 )\n NS localhost.\n";

static struct feed_report expect_zone(const char *records, enum feed_dump dump, const char *entries)
{
    char text[4096];
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
    expect_zone(zone, FEED_DUMP_EXACT_NAMES, "a.example\nb.example\nd.example\nf.example\ng.example\n");
    expect_zone(zone, FEED_DUMP_ALLOW_NAMES, "c.example\nh.example\n");
    struct feed_report report =
        expect_zone(zone, FEED_DUMP_RULES,
                    "qname a.example nxdomain\nqname b.example nodata\nqname c.example passthru\nqname d.example drop\n"
                    "qname e.example tcp-only\nqname f.example local:A\nqname f.example local:AAAA\nqname g.example "
                    "local:CNAME\nqname h.example passthru\n");
    assert_int_equal(skipped_for(&report, "rule that does not block"), 1);
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

static void rules_for_clients_and_name_servers_are_left_out(void **state)
{
    struct feed_report report = expect_zone(
        "24.0.2.0.192.rpz-client-ip CNAME rpz-drop.\n32.1.2.0.192.rpz-nsip CNAME .\nns.example.rpz-nsdname CNAME .\n"
        "*.example.rpz-nsdname CNAME .\na.example CNAME .\n",
        FEED_DUMP_RULES,
        "qname a.example nxdomain\nrpz-client-ip 192.0.2.0/24 drop\nrpz-nsdname ns.example nxdomain\n"
        "rpz-nsdname-wild example nxdomain\nrpz-nsip 192.0.2.1/32 nxdomain\n");
    (void)state;
    assert_int_equal(skipped_for(&report, "rule for clients or name servers"), 4);
    assert_int_equal(report.entries[INDICATOR_NAME], 1);
    assert_int_equal(report.entries[INDICATOR_NETWORK], 0);
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
        cmocka_unit_test(rules_for_clients_and_name_servers_are_left_out),
        cmocka_unit_test(owners_are_relative_to_the_zone),
        cmocka_unit_test(a_zone_without_its_head_and_with_leftovers_is_read),
        cmocka_unit_test(a_parenthesis_that_is_never_closed_costs_a_bounded_part),
        cmocka_unit_test(comments_and_parentheses_in_quotes_are_text),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
