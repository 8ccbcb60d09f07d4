/* What is written for other resolvers: dnsmasq, Unbound, BIND, dnscrypt-proxy. */
#include "feed_test.h"

static void dnsmasq_options_that_lead_nowhere_are_taken(void **state)
{
    const char *text = "# c\naddress=/a.example/0.0.0.0\naddress=/b.example/.c.example/#\naddress=/d.example/::\n"
                       "server=/e.example/\nlocal=/f.example/\n address = /g.example/127.0.0.1 # why\r\n"
                       "address=/*.below.example/\naddress=/h.example/\nlocal=/H.Example./\n"
                       "address=/x.example/192.0.2.1\nserver=/good.example/192.0.2.1#53@eth0\n"
                       "server=/fine.example/also.example/#\nserver=/104.160.10.0/24\n"
                       "address=/#/0.0.0.0\naddress=/*ads.example/0.0.0.0\nserver=192.0.2.1\nno-resolv=1\n"
                       "no-hosts\naddress=/\n";
    (void)state;
    expect("dnsmasq", text, FEED_DUMP_ALLOW_NAMES, "also.example\nfine.example\ngood.example\n");
    expect("dnsmasq", text, FEED_DUMP_BELOW_NAMES, "below.example\n");
    struct feed_report report = expect("dnsmasq", text, FEED_DUMP_NAMES,
                                       "a.example\nb.example\nc.example\nd.example\ne.example\nf.example\ng.example\n"
                                       "h.example\n");
    assert_int_equal(report.duplicates, 1);
    assert_int_equal(skipped_for(&report, "redirection to another address"), 1);
    assert_int_equal(skipped_for(&report, "pattern that is no name"), 2);
    assert_int_equal(skipped_for(&report, "other directive"), 4);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 1);
}

static void unbound_zones_block_or_exempt_by_their_type(void **state)
{
    const char *text = "server:\n  local-zone: \"evil.example.\" always_nxdomain\nlocal-zone: two.example static # c\n"
                       "\tlocal-zone: 'Three.Example' redirect\r\n\tlocal-data: \"three.example A 0.0.0.0\"\r\n"
                       "local-zone: \"good.example\" always_transparent\nlocal-zone: \"fine.example\" Transparent\n"
                       "local-zone: \"192.0.2.1\" refuse\nlocal-data: \"x.example A 192.0.2.1\"\n"
                       "local-data: \"null.example. 3600 IN A 0.0.0.0\"\nlocal-data: 'six.example AAAA ::'\n"
                       "local-data: \"text.example TXT x\"\nlocal-zone: \"four.example\" block_a\n"
                       "http://evil.example/\nlocal-zone:\n";
    (void)state;
    expect("unbound", text, FEED_DUMP_ALLOW_NAMES, "fine.example\ngood.example\n");
    expect("unbound", text, FEED_DUMP_IPS, "192.0.2.1\n");
    expect("unbound", text, FEED_DUMP_EXACT_NAMES, "null.example\nsix.example\n");
    expect("unbound", text, FEED_DUMP_TYPED_NAMES, "four.example\n");
    struct feed_report report = expect("unbound", text, FEED_DUMP_NAMES, "evil.example\nthree.example\ntwo.example\n");
    assert_int_equal(skipped_for(&report, "other directive"), 3);
    assert_int_equal(skipped_for(&report, "redirection to another address"), 1);
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 1);
    assert_int_equal(skipped_for(&report, "not a host name"), 1);
}

static void bind_zones_are_names(void **state)
{
    const char *text =
        "// c\n# c\n/* zone \"no.example\" { };\n still a comment */ zone \"evil.example\" { type master; };\n"
        "options { directory \"/x\"; };\n"
        "zone \"two.example\" IN {\n    type master; // why\n    file \"/etc/bind/null.zone\";\n};\n"
        "zone \"three.example\" { type primary; file \"}\"; }; zone four.example { type master; };\n"
        "zone \"five.example\"\n{\n\ttype master;\n}\n;\n"
        "zone \"good.example\" { type forward; forwarders { 192.0.2.1; }; };\n"
        "zone \".\" { type hint; file \"/x\"; };\ninclude \"/etc/bind/more\";\nzone \"2.0.192.in-addr.arpa\" {};\n";
    (void)state;
    expect("bind", text, FEED_DUMP_ALLOW_NAMES, "good.example\n");
    struct feed_report report =
        expect("bind", text, FEED_DUMP_NAMES,
               "2.0.192.in-addr.arpa\nevil.example\nfive.example\nfour.example\nthree.example\ntwo.example\n");
    assert_int_equal(report.faulty_lines, 0);
    assert_int_equal(skipped_for(&report, "other directive"), 3);
    report = expect("bind", "zone \"evil.example\" { type master; };\nevil words\nzone evil;\n};\nzone \"x\" {\n",
                    FEED_DUMP_NAMES, "evil.example\n");
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 4);
}

static void dnscrypts_lists_have_names_exact_names_and_patterns(void **state)
{
    const char *text = "# c\nevil.example\n=exact.example # why\n*.below.example\nads.*\n*evil*\nads[0-9].example\n"
                       "timed.example @night\n";
    (void)state;
    expect("dnscrypt-names", text, FEED_DUMP_EXACT_NAMES, "exact.example\n");
    struct feed_report report = expect("dnscrypt-names", text, FEED_DUMP_NAMES, "below.example\nevil.example\n");
    assert_int_equal(skipped_for(&report, "pattern that is no name"), 3);
    assert_int_equal(skipped_for(&report, "rule with modifiers"), 1);
    const char *ips = "# c\n192.0.2.1\n192.0.2.*\n198.51.*\n8.*\n1.*.2.*\n*\n1.2.3.4.*\n2001:db8::1\n";
    expect("dnscrypt-ips", ips, FEED_DUMP_IPS, "192.0.2.1\n2001:db8::1\n");
    report = expect("dnscrypt-ips", ips, FEED_DUMP_CIDRS, "192.0.2.0/24\n198.51.0.0/16\n8.0.0.0/8\n");
    assert_int_equal(skipped_for(&report, "pattern that is no name"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dnsmasq_options_that_lead_nowhere_are_taken),
        cmocka_unit_test(unbound_zones_block_or_exempt_by_their_type),
        cmocka_unit_test(bind_zones_are_names),
        cmocka_unit_test(dnscrypts_lists_have_names_exact_names_and_patterns),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
