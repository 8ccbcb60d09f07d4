/* Whatever a parent proxy says: nothing past the end, and the same answer whole and byte by byte. The first byte says
 * which message is expected. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/parent_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct answer {
    enum status status;
    unsigned said;
    size_t length;
};

static struct answer parse(unsigned which, struct str input)
{
    static struct http_head head;
    struct answer answer = {0};
    uint8_t byte = 0;
    switch (which % 5) {
    case 0:
        answer.status = parent_connect_parse(input, &head, &answer.said, &answer.length);
        break;
    case 1:
    case 2:
        answer.status = parent_socks_method_parse(input, which % 5 == 2, &byte, &answer.length);
        break;
    case 3:
        answer.status = parent_socks_login_parse(input, &answer.length);
        break;
    default:
        answer.status = parent_socks_reply_parse(input, &byte, &answer.length);
    }
    answer.said += byte;
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 2000)
        return 0;
    struct str input = {(const char *)data + 1, size - 1};
    struct answer whole = parse(data[0], input);
    CHECK(whole.status != ST_OK || (whole.length && whole.length <= input.length));
    bool decided = false;
    for (size_t n = 0; n < input.length; n++) {
        char *exact = malloc(n ? n : 1);
        CHECK(exact);
        memcpy(exact, input.data, n);
        struct answer part = parse(data[0], (struct str){exact, n});
        CHECK(part.status == whole.status || (part.status == ST_TRUNCATED && !decided));
        decided |= part.status != ST_TRUNCATED;
        CHECK(part.status != ST_OK || (part.said == whole.said && part.length == whole.length));
        free(exact);
    }
    return 0;
}
