/* Whatever bytes come first on a tunnel: no read past the end, and one verdict however they were cut. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "net/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_hello whole, part;
    struct str input = {(const char *)data, size};
    enum status status = tls_hello_parse(input, &whole);
    CHECK(memchr(whole.sni, '\0', sizeof whole.sni));
    CHECK(status == ST_OK || (!whole.sni[0] && !whole.has_ech));
    size_t cut = size ? data[size - 1] % size : 0;
    enum status before = tls_hello_parse((struct str){input.data, cut}, &part);
    if (before == ST_TRUNCATED || cut == size)
        return 0;
    CHECK(before == status); /* more bytes never change a verdict */
    CHECK(before != ST_OK || !memcmp(&whole, &part, sizeof whole));
    return 0;
}
