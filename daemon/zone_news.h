/* Between those who hear that a zone has changed and the one who fetches it: the table of zones that the workers take
 * NOTIFY for, and its way to the refresher. Control thread only, but for the table. */
#pragma once

#include "config/config.h"
#include "daemon/refresher.h"
#include "dnsfilter/dns_notify.h"

enum { ZONE_NEWS_INTERVAL_MS = 5000 }; /* a feed is fetched for a NOTIFY at most so often */

struct zone_news;

/* Of the feeds that are zones of a primary which CONFIG gives an address of. NULL when out of memory. */
struct zone_news *zone_news_new(const struct config *config) MUST_CHECK;
void zone_news_free(struct zone_news *news);                      /* NULL is allowed */
struct dns_notify *zone_news_table(const struct zone_news *news); /* borrowed */

/* Asks the refresher for the feeds that there is news of. One that was asked for a moment ago waits its time. NEWS may
 * be NULL. */
void zone_news_step(struct zone_news *news, struct refresher *refresher, int64_t now_ms);
