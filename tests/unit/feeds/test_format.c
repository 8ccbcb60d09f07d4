#include "feed_test.h"

#include "feeds/format.h"

static struct fault refuse(const char *format, const void *data, size_t n, enum status want)
{
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    char *got = dump_of(write_file("feed", data, n), format, FEED_DUMP_NAMES, &st, &report, &fault);
    assert_int_equal(st, want);
    assert_string_not_equal(fault.text, "");
    free(got);
    return fault;
}

static void a_hosts_file_gives_the_names_that_lead_nowhere(void **state)
{
    (void)state;
    struct feed_report report = expect("hosts",
                                       "# a list\n"
                                       "127.0.0.1 localhost\n"
                                       "::1\tip6-loopback LOCALHOST\n"
                                       "0.0.0.0 0.0.0.0\n"
                                       "0.0.0.0 Evil.Example. second.example#why\n"
                                       "::\tthird.example   # why\n"
                                       "127.0.0.1 evil.example\n"
                                       "fe80::1%lo0 localhost\n"
                                       "192.0.2.7 elsewhere.example\n"
                                       "0.0.0.0 198.51.100.3 2001:db8::1\n"
                                       "\n"
                                       "nonsense\n"
                                       "0.0.0.0\n"
                                       "0.0.0.0 single\n",
                                       FEED_DUMP_NAMES, "evil.example\nsecond.example\nthird.example\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 3);
    assert_int_equal(report.duplicates, 1);
    assert_int_equal(report.lines, 14);
    assert_int_equal(report.comments, 2);
    assert_int_equal(report.faulty_lines, 3);
    assert_int_equal(skipped_for(&report, "local name of a hosts file"), 5);
    assert_int_equal(skipped_for(&report, "redirection to another address"), 1);
    assert_int_equal(skipped_for(&report, "address in the name column"), 2);
    assert_int_equal(skipped_for(&report, "no address in the first column"), 1);
    assert_int_equal(skipped_for(&report, "no name after the address"), 1);
    assert_int_equal(skipped_for(&report, "single label"), 1);
}

static void a_list_of_names_may_hold_addresses(void **state)
{
    const char *text =
        "\xef\xbb\xbf# c\r\n; c\r\n! c\r\nEvil.example.\r\n  two.example\t# why\r\nthree.example ; why\r\n"
        "192.0.2.1\r\n2001:DB8::1\r\n192.0.2.9/24\r\nb\xc3\xbc"
        "cher.example\r\nfour.example";
    (void)state;
    expect("domains", text, FEED_DUMP_IPS, "192.0.2.1\n2001:db8::1\n");
    expect("domains", text, FEED_DUMP_CIDRS, "192.0.2.0/24\n");
    struct feed_report report =
        expect("domains", text, FEED_DUMP_NAMES,
               "evil.example\nfour.example\nthree.example\ntwo.example\nxn--bcher-kva.example\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 5);
    assert_int_equal(report.entries[INDICATOR_NETWORK], 3);
    assert_int_equal(report.comments, 3);
    assert_int_equal(report.faulty_lines, 0);
}

static void what_is_no_name_is_told_with_its_place(void **state)
{
    (void)state;
    struct feed_report report =
        expect("domains", "a.example\nnot a name\nb..example\nsingle\n1.2.3\nx.localhost\n*.wild.example\n",
               FEED_DUMP_NAMES, "a.example\nx.localhost\n");
    assert_int_equal(report.entries[INDICATOR_NAME], 1);
    assert_int_equal(skipped_for(&report, "not a host name"), 4);
    assert_int_equal(skipped_for(&report, "single label"), 1);
    assert_int_equal(skipped_for(&report, "guard: name of the machine itself"), 1);
    assert_int_equal(report.example_count, FEED_EXAMPLES);
    assert_string_equal(report.examples[0], "feed:2: not a name: not a host name");
    assert_string_equal(report.examples[4], "feed:6: x.localhost: guard: name of the machine itself");
}

static void urls_keep_their_path_and_query(void **state)
{
    (void)state;
    struct feed_report report =
        expect("urls",
               "# c\n"
               "HTTP://User:Pass@Evil.Example:80/A/%41?b=C#frag\n"
               "https://evil.example:443\n"
               "https://evil.example:8443?q\n"
               "http://192.0.2.1:8080/Mozi.m\n"
               "ftp://evil.example/\n"
               "evil.example/path\n"
               "http:///path\n"
               "http://a b/\n"
               "http://evil.example:99999/\n"
               "http://localhost/x\n"
               "http://10.0.0.1/x\n",
               FEED_DUMP_URLS,
               "http://10.0.0.1/x\nhttp://192.0.2.1:8080/Mozi.m\nhttp://evil.example/A/%41?b=C\n"
               "https://evil.example/\nhttps://evil.example:8443/?q\n");
    assert_int_equal(report.entries[INDICATOR_URL], 4);
    assert_int_equal(skipped_for(&report, "not an http or https URL"), 5);
    assert_int_equal(skipped_for(&report, "single label"), 1);
    assert_int_equal(skipped_for(&report, "guard: private or special address"), 1);
}

static void a_url_of_any_length_is_bounded(void **state)
{
    (void)state;
    size_t n = 20000;
    char *text = malloc(n + 64);
    assert_non_null(text);
    int head = snprintf(text, 64, "http://ok.example/\nhttp://long.example/");
    memset(text + head, 'a', n);
    text[(size_t)head + n] = '\0';
    struct feed_report report = expect("urls", text, FEED_DUMP_URLS, "http://ok.example/\n");
    assert_int_equal(skipped_for(&report, "URL over 8 KiB"), 1);
    free(text);
}

static void addresses_come_with_prefix_and_port(void **state)
{
    const char *text = "; c\n192.0.2.1\n192.0.2.1/32\n198.51.100.77/25 ; SBL1\n203.0.113.5:8080\n[2001:db8::2]:443\n"
                       "2001:db8::3:443\n2001:db8:1::/48\n09.1.1.1\n256.1.1.1\n192.0.2.0/33\n0.0.0.0/0\n192.0.2.1:0\n";
    (void)state;
    expect("ips", text, FEED_DUMP_IPS, "192.0.2.1\n2001:db8::3:443\n");
    expect("ips", text, FEED_DUMP_CIDRS, "198.51.100.0/25\n2001:db8:1::/48\n");
    struct feed_report report = expect("ips", text, FEED_DUMP_IP_PORTS, "203.0.113.5:8080\n[2001:db8::2]:443\n");
    assert_int_equal(report.entries[INDICATOR_NETWORK], 6);
    assert_int_equal(report.duplicates, 1);
    assert_int_equal(skipped_for(&report, "not an address or network"), 4);
    assert_int_equal(skipped_for(&report, "network of every address"), 1);
}

static void guarded_addresses_are_counted_apart(void **state)
{
    (void)state;
    struct feed_report report =
        expect("ips", "192.0.2.1\n10.1.2.3\n127.0.0.1\n0.0.0.0\n224.0.0.5\n8.0.0.0/7\n2000::/18\n", FEED_DUMP_IPS,
               "0.0.0.0\n10.1.2.3\n127.0.0.1\n192.0.2.1\n224.0.0.5\n");
    assert_int_equal(report.entries[INDICATOR_NETWORK], 3); /* wide networks are taken, and only recorded */
    assert_int_equal(report.faulty_lines, 0);
    assert_int_equal(skipped_for(&report, "guard: private or special address"), 4);
}

static void a_wildcard_is_the_name_and_all_below_it(void **state)
{
    const char *text = "# c\n*.evil.example\n.two.example # why\nthree.example\n*.192.0.2.1\n*.*.x.example\n*\n";
    (void)state;
    expect("wildcard", text, FEED_DUMP_IPS, "192.0.2.1\n");
    struct feed_report report = expect("wildcard", text, FEED_DUMP_NAMES, "evil.example\nthree.example\ntwo.example\n");
    assert_int_equal(skipped_for(&report, "not a host name"), 2);
}

static void the_csv_of_abuse_ch_is_read_by_its_columns(void **state)
{
    (void)state;
    struct feed_report report =
        expect("urlhaus-csv",
               "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n"
               "id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n"
               "\"2\",\"d\",\"http://a.example/x,y\",\"online\",\"d\",\"t\",\"a,b\",\"l\",\"r\"\r\n"
               "\"1\",\"d\",\"http://b.example/\",\"offline\",\"t\",\"None\",\"l\",\"r\"\r\n"
               "\"1\",\"d\",\"http://c.example/\r\n"
               "1,2,3\r\n",
               FEED_DUMP_URLS, "http://a.example/x,y\nhttp://b.example/\n");
    assert_int_equal(report.comments, 3); /* and a line that goes on in the next */
    assert_int_equal(skipped_for(&report, "not a rule of this format"), 1);

    const char *fox = "\"d\", \"1\", \"a.example\", \"domain\", \"t\", \"f\", \"None\", \"F\", \"\", \"50\", \"r\", "
                      "\"t\", \"0\", \"x\"\n"
                      "\"d\", \"1\", \"192.0.2.1:80\", \"ip:port\", \"t\", \"f\", \"None\", \"F\", \"\", \"50\", "
                      "\"r\", \"t\", \"0\", \"x\"\n"
                      "\"d\", \"1\", \"2001:db8::5:443\", \"ip:port\", \"t\", \"f\", \"None\", \"F\", \"\", \"50\", "
                      "\"r\", \"t\", \"0\", \"x\"\n"
                      "\"d\", \"1\", \"nonsense\", \"ip:port\", \"t\", \"f\", \"None\", \"F\", \"\", \"50\", \"r\", "
                      "\"t\", \"0\", \"x\"\n"
                      "\"d\", \"1\", \"00ff\", \"md5_hash\", \"t\", \"f\", \"None\", \"F\", \"\", \"50\", \"r\", "
                      "\"t\", \"0\", \"x\"\n";
    expect("threatfox-csv", fox, FEED_DUMP_NAMES, "a.example\n");
    report = expect("threatfox-csv", fox, FEED_DUMP_IP_PORTS, "192.0.2.1:80\n[2001:db8::5]:443\n");
    assert_int_equal(skipped_for(&report, "neither name, URL nor address"), 1);
    assert_int_equal(skipped_for(&report, "not an address or network"), 1);

    expect("feodo-csv",
           "# c\n\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\n"
           "\"d\",\"192.0.2.1\",\"1194\",\"online\",\"d\",\"Pikabot\"\n# END 1 entries",
           FEED_DUMP_IP_PORTS, "192.0.2.1:1194\n");
    expect("sslbl-csv", "192.0.2.1,443,URLzone C&C\n2020-01-01,192.0.2.2,444\n,,\n", FEED_DUMP_IP_PORTS,
           "192.0.2.1:443\n192.0.2.2:444\n");
    expect("phishtank-csv", "phish_id,url,a,b,c,d,e,f\n1,\"http://a.example/x,y\",l,t,yes,t,yes,\"A, B\"\n",
           FEED_DUMP_URLS, "http://a.example/x,y\n");
}

static void what_a_feed_says_beside_the_key_is_kept(void **state)
{
    (void)state;
    struct kept record = record_of("ipsum", "192.0.2.1\t3\n");
    assert_int_equal(record.confidence, 30);
    assert_int_equal(record.category, CATEGORY_SCAM);
    assert_int_equal(record.risk, RISK_MEDIUM);
    assert_int_equal(record_of("ipsum", "192.0.2.1 55\n").confidence, 100);
    assert_int_equal(strlen(record_of("spamhaus-json", "{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL77\"}").reference),
                     5);
    assert_int_equal(record_of("adblock", "@@||a.example^\n").flags, RECORD_ALLOW);
    assert_int_equal(record_of("adblock", "a.example\n").flags, RECORD_EXACT);
    assert_int_equal(record_of("adblock", "a.example\n||a.example^\n").flags, 0);
    assert_int_equal(record_of("ips", "192.0.2.1:8080\n192.0.2.1\n").port, 0);
    assert_int_equal(record_of("ips", "192.0.2.1:8080\n").port, 8080);
}

static void auto_finds_the_format(void **state)
{
    static const struct {
        const char *text, *format;
    } samples[] = {
        {"# c\n0.0.0.0 evil.example\n127.0.0.1 localhost\n", "hosts"},
        {"evil.example\n192.0.2.1\nother.example\n", "domains"},
        {"192.0.2.1\n192.0.2.0/24\n", "ips"},
        {"http://evil.example/x\nhttps://192.0.2.1/\n", "urls"},
        {"http://evil.example/x", "urls"},
        {"one.example\rtwo.example\r", "domains"},
        {"127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n0.0.0.0 evil.example\n", "hosts"},
        {"*.evil.example\n", "wildcard"},
        {"192.0.2.1\t3\n198.51.100.1\t1\n", "ipsum"},
        {"address=/evil.example/0.0.0.0\n", "dnsmasq"},
        {"server:\nlocal-zone: \"evil.example.\" static\n", "unbound"},
        {"zone \"evil.example\" { type master; };\n", "bind"},
        {"{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\"}\n{\"type\":\"metadata\"}\n", "spamhaus-json"},
        {"[Adblock Plus]\n||evil.example^\nbare.example\n", "adblock"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct feed_report report;
        struct fault fault = {0};
        enum status st;
        free(dump_of(write_text("feed", samples[i].text), "auto", FEED_DUMP_NONE, &st, &report, &fault));
        assert_int_equal(st, ST_OK);
        assert_string_equal(report.format, samples[i].format);
    }
}

static void auto_does_not_guess(void **state)
{
    (void)state;
    struct fault fault = refuse("auto", "404: Not Found", 14, ST_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "can't tell its format"));
    assert_non_null(strstr(fault.text, "hosts"));
    assert_non_null(strstr(refuse("auto", "see evil.example\nfor more\n", 26, ST_UNSUPPORTED).text, "can't tell"));
    assert_non_null(strstr(refuse("auto", "# nothing\n\n", 11, ST_INVALID).text, "no entries"));
    assert_non_null(strstr(refuse("auto", "", 0, ST_INVALID).text, "no entries"));
}

static void a_format_that_is_unknown_is_named(void **state)
{
    (void)state;
    assert_non_null(strstr(refuse("hostz", "a.example\n", 10, ST_UNSUPPORTED).text, "unknown feed format 'hostz'"));
}

static void what_is_no_feed_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *data;
        size_t n;
        const char *reason;
    } bodies[] = {
        {" \r\n<html><body>sign in</body></html>", 36, "web page"},
        {"{\"query_status\": \"unknown_auth_key\"}", 36, "JSON"},
        {"\x1f\x8b\x08\0\0\0", 6, "gzip"},
        {"PK\x03\x04zip", 7, "can't be unpacked"},
        {"\xff\xfe"
         "a\0.\0b\0",
         8, "UTF-16"},
        {"\xfe\xff\0a", 4, "UTF-16"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const char *formats[] = {"auto", "hosts", "domains", "urls", "ips"};
        for (size_t k = 0; k < sizeof formats / sizeof formats[0]; k++)
            assert_non_null(strstr(refuse(formats[k], bodies[i].data, bodies[i].n, ST_INVALID).text, bodies[i].reason));
    }
}

static void a_mixed_list_may_have_remarks_behind_its_indicators(void **state)
{
    static const char text[] = "evil.example, seen by us\nhxxp://bad.example/a,b;c\nhttp://worse.example/x, a dropper\n"
                               "second.example;stealer\n192.0.2.7\ta scanner\n198.51.100.1:443,c2\n";
    (void)state;
    expect("mixed", text, FEED_DUMP_NAMES, "evil.example\nsecond.example\n");
    expect("mixed", text, FEED_DUMP_URLS, "http://bad.example/a,b;c\nhttp://worse.example/x\n");
    expect("mixed", text, FEED_DUMP_IP_PORTS, "198.51.100.1:443\n");
    struct feed_report report = expect("mixed", text, FEED_DUMP_IPS, "192.0.2.7\n");
    assert_int_equal(report.faulty_lines, 0);
}

static void comments_without_an_end_do_not_hide_the_only_entry(void **state)
{
    (void)state;
    expect("auto", "# a list\n# of one\nevil.example", FEED_DUMP_NAMES, "evil.example\n");
}

/* GOOD lines and BAD ones. */
static enum status mixed(unsigned good, unsigned bad)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    for (unsigned i = 0; i < good; i++)
        fprintf(out, "name%u.example\n", i);
    for (unsigned i = 0; i < bad; i++)
        fprintf(out, "# %u\nno name %u\n", i, i);
    fclose(out);
    struct feed_report report;
    struct fault fault = {0};
    enum status st;
    free(dump_of(write_file("feed", text, n), "domains", FEED_DUMP_NONE, &st, &report, &fault));
    free(text);
    assert_int_equal(report.faulty_lines, bad);
    return st;
}

static void more_than_a_twentieth_of_faulty_lines_refuses_the_feed(void **state)
{
    (void)state;
    assert_int_equal(mixed(95, 5), ST_OK);
    assert_int_equal(mixed(94, 6), ST_INVALID);
    assert_int_equal(mixed(18, 1), ST_OK);
    assert_int_equal(mixed(1, 18), ST_OK);
    assert_int_equal(mixed(1, 19), ST_INVALID);
    assert_int_equal(mixed(0, 3), ST_INVALID);
}

static void text_from_outside_is_made_printable(void **state)
{
    (void)state;
    struct feed_report report = expect("domains", "ok.example\n\x1b[31mred \xff\n", FEED_DUMP_NAMES, "ok.example\n");
    assert_string_equal(report.examples[0], "feed:2: \\x1b[31mred \\xff: not a host name");
}

static void every_format_has_a_name_and_words(void **state)
{
    (void)state;
    assert_true(format_count() >= 4);
    for (size_t i = 0; i < format_count(); i++) {
        assert_true(feed_format_known(str_of(format_at(i)->name)));
        assert_non_null(strstr(feed_format_names(), format_at(i)->name));
        assert_true(format_at(i)->about[0]);
    }
    assert_true(feed_format_known(STR("auto")));
    assert_false(feed_format_known(STR("")));
    assert_false(feed_format_known(STR("host")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mixed_list_may_have_remarks_behind_its_indicators),
        cmocka_unit_test(comments_without_an_end_do_not_hide_the_only_entry),
        cmocka_unit_test(a_hosts_file_gives_the_names_that_lead_nowhere),
        cmocka_unit_test(a_list_of_names_may_hold_addresses),
        cmocka_unit_test(what_is_no_name_is_told_with_its_place),
        cmocka_unit_test(urls_keep_their_path_and_query),
        cmocka_unit_test(a_url_of_any_length_is_bounded),
        cmocka_unit_test(addresses_come_with_prefix_and_port),
        cmocka_unit_test(guarded_addresses_are_counted_apart),
        cmocka_unit_test(a_wildcard_is_the_name_and_all_below_it),
        cmocka_unit_test(the_csv_of_abuse_ch_is_read_by_its_columns),
        cmocka_unit_test(what_a_feed_says_beside_the_key_is_kept),
        cmocka_unit_test(auto_finds_the_format),
        cmocka_unit_test(auto_does_not_guess),
        cmocka_unit_test(a_format_that_is_unknown_is_named),
        cmocka_unit_test(what_is_no_feed_is_refused_with_the_reason),
        cmocka_unit_test(more_than_a_twentieth_of_faulty_lines_refuses_the_feed),
        cmocka_unit_test(text_from_outside_is_made_printable),
        cmocka_unit_test(every_format_has_a_name_and_words),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
