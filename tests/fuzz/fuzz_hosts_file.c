/* Hosts files: whatever stands in one, the snapshot made of it answers, and each name that was read is found in it. */
#include "base/check.h"
#include "dnsfilter/dns_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check_found(void *arg, const struct addr *addr, const struct dname *name, bool first)
{
    struct dns_message query = {.header = {.flags = DNS_FLAG_RD, .qdcount = 1},
                                .question = {.name = *name, .class = DNS_CLASS_IN},
                                .edns = {.present = true, .udp_size = 1232},
                                .question_end = DNS_HEADER_BYTES};
    struct dns_message answer;
    struct dns_place place;
    uint8_t out[2048];
    (void)first;
    query.question.type = addr_is_v4(addr) ? DNS_TYPE_A : DNS_TYPE_AAAA;
    dns_names_find(arg, &query.question, true, &place);
    CHECK(place.kind == DNS_PLACE_RECORDS);
    size_t n = dns_names_answer(out, sizeof out, sizeof out, &query, arg, &place);
    CHECK(dns_response_parse(out, n, &answer) == ST_OK && answer.header.ancount + answer.header.nscount > 0);
    dns_names_find(arg, &query.question, false, &place);
    CHECK(place.kind == DNS_PLACE_WORLD || dns_names_answer(out, sizeof out, sizeof out, &query, arg, &place));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_names_settings settings = {.hosts_file = {(const char *)data, size}};
    struct hosts_file_facts facts, again;
    struct dns_names *names = dns_names_new(&settings, &facts);
    CHECK(names && hosts_file_read(settings.hosts_file, check_found, names, &again));
    CHECK(facts.names == again.names && facts.skipped == again.skipped && facts.first_line == again.first_line);
    dns_names_unref(names);
    return 0;
}
