#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

/* The vectors of the authors' reference: key 00..0f, input 00, 01, ... of the length. */
static void the_published_vectors_come_out(void **state)
{
    static const struct {
        size_t n;
        uint64_t hash;
    } vectors[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
                   {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}, {63, 0x958a324ceb064572}};
    uint8_t key[SIPHASH_KEY_BYTES], input[64];
    (void)state;
    for (unsigned i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_int_equal(siphash(key, input, vectors[i].n), vectors[i].hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_published_vectors_come_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
