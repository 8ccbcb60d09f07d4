/* What feeds write, in the one form that is stored and compared (docs/feeds.md, "Normal form"). */
#pragma once

#include <stddef.h>

#include "base/addr.h"
#include "base/dname.h"
#include "base/text.h"
#include "feeds/skip.h"

/* A name of two labels or more, the last not all digits; otherwise as canonical_host_name(). */
enum skip normal_name(struct str text, struct dname *name) MUST_CHECK;

/* An address or a network, whose host bits are cleared. */
enum skip normal_network(struct str text, struct network *network) MUST_CHECK;
/* "IP:PORT" or "[IPv6]:PORT". */
enum skip normal_address_port(struct str text, struct network *network, uint16_t *port) MUST_CHECK;
/* A quick look: whether TEXT can only be meant as an address or network (a name ends in a letter). */
bool looks_like_network(struct str text);

/* An http or https URL into OUT, of SIZE bytes: scheme and host in lower case; no user, default port, fragment, or dot
 * behind the host; "/" for an empty path; path and query byte for byte. */
enum skip normal_url(struct str text, char *out, size_t size, struct str *url) MUST_CHECK;
