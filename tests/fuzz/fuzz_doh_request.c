/* A request for a DNS query: three bytes choose method and type, the path comes up to a line's end, then the body. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "dnsfilter/doh_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str methods[] = {{"GET", 3}, {"POST", 4}, {"HEAD", 4}, {"", 0}};
    static const struct str types[] = {
        {"application/dns-message", 23}, {"application/dns-message; x", 26}, {"text/plain", 10}, {"", 0}};
    static uint8_t room[DOH_MESSAGE_MAX];
    if (size < 3)
        return 0;
    struct str path = {(const char *)data + 3, size - 3}, before, body = {0}, message = {0};
    if (str_cut(path, '\n', &before, &body))
        path = before;
    struct http2_request request = {.method = methods[data[0] & 3], .content_type = types[data[1] & 3]};
    request.path = path;
    request.body = body;
    unsigned status = doh_request_read(&request, room, &message);
    CHECK(status == 200 || status == 400 || status == 404 || status == 405 || status == 415);
    if (status != 200)
        return 0;
    CHECK(message.length >= 12 && message.length <= DOH_MESSAGE_MAX);
    volatile char last = message.data[message.length - 1]; /* all of it can be read */
    (void)last;
    return 0;
}
