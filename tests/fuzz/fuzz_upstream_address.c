/* An upstream's address as written: what is taken is printed such that it reads back to the same. */
#include <string.h>

#include "base/check.h"
#include "net/upstream_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct upstream_address address, again;
    struct fault why = {0};
    char text[UPSTREAM_TEXT_SIZE];
    enum status status = upstream_address_parse((struct str){(const char *)data, size}, &address, &why);
    CHECK((status == ST_OK) == !why.text[0]);
    if (status != ST_OK)
        return 0;
    CHECK(address.addr.port && (address.host[0] || !upstream_address_is_named(&address)));
    upstream_address_format(&address, text);
    CHECK(upstream_address_parse(str_of(text), &again, &why) == ST_OK && upstream_address_equal(&address, &again));
    return 0;
}
