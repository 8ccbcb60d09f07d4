/* One form for what can be written in many ways, for look-ups only: what is forwarded keeps its bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/dname.h"
#include "base/status.h"
#include "base/text.h"

/* A host name as people and feeds write it: one trailing dot off, lower case, UTS-46 non-transitional A-label where it
 * is not ASCII. Letters, digits, hyphen and underscore only. Single labels are allowed here. An address is ST_INVALID.
 */
enum status canonical_host_name(struct str text, struct dname *name) MUST_CHECK;

/* A host that may be an address in any spelling a browser would dial (octal, hex, one to four parts, brackets).
 * *IS_ADDRESS tells which of the two was filled. */
enum status canonical_host(struct str text, bool *is_address, struct addr *addr, struct dname *name) MUST_CHECK;

enum {
    CANONICAL_URL_MAX = 8192, /* of what is taken */
    /* Escaping makes three bytes of one: no URL that is taken can be too long afterwards, or its query could hide it.
     */
    CANONICAL_TEXT_MAX = 3 * CANONICAL_URL_MAX + 512,
};

/* A URL in the canonical form of Safe Browsing v4 ("URLs and Hashing"): unescaped until stable, path resolved, escaped
 * again. Views point into TEXT. */
struct canonical_url {
    char text[CANONICAL_TEXT_MAX]; /* host, then path and query, one after the other */
    struct str host;               /* as text: a name without trailing dot, a dotted quad, or [IPv6] */
    bool host_is_address;
    struct addr addr;  /* where it is */
    struct dname name; /* where it is not */
    uint16_t port;     /* as written, or the scheme's */
    struct str path;   /* starts with '/', without query */
    struct str query;  /* with its '?'; empty: none */
};

enum status canonical_url(struct str url, struct canonical_url *out) MUST_CHECK;
/* The same from parts that an HTTP parser has split already (never unescape before splitting). PATH has the query. */
enum status canonical_url_parts(struct str host, uint16_t port, struct str path, struct canonical_url *out) MUST_CHECK;
