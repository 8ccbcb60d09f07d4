/* SHA-256 (FIPS 180-4), by OpenSSL. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { DIGEST_BYTES = 32, DIGEST_TEXT_SIZE = 65 };

enum status digest_bytes(const void *data, size_t n, uint8_t out[DIGEST_BYTES]) MUST_CHECK;
/* Of the whole file behind FD, read from its start with pread(); never mapped, so that a damaged file cannot kill us.
 */
enum status digest_file(int fd, uint8_t out[DIGEST_BYTES]) MUST_CHECK;
void digest_format(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_TEXT_SIZE]);
