/* The address of a transfer. What is taken can be connected to and asked for. */
#include <string.h>

#include "base/check.h"
#include "feeds/transfer_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct transfer_url url;
    struct fault fault = {0};
    enum status st = transfer_url_parse(text, &url, &fault);
    CHECK((st == ST_OK) == !fault.text[0]);
    if (st != ST_OK)
        return 0;
    struct dname again;
    CHECK(transfer_url_is(text) && url.port && url.has_addr == !url.host[0]);
    CHECK(!url.has_addr || url.addr.port == url.port);
    CHECK(url.has_addr || dname_from_text(str_of(url.host), &again) == ST_OK);
    CHECK(dname_from_wire(url.zone.wire, url.zone.length, &again) == ST_OK && again.labels);
    return 0;
}
