/* Any reply to a question for a feed's host: never more addresses than there is room for, and none of nowhere. */
#include <stdlib.h>

#include "feeds/feed_resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct addr addrs[FEED_RESOLVE_MAX];
    struct dns_message message;
    size_t count = 0;
    if (dns_response_parse(data, n, &message) != ST_OK ||
        (message.question.type != DNS_TYPE_A && message.question.type != DNS_TYPE_AAAA))
        return 0;
    for (unsigned i = 0; i < 2; i++) /* both families go into one list */
        feed_reply_addresses(data, n, &message, addrs, &count);
    if (count > FEED_RESOLVE_MAX)
        abort();
    for (size_t i = 0; i < count; i++)
        if (addr_is_unspecified(&addrs[i]) || addrs[i].port)
            abort();
    return 0;
}
