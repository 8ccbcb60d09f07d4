/* Any packet as query and as response: parse, walk, truncate, answer, build again. */
#include "tests/fuzz/check_dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > DNS_MESSAGE_MAX)
        return 0;
    check_dns_query(data, size);
    check_dns_response(data, size);
    check_dns_relatives(data, size);
    return 0;
}
