/* gzip (RFC 1952), all members of a file, with their checksums and lengths. For body.c. */
#pragma once

#include "feeds/body.h"

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *gunzip);
ssize_t gunzip_read(struct gunzip *gunzip, struct body *body, void *out, size_t size) MUST_CHECK;
