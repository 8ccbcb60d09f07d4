#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "config/feed_catalogue.h"
#include "config/site.h"

static struct feed_catalogue catalogue;
static struct config_faults faults;

static int free_all(void **state)
{
    (void)state;
    feed_catalogue_free(&catalogue);
    config_faults_free(&faults);
    return 0;
}

static void load_source(void)
{
    enum status status = feed_catalogue_load(CCWARD_SOURCE_DIR "/feeds/catalogue.yaml", &catalogue, &faults);
    assert_string_equal(buf_text(&faults.text), "");
    assert_int_equal(status, ST_OK);
}

static void the_catalogue_that_is_built_in_is_the_one_that_ships(void **state)
{
    static char text[1 << 20];
    (void)state;
    FILE *file = fopen(CCWARD_SOURCE_DIR "/feeds/catalogue.yaml", "rb");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_true(str_eq(feed_catalogue_built_in, (struct str){text, n}));
    load_source();
    assert_true(catalogue.count >= 30);
    assert_non_null(feed_catalogue_find(&catalogue, "urlhaus"));
    assert_null(feed_catalogue_find(&catalogue, "urlhau"));
}

static void every_entry_says_what_people_want_to_know(void **state)
{
    (void)state;
    load_source();
    unsigned with_key = 0, dead = 0, guards = 0;
    for (size_t i = 0; i < catalogue.count; i++) {
        const struct feed_catalogue_entry *entry = &catalogue.entries[i];
        bool japanese = false;
        for (const char *at = entry->about_ja; *at; at++)
            japanese = japanese || (unsigned char)*at >= 0xe3;
        if (!japanese)
            fail_msg("%s: about-ja is not Japanese", entry->feed.name);
        if (entry->about[strlen(entry->about) - 1] != '.')
            fail_msg("%s: about is no sentence", entry->feed.name);
        with_key += entry->key_from[0] != '\0';
        dead += !!entry->dead;
        guards += entry->feed.action == FEED_GUARDS;
    }
    assert_true(with_key > 0 && dead > 0 && guards > 0);
}

static void assert_fault(const char *text, const char *expected)
{
    char path[] = "/tmp/ccward-catalogue-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    config_faults_free(&faults);
    assert_int_equal(feed_catalogue_load(path, &catalogue, &faults), ST_INVALID);
    unlink(path);
    assert_int_equal(catalogue.count, 0);
    assert_true(faults.errors > 0);
    if (!strstr(buf_text(&faults.text), expected))
        fail_msg("expected %s in:\n%s", expected, buf_text(&faults.text));
}

#define REST "about: a, about-ja: b, licence: c, home: 'https://h/'"

static void faults_are_told_with_file_line_and_field(void **state)
{
    (void)state;
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', format: hosts, colour: red, " REST "}\n",
                 ":2: catalogue[0].colour: there is no such option");
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', format: floppy, " REST "}\n",
                 ":2: catalogue[0].format: 'floppy' is no format");
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', " REST "}\n",
                 ":2: catalogue[0].format: is missing");
    assert_fault("catalogue:\n  - {name: a, url: 'http://x/', format: hosts, " REST "}\n",
                 ":2: catalogue[0]: has no title");
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', format: hosts, " REST "}\n"
                 "  - {name: a, title: A, url: 'http://x/', format: hosts, " REST "}\n",
                 ":3: catalogue[1].name: is the name of an entry before it");
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', format: hosts, status: dead, " REST "}\n",
                 ":2: catalogue[0].since: is missing");
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', format: hosts, key: 'env:X', " REST "}\n",
                 "a catalogue holds no keys");
    assert_fault("catalogue:\n  - {name: a, title: A, url: 'http://x/', format: hosts, key-from: ask, " REST "}\n",
                 "'ask' is no address of a page");
    assert_fault("feeds: []\n", ":1: feeds: there is no such section");
}

static void a_catalogue_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_int_equal(feed_catalogue_load("/nowhere/catalogue.yaml", &catalogue, &faults), ST_NOT_FOUND);
    assert_non_null(strstr(buf_text(&faults.text), "/nowhere/catalogue.yaml"));
}

/* Real lists, under CCWARD_SHARED_DATA/feeds; not all of the very address, but of the same publisher and form. */
static const struct {
    const char *name, *sample;
} samples[] = {
    {"urlhaus", "urlhaus-csv/urlhaus_csv_online_2025-07-17.csv"},
    {"urlhaus-recent", "urlhaus-csv/urlhaus_csv_online_2025-07-17.csv"},
    {"urlhaus-text", "urls/nanparam_urlhaus_urls.txt"},
    {"urlhaus-json", "urlhaus-json/urlhaus_api_urls_recent_excerpt_2021-10-05.json"},
    {"urlhaus-hostfile", "hosts/urlhaus_hostfile_2020_crlf.hosts"},
    {"urlhaus-rpz", "rpz/urlhaus_rpz_excerpt_2022-02-17.zone"},
    {"threatfox", "threatfox/threatfox_csv_recent_excerpt_2026.csv"},
    {"threatfox-full", "threatfox/threatfox_csv_recent_excerpt_2026.csv"},
    {"feodo", "feodo/feodo_ipblocklist_2024-04-04.csv"},
    {"sslbl", "sslbl/sslbl_sslipblacklist_2015.csv"},
    {"spamhaus-drop", "spamhaus/drop_v4_2025-04-15.json"},
    {"spamhaus-edrop", "spamhaus/edrop_2017.txt"},
    {"firehol-level1", "ip-lists/firehol_level1_2021.netset"},
    {"et-block-ips", "ip-lists/emerging-Block-IPs_rev5793.txt"},
    {"ipsum-all", "ipsum/ipsum.txt"},
    {"cins", "ip-lists/cins_ci-badguys_2020.txt"},
    {"binarydefense", "ip-lists/binarydefense_banlist.txt"},
    {"maltrail-mass-scanner", "maltrail/mass_scanner.txt"},
    {"openphish", "openphish/openphish_feed_2026-08-22.txt"},
    {"phishtank", "phishtank/phishtank_verified_online_2020-03.csv"},
    {"spam404", "domains/spam404_main-blacklist.txt"},
    {"durablenapkin-scam", "adblock-dns/durablenapkin_adguard.txt"},
    {"jarelllama-scam", "adblock-dns/jarelllama_scams_light_adblock.txt"},
    {"hagezi-fake", "wildcard/hagezi_fake_2022_wildcard.txt"},
    {"kadhosts", "hosts/kadhosts_2021.hosts"},
    {"maltrail-cobaltstrike", "maltrail/cobaltstrike-2.txt"},
    {"maltrail-mirai", "maltrail/elf_mirai.txt"},
    {"maltrail-emotet", "maltrail/emotet.txt"},
    {"maltrail-lummac2", "maltrail/lummac2.txt"},
    {"blackbook", "domains/blackbook.txt"},
    {"blackbook-csv", "ioc-csv/blackbook.csv"},
    {"malware-filter-urlhaus", "hosts/urlhaus-filter-hosts.hosts"},
    {"dandelion-antimalware", "hosts/dandelion_antimalware_bom.hosts"},
    {"conficker", "conficker/conficker_andrewaeva.txt"},
    {"ut1-cryptojacking", "domains/ut1_cryptojacking_domains.txt"},
    {"digitalside", "ip-lists/digitalside_latestips.txt"},
    {"malwaredomainlist", "hosts/malwaredomainlist_hosts_crlf.hosts"},
    {"amnesty-pegasus", "stix/amnesty_pegasus.stix2"},
    {"amnesty-android", "domains/amnesty_android_campaign_domains.txt"},
    {"eset-mozi", "misp/eset_mozi.misp-event.json"},
    {"infoblox-keitaro", "ioc-csv/infoblox_keitaro_abuse_20260331.csv"},
    {"stevenblack", "hosts/stevenblack_fakenews-gambling-porn-social_2019.hosts"},
    {"hagezi-light", "wildcard/hagezi_light_2022_wildcard.txt"},
    {"adguard-dns", "adblock-dns/adguard_sdn_2019.txt"},
    {"dandelion-nordic", "adblock-dns/dandelion_nordic_agh.txt"},
    {"infoblox", "misp/infoblox_event_af55d3cb.json"},
    {"guard-cloudflare", "warninglists/cloudflare.json"},
    {"guard-fastly", "warninglists/fastly.json"},
    {"guard-crl", "warninglists/crl-hostname.json"},
    {"guard-public-dns", "warninglists/public-dns-v4.json"},
    {"guard-google", "warninglists/google.json"},
    {"guard-shorteners", "warninglists/url-shortener.json"},
    {"guard-majestic", "warninglists/majestic_million.json"},
    {"guard-cisco", "warninglists/cisco_top20k.json"},
};

static void every_sample_is_read_as_its_entry_says(void **state)
{
    (void)state;
    if (access(CCWARD_SHARED_DATA "/feeds", R_OK) != 0)
        skip();
    load_source();
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char path[512];
        struct feed_report report;
        struct fault fault = {0};
        const struct feed_catalogue_entry *entry = feed_catalogue_find(&catalogue, samples[i].name);
        if (!entry)
            fail_msg("the catalogue has no %s", samples[i].name);
        snprintf(path, sizeof path, "%s/feeds/%s", CCWARD_SHARED_DATA, samples[i].sample);
        struct feed feed = feed_of_config(&entry->feed);
        enum status status = feed_try(NULL, path, &feed, false, FEED_DUMP_NONE, NULL, &report, &fault);
        uint64_t entries = 0, content = report.lines - report.comments;
        for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
            entries += report.entries[kind];
        if (status != ST_OK || !entries || report.faulty_lines * 20 > content)
            fail_msg("%s: %s: %llu entries, %llu of %llu lines are faulty", samples[i].name, fault.text,
                     (unsigned long long)entries, (unsigned long long)report.faulty_lines, (unsigned long long)content);
        if (feed.top)
            assert_true(entries <= feed.top);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_catalogue_that_is_built_in_is_the_one_that_ships, free_all),
        cmocka_unit_test_teardown(every_entry_says_what_people_want_to_know, free_all),
        cmocka_unit_test_teardown(faults_are_told_with_file_line_and_field, free_all),
        cmocka_unit_test_teardown(a_catalogue_that_is_not_there_is_named, free_all),
        cmocka_unit_test_teardown(every_sample_is_read_as_its_entry_says, free_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
