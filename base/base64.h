/* Base64 (RFC 4648 section 4), padded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* False for anything but whole groups of the alphabet, for bits left over in the last one, and for more than SIZE
 * bytes. */
bool base64_decode(struct str text, uint8_t *out, size_t size, size_t *length) MUST_CHECK;
void base64_encode(struct buf *out, const void *data, size_t n);
