#include "base/local_networks.h"

#define V4(a, b, bits)                                                                                                 \
    {                                                                                                                  \
        .ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b}, .prefix = 96 + (bits)                                  \
    }

const struct network local_networks[LOCAL_NETWORKS] = {
    V4(127, 0, 8),                      /* loopback */
    {.ip = {[15] = 1}, .prefix = 128},  /* loopback */
    V4(10, 0, 8),                       /* RFC 1918 */
    V4(172, 16, 12),                    /* RFC 1918 */
    V4(192, 168, 16),                   /* RFC 1918 */
    {.ip = {0xfc}, .prefix = 7},        /* unique local, RFC 4193 */
    V4(169, 254, 16),                   /* link-local, RFC 3927 */
    {.ip = {0xfe, 0x80}, .prefix = 10}, /* link-local, RFC 4291 section 2.5.6 */
};
