/* Whatever comes to the signer or from it: nothing past the end, and what is taken is built to the same bytes. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "net/leaf_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct leaf_request request;
    struct leaf_reply reply;
    uint8_t built[LEAF_REPLY_MAX];
    if (leaf_request_parse(data, size, &request) == ST_OK) {
        CHECK(size <= LEAF_REQUEST_MAX);
        CHECK(leaf_request_build(&request, built) == size && !memcmp(built, data, size));
    }
    if (leaf_reply_parse(data, size, &reply) == ST_OK) {
        CHECK(size <= LEAF_REPLY_MAX);
        CHECK(leaf_reply_build(&reply, built) == size && !memcmp(built, data, size));
    }
    return 0;
}
