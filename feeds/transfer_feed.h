/* A feed that is a zone of a primary: its address, its key and its host made into a transfer. */
#pragma once

#include "feeds/feeds.h"
#include "feeds/zone_transfer.h"

/* Transfers from URL, which is FEED->url or a mirror and transfer_url_is(), to FD. OLD_PATH: the last good zone, which
 * is fetched anew in full where it is none of that zone; NULL: there is none. As zone_transfer(); the fault names
 * neither feed nor URL. */
enum status transfer_feed(const struct feed_site *site, const struct feed *feed, const char *url, const char *old_path,
                          int fd, struct progress *progress, struct transfer_result *result,
                          struct fault *fault) MUST_CHECK;
