/* Service bindings and what is taken out of answers: a response that was taken stays one, nothing that is not wanted is
 * left in it, and of record data alone the walk ends where the data does. */
#include "base/check.h"
#include "dnsfilter/dns_clean.h"
#include "message/dns_svcb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_service(const uint8_t *data, size_t size)
{
    struct dns_svcb svcb;
    struct dns_svc_param param;
    size_t left = size;
    int last = -1;
    if (dns_svcb_parse(cursor_over(data, size), &svcb) != ST_OK)
        return;
    left -= 2u + svcb.target.length;
    while (dns_svcb_next(&svcb, &param)) {
        CHECK(param.key > last);
        last = param.key;
        left -= 4 + cursor_left(&param.value);
    }
    CHECK(!left && !svcb.params.failed);
}

/* What dns_normalise() leaves; records of other classes go in any case. */
static bool all_of_internet(const uint8_t *data, size_t size, const struct dns_message *message)
{
    struct dns_walk walk = dns_walk_start(data, size, message);
    bool all = true;
    for (struct dns_record record; dns_walk_next(&walk, &record);)
        all = all && record.class == DNS_CLASS_IN;
    return all;
}

static void check_clean(const uint8_t *data, size_t size, unsigned wanted)
{
    static uint8_t out[DNS_MESSAGE_MAX];
    struct dns_message before, after;
    if (dns_response_parse(data, size, &before) != ST_OK)
        return;
    unsigned found = dns_clean_find(data, size, wanted);
    CHECK(!(found & ~wanted));
    size_t n = dns_clean_write(out, sizeof out, data, size, wanted);
    if (!n)
        return; /* names that are written out may take too much room */
    CHECK(dns_response_parse(out, n, &after) == ST_OK && !dns_clean_find(out, n, wanted));
    CHECK(after.header.ancount <= before.header.ancount && after.header.arcount <= before.header.arcount);
    CHECK(found || !all_of_internet(data, size, &before) ||
          (after.header.ancount == before.header.ancount && after.header.nscount == before.header.nscount));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > DNS_MESSAGE_MAX)
        return 0;
    check_service(data, size);
    for (unsigned wanted = 1; wanted < 8; wanted++)
        check_clean(data, size, wanted);
    return 0;
}
