/* What a URL is looked up as: Safe Browsing v4, "URLs and Hashing", Suffix/prefix expressions. Inside this folder only.
 */
#pragma once

#include "reputation/canonical.h"

enum { URL_MAX_HOSTS = 5, URL_MAX_PATHS = 6 };

/* How many labels are dropped off the front of the host, fewest first: none, and as many as leave the last five to two
 * of a name. Returns the number. */
size_t url_host_skips(const struct canonical_url *url, unsigned host_labels, unsigned skips[URL_MAX_HOSTS]);

/* How many bytes of path and query are taken: all, the path, and the directories from the root down. Returns the
 * number. */
size_t url_path_lengths(const struct canonical_url *url, size_t lengths[URL_MAX_PATHS]);
