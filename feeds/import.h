/* From an open file to a source in the store. */
#pragma once

#include "feeds/feeds.h"

/* Whether a feed may be called so: source_name_valid(), and not one of the built-in sources. */
enum status feed_name_check(const char *name, struct fault *fault) MUST_CHECK;

/* store_lock(), with some patience: another import holds it for as long as it writes. ST_BUSY, ST_CLOSED. */
enum status import_lock(const char *store_dir, int *lock, struct fault *fault) MUST_CHECK;

/* Asked once all has been read and before anything is published: any status but ST_OK ends the import. */
struct import_gate {
    enum status (*ask)(void *user, const struct feed_report *report, struct fault *fault);
    void *user;
};

/* Reads what is left in FD and publishes it as source FEED->name, GATE (may be NULL) permitting. NAME stands in
 * messages, ORIGIN in the source's manifest. */
enum status import_fd(const struct feed_site *site, int fd, const char *name, const char *origin,
                      const struct feed *feed, bool progress, const struct import_gate *gate,
                      struct feed_report *report, struct fault *fault) MUST_CHECK;
