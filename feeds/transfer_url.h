/* Where a zone is transferred from: axfr://PRIMARY[:PORT]/ZONE, or ixfr://... to ask for differences. PRIMARY is an
 * address (IPv6 in brackets) or a host's name. */
#pragma once

#include "base/addr.h"
#include "base/dname.h"

struct transfer_url {
    bool incremental; /* ixfr: */
    bool has_addr;    /* PRIMARY is an address */
    struct addr addr; /* with the port */
    char host[256];   /* PRIMARY as a name, where it is none */
    uint16_t port;
    struct dname zone; /* in lower case */
};

bool transfer_url_is(struct str url);
/* ST_INVALID: the fault says what is wrong, without the URL. */
enum status transfer_url_parse(struct str url, struct transfer_url *out, struct fault *fault) MUST_CHECK;
