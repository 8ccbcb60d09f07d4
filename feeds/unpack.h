/* xz, zstd, bzip2, and zip archives with one file. For body.c. */
#pragma once

#include "feeds/body.h"

struct unpack;

/* ZIP: it is an archive, else a compressed stream. BODY is kept. NULL: out of memory. */
struct unpack *unpack_new(struct body *body, bool zip);
void unpack_free(struct unpack *unpack);
ssize_t unpack_read(struct unpack *unpack, void *out, size_t size) MUST_CHECK;
