/* Real samples against lists that were computed by other programs. Skipped where the samples are absent. */
#include "feed_test.h"

#include <jansson.h>
#include <stdbool.h>

#include "base/digest.h"
#include "feeds/format.h"

static const struct {
    const char *parser, *format;
} formats[] = {
    {"hosts", "hosts"},
    {"domains", "domains"},
    {"urls", "urls"},
    {"ips", "ips"},
    {"netset", "ips"},
    {"adblock", "adblock"},
    {"dnsmasq", "dnsmasq"},
    {"unbound", "unbound"},
    {"wildcard", "wildcard"},
    {"bindzones", "bind"},
    {"ipsum", "ipsum"},
    {"spamhausjson", "spamhaus-json"},
    {"urlhaus", "urlhaus-csv"},
    {"threatfox", "threatfox-csv"},
    {"feodo", "feodo-csv"},
    {"sslbl", "sslbl-csv"},
    {"phishtank", "phishtank-csv"},
    {"rpz", "rpz"},
    {"maltrail", "maltrail"},
    {"infobloxcsv", "ioc-csv"},
    {"blackbookcsv", "ioc-csv"},
    {"urlhausjson", "urlhaus-json"},
    {"threatfoxnd", "threatfox-json"},
    {"misp", "misp"},
    {"stix", "stix"},
    {"warninglist", "warninglist"},
};

static const struct {
    const char *kind;
    enum feed_dump dump;
} kinds[] = {
    {"domains", FEED_DUMP_NAMES},
    {"urls", FEED_DUMP_URLS},
    {"ips", FEED_DUMP_IPS},
    {"cidrs", FEED_DUMP_CIDRS},
    {"ip_ports", FEED_DUMP_IP_PORTS},
    {"subtrees", FEED_DUMP_NAMES},
    {"allow_subtrees", FEED_DUMP_ALLOW_NAMES},
    {"bare_domains", FEED_DUMP_EXACT_NAMES},
    {"abp_ips", FEED_DUMP_IPS},
    {"bare_ips", FEED_DUMP_IPS},
    {"wildcarded_ips", FEED_DUMP_IPS},
};

static const char *format_of(const char *parser)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (!strcmp(parser, formats[i].parser))
            return formats[i].format;
    return NULL;
}

static enum feed_dump dump_kind_of(const char *sample, const char *kind, const char *format)
{
    if (!strcmp(format, "warninglist")) /* tests/feeds/check_truth says what is special with the others */
        return strcmp(kind, "domains") ? FEED_DUMP_NONE : FEED_DUMP_ALLOW_NAMES;
    if (!strcmp(format, "adblock") && strstr(sample, "dandelion_antimalware")) /* it has $denyallow and $badfilter */
        return FEED_DUMP_NONE;
    if (!strcmp(format, "maltrail") && !strcmp(kind, "ips"))
        return FEED_DUMP_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(kind, kinds[i].kind))
            return kinds[i].dump;
    return FEED_DUMP_NONE;
}

/* Examples of how to write STIX have private addresses; and an excerpt is not whole. */
static bool all_held_back(enum status st, const struct fault *fault)
{
    return st == ST_INVALID && ((strstr(fault->text, "no entries") && strstr(fault->text, "guard: ")) ||
                                (strstr(fault->text, "excerpt") && strstr(fault->text, "not whole")));
}

/* The number of kinds compared. */
static unsigned compare_sample(const json_t *record, const char *format)
{
    char path[1024], digest_text[DIGEST_TEXT_SIZE];
    const char *sample = json_string_value(json_object_get(record, "sample")), *kind;
    uint8_t digest[DIGEST_BYTES];
    json_t *want;
    unsigned compared = 0;
    snprintf(path, sizeof path, "%s/feeds/%s", CCWARD_SHARED_DATA, sample);
    json_object_foreach(json_object_get(record, "kinds"), kind, want)
    {
        struct feed_report report;
        struct fault fault = {0};
        enum status st;
        /* Where entries have ports the truth counts their addresses too. */
        bool derived = !strcmp(kind, "ips") && json_object_get(json_object_get(record, "kinds"), "ip_ports");
        if (derived || dump_kind_of(sample, kind, format) == FEED_DUMP_NONE)
            continue;
        char *text = dump_of(path, format, dump_kind_of(sample, kind, format), &st, &report, &fault);
        assert_int_equal(digest_bytes(text, strlen(text), digest), ST_OK);
        digest_format(digest, digest_text);
        if (all_held_back(st, &fault))
            st = ST_OK;
        if (st != ST_OK || strcmp(digest_text, json_string_value(json_object_get(want, "sha256"))))
            fail_msg("%s, %s: not as expected %s", sample, kind, fault.text);
        free(text);
        compared++;
    }
    return compared;
}

static json_t *truth(void)
{
    json_t *all = json_load_file(CCWARD_SHARED_DATA "/feeds/expected/expected.json", 0, NULL);
    if (!all)
        print_message("no samples in %s\n", CCWARD_SHARED_DATA);
    return all;
}

static void real_samples_are_read_as_others_read_them(void **state)
{
    json_t *all = truth(), *record;
    unsigned compared = 0;
    size_t i;
    (void)state;
    if (!all)
        skip();
    json_array_foreach(all, i, record)
    {
        const char *format = format_of(json_string_value(json_object_get(record, "parser")));
        if (format)
            compared += compare_sample(record, format);
    }
    json_decref(all);
    print_message("%u lists compared\n", compared);
    assert_true(compared >= 50);
}

static void auto_finds_the_format_of_real_samples(void **state)
{
    json_t *all = truth(), *record;
    size_t i;
    (void)state;
    if (!all)
        skip();
    json_array_foreach(all, i, record)
    {
        char path[1024];
        struct feed_report report;
        struct fault fault = {0};
        enum status st;
        const char *format = format_of(json_string_value(json_object_get(record, "parser")));
        if (!format || !json_object_size(json_object_get(record, "kinds")))
            continue;
        snprintf(path, sizeof path, "%s/feeds/%s", CCWARD_SHARED_DATA,
                 json_string_value(json_object_get(record, "sample")));
        free(dump_of(path, "auto", FEED_DUMP_NONE, &st, &report, &fault));
        if (strstr(path, "mass_scanner")) /* it is but addresses, and read as such */
            format = "ips";
        /* A list for browsers: too little in it is for DNS to tell. */
        if (strstr(path, "browser-list"))
            assert_int_equal(st, ST_UNSUPPORTED);
        else if ((st != ST_OK && !strstr(fault.text, "no entries") && !all_held_back(st, &fault)) ||
                 strcmp(report.format, format))
            fail_msg("%s: '%s' instead of '%s' %s", path, report.format, format, fault.text);
    }
    json_decref(all);
}

/* Counters of the truth that have one reason of ours each. */
static void what_is_skipped_is_counted_as_others_count_it(void **state)
{
    static const struct {
        const char *counter, *reason;
    } counters[] = {{"boilerplate", "local name of a hosts file"}, {"ip_as_host", "address in the name column"}};
    json_t *all = truth(), *record;
    size_t i;
    (void)state;
    if (!all)
        skip();
    json_array_foreach(all, i, record)
    {
        char path[1024];
        struct feed_report report;
        struct fault fault = {0};
        enum status st;
        if (strcmp(json_string_value(json_object_get(record, "parser")), "hosts") ||
            !json_object_size(json_object_get(record, "kinds")))
            continue;
        snprintf(path, sizeof path, "%s/feeds/%s", CCWARD_SHARED_DATA,
                 json_string_value(json_object_get(record, "sample")));
        free(dump_of(path, "hosts", FEED_DUMP_NONE, &st, &report, &fault));
        const json_t *want = json_object_get(record, "counters");
        for (size_t k = 0; k < sizeof counters / sizeof counters[0]; k++)
            assert_int_equal(skipped_for(&report, counters[k].reason),
                             json_integer_value(json_object_get(want, counters[k].counter)));
        assert_int_equal(report.faulty_lines, json_integer_value(json_object_get(want, "invalid")));
        assert_int_equal(report.entries[INDICATOR_NAME] + report.duplicates,
                         json_integer_value(json_object_get(want, "raw_domains")));
    }
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_samples_are_read_as_others_read_them),
        cmocka_unit_test(auto_finds_the_format_of_real_samples),
        cmocka_unit_test(what_is_skipped_is_counted_as_others_count_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
