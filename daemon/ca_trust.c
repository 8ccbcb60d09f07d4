#include "daemon/ca_trust.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { BUNDLE_MAX_BYTES = 16 << 20 };

static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";

/* Debian's bundle is the certificates' files one after the other. */
static bool system_trusts(const char *root, struct str pem)
{
    char path[PATH_MAX];
    struct buf all = {0};
    snprintf(path, sizeof path, "%s%s", root, bundle);
    struct str body = str_trim(pem);
    bool found = file_read(path, BUNDLE_MAX_BYTES, &all, NULL) == ST_OK && body.length &&
                 memmem(all.data, all.length, body.data, body.length);
    buf_free(&all);
    return found;
}

void ca_trust_places(const char *root, struct str pem, struct buf *places)
{
    if (system_trusts(root, pem))
        buf_printf(places, "the system (%s%s)\n", root, bundle);
}
