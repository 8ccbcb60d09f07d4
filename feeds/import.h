/* From an open file to a source in the store. */
#pragma once

#include "feeds/feeds.h"

/* Whether a feed may be called so: source_name_valid(), and not one of the built-in sources. */
enum status feed_name_check(const char *name, struct fault *fault) MUST_CHECK;

/* As feed_import(), of what is left to read in FD. NAME stands in messages, ORIGIN in the source's manifest. */
enum status import_fd(const struct feed_site *site, int fd, const char *name, const char *origin,
                      const struct feed *feed, bool progress, struct feed_report *report,
                      struct fault *fault) MUST_CHECK;
