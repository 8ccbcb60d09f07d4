#include "feeds/test_hosts.h"

#include "base/check.h"
#include "feeds/feeds.h"

#define NAME(name, category, risk, vendor)                                                                             \
    {                                                                                                                  \
        name, NULL, CATEGORY_##category, RISK_##risk, vendor, ""                                                       \
    }
#define URL(url, category, risk, vendor)                                                                               \
    {                                                                                                                  \
        NULL, url, CATEGORY_##category, RISK_##risk, vendor, ""                                                        \
    }

static const struct test_host hosts[] = {
    {"ca91-1.winshipway.com", NULL, CATEGORY_C2, RISK_HIGH, "Trend Micro", "C&C Contact Alert test"},
    NAME("wrs21.winshipway.com", MALWARE, HIGH, "Trend Micro"),
    NAME("wrs31.winshipway.com", MALWARE, HIGH, "Trend Micro"),
    NAME("wrs41.winshipway.com", MALWARE, HIGH, "Trend Micro"),
    NAME("wrs49.winshipway.com", MALWARE, HIGH, "Trend Micro"),
    NAME("wrs65.winshipway.com", SUSPICIOUS, MEDIUM, "Trend Micro"),
    NAME("wrs70.winshipway.com", SUSPICIOUS, LOW, "Trend Micro"),

    NAME("examplebotnetdomain.com", C2, HIGH, "Cisco Umbrella"),
    NAME("examplemalwaredomain.com", MALWARE, HIGH, "Cisco Umbrella"),
    NAME("www.internetbadguys.com", PHISHING, HIGH, "Cisco Umbrella"),
    NAME("phish.opendnstest.com", PHISHING, HIGH, "Cisco Umbrella"),
    NAME("ssl-proxy.opendnstest.com", PHISHING, MEDIUM, "Cisco Umbrella"),
    NAME("exampleadultsite.com", ADULT, LOW, "Cisco Umbrella"),
    NAME("ihaveabadreputation.com", SUSPICIOUS, MEDIUM, "Cisco Umbrella"),
    URL("http://proxy.opendnstest.com/botnet.htm", C2, HIGH, "Cisco Umbrella"),
    URL("http://proxy.opendnstest.com/malware.htm", MALWARE, HIGH, "Cisco Umbrella"),

    NAME("test-c2.testpanw.com", C2, HIGH, "Palo Alto Networks"),
    NAME("test-dga.testpanw.com", DGA, HIGH, "Palo Alto Networks"),
    NAME("test-dnstun.testpanw.com", TUNNEL, HIGH, "Palo Alto Networks"),
    NAME("test-malware.testpanw.com", MALWARE, HIGH, "Palo Alto Networks"),
    NAME("test-phishing.testpanw.com", PHISHING, HIGH, "Palo Alto Networks"),
    NAME("test-ransomware.testpanw.com", RANSOMWARE, HIGH, "Palo Alto Networks"),
    NAME("test-fastflux.testpanw.com", FAST_FLUX, HIGH, "Palo Alto Networks"),
    NAME("test-malicious-nrd.testpanw.com", MALWARE, HIGH, "Palo Alto Networks"),
    NAME("test-nrd.testpanw.com", NEWLY_SEEN, LOW, "Palo Alto Networks"),
    NAME("test-ddns.testpanw.com", DYNAMIC_DNS, LOW, "Palo Alto Networks"),
    NAME("test-grayware.testpanw.com", GRAYWARE, MEDIUM, "Palo Alto Networks"),
    NAME("test-parked.testpanw.com", PARKED, LOW, "Palo Alto Networks"),
    NAME("test-proxy.testpanw.com", PROXY, LOW, "Palo Alto Networks"),
    URL("http://urlfiltering.paloaltonetworks.com/test-command-and-control", C2, HIGH, "Palo Alto Networks"),

    NAME("commandcontrol.smartscreentestratings.com", C2, HIGH, "Microsoft"),
    NAME("smartscreentestratings2.net", MALWARE, HIGH, "Microsoft"),
    NAME("entratestthreat.com", MALWARE, HIGH, "Microsoft"),
    URL("https://demo.smartscreen.msft.net/phishingdemo.html", PHISHING, HIGH, "Microsoft"),
    URL("https://demo.smartscreen.msft.net/other/malware.html", MALWARE, HIGH, "Microsoft"),

    URL("http://sophostest.com/callhome/index.html", C2, HIGH, "Sophos"),

    NAME("malware.testcategory.com", MALWARE, HIGH, "Cloudflare"),
    NAME("phishing.testcategory.com", PHISHING, HIGH, "Cloudflare"),
    NAME("cryptomining.testcategory.com", CRYPTOMINING, MEDIUM, "Cloudflare"),
    NAME("compromiseddomain.testcategory.com", MALWARE, MEDIUM, "Cloudflare"),
    NAME("newdomains.testcategory.com", NEWLY_SEEN, LOW, "Cloudflare"),
    NAME("parkedandforsaledomains.testcategory.com", PARKED, LOW, "Cloudflare"),
    NAME("nudity.testcategory.com", ADULT, LOW, "Cloudflare"),

    NAME("isitblocked.org", MALWARE, HIGH, "Quad9"),
    NAME("malware.wicar.org", MALWARE, HIGH, "wicar.org"),

    NAME("malware.testing.google.test", MALWARE, HIGH, "Google Safe Browsing"),
    URL("https://testsafebrowsing.appspot.com/s/malware.html", MALWARE, HIGH, "Google Safe Browsing"),
    URL("https://testsafebrowsing.appspot.com/s/phishing.html", PHISHING, HIGH, "Google Safe Browsing"),
    URL("https://testsafebrowsing.appspot.com/s/unwanted.html", GRAYWARE, MEDIUM, "Google Safe Browsing"),

    URL("https://www.amtso.org/feature-settings-check-phishing-page/", PHISHING, HIGH, "AMTSO"),
    URL("https://www.amtso.org/feature-settings-check-drive-by-download/", MALWARE, HIGH, "AMTSO"),
    URL("https://www.amtso.org/feature-settings-check-download-of-malware/", MALWARE, HIGH, "AMTSO"),
    URL("https://www.amtso.org/feature-settings-check-cloud-lookups/", MALWARE, HIGH, "AMTSO"),
    URL("https://www.amtso.org/feature-settings-check-potentially-unwanted-applications/", GRAYWARE, MEDIUM, "AMTSO"),
    URL("https://www.amtso.org/check-desktop-phishing-page/", PHISHING, HIGH, "AMTSO"),
    URL("https://www.amtso.org/check-desktop-download/", MALWARE, HIGH, "AMTSO"),
    URL("https://www.amtso.org/check-desktop-pua/", GRAYWARE, MEDIUM, "AMTSO"),

    URL("http://www.testingmcafeesites.com/testrep_red.html", SUSPICIOUS, HIGH, "McAfee"),
    URL("http://www.testingmcafeesites.com/testreputation_highrisk.html", SUSPICIOUS, HIGH, "McAfee"),
    URL("http://www.testingmcafeesites.com/testcat_ma.html", MALWARE, HIGH, "McAfee"),
    URL("https://www.fortiguard.com/wftest/26.html", MALWARE, HIGH, "Fortinet"),

    URL("http://testmynids.org/uid/index.html", OTHER, LOW, "3CORESec"),
    URL("http://threat-cloud.com/test/files/HighConfidenceBot.html", C2, HIGH, "Check Point"),
};

const struct test_host *test_hosts(size_t *count)
{
    *count = sizeof hosts / sizeof hosts[0];
    return hosts;
}

enum status test_hosts_source(struct source **source, struct fault *fault)
{
    struct source_writer_settings settings = {
        .name = TEST_HOSTS_NAME, .format = "built-in", .category = CATEGORY_C2, .origin = "built-in"};
    struct source_writer *writer;
    enum status st = source_writer_new(&settings, &writer);
    if (st != ST_OK)
        return fault_set(fault, st, "can't build the test hosts: %s", status_text(st));
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0] && st == ST_OK; i++) {
        const struct test_host *host = &hosts[i];
        struct indicator indicator = {.kind = host->name ? INDICATOR_NAME : INDICATOR_URL,
                                      .url = str_of(host->url),
                                      .record = {.category = host->category,
                                                 .risk = host->risk,
                                                 .confidence = 100,
                                                 .family = str_of(host->family),
                                                 .reference = str_of(host->vendor)}};
        if (host->name)
            CHECK(dname_from_text(str_of(host->name), &indicator.name) == ST_OK);
        st = source_writer_add(writer, &indicator);
    }
    if (st == ST_OK)
        st = source_writer_finish_memory(writer, source, fault);
    else
        fault_set(fault, st, "can't build the test hosts: %s", status_text(st));
    source_writer_free(writer);
    return st;
}
