/* The first byte says what comes: a request, or a response to some method, or only a chunked body. */
#include "tests/fuzz/check_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str methods[] = {{"", 0}, {"GET", 3}, {"HEAD", 4}, {"CONNECT", 7}};
    static struct http_head head;
    if (!size)
        return 0;
    struct str rest = {(const char *)data + 1, size - 1};
    if (data[0] % 8 == 4) {
        check_http_body(&(struct http_head){.framing = HTTP_BODY_CHUNKED}, rest);
        return 0;
    }
    if (check_http_head(rest, methods[data[0] % 4], &head) == ST_OK)
        check_http_body(&head, str_from(rest, head.length));
    return 0;
}
