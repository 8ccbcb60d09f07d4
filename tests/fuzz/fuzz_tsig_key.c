/* A key file: any bytes. What is taken has a name, a secret, and an algorithm with its hash. */
#include <string.h>

#include "base/check.h"
#include "feeds/tsig_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tsig_key none;
    struct tsig_key key;
    struct fault fault = {0};
    enum status st = tsig_key_parse((struct str){(const char *)data, size}, &key, &fault);
    CHECK((st == ST_OK) == !fault.text[0]);
    if (st != ST_OK) {
        CHECK(!memcmp(&key, &none, sizeof key));
        return 0;
    }
    struct dname again;
    CHECK(key.secret_length && key.secret_length <= sizeof key.secret);
    CHECK(dname_from_wire(key.name.wire, key.name.length, &again) == ST_OK && again.labels);
    CHECK(dname_from_text(str_of(tsig_hash_text(key.hash)), &again) == ST_OK && dname_equal(&again, &key.algorithm));
    return 0;
}
