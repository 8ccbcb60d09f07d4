/* Search engines and video sites have names that answer without what is not for children; they say themselves that
 * their usual names may be made aliases of these. */
#pragma once

#include "base/dname.h"

enum dns_youtube { DNS_YOUTUBE_OPEN, DNS_YOUTUBE_MODERATE, DNS_YOUTUBE_STRICT };
const char *dns_youtube_text(enum dns_youtube mode); /* "open", "moderate", "strict" */

/* False ends the walk. */
typedef bool dns_safe_search_fn(void *arg, const struct dname *name, const struct dname *target);

/* Calls TAKE for each name and what it is made an alias of: search engines where SEARCH, YouTube as its mode wants it.
 * False: TAKE ended it. */
bool dns_safe_search_each(bool search, enum dns_youtube youtube, dns_safe_search_fn *take, void *arg);
