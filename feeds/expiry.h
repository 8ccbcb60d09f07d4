/* How long an entry acts after its list had it last (docs/feeds.md, "Expiry"). */
#pragma once

#include "feeds/feeds.h"

/* The life of entries of a window that neither the feed nor the configuration gives one, in seconds. */
int64_t expiry_default_s(enum indicator_kind kind, enum category category);

/* When an entry that was listed at LISTED_S ends, in seconds since 1970; 0: never, it acts as long as it is listed.
 * Rounded up, so that lists that do not change give the same for a while. */
uint32_t expiry_of(const struct feed *feed, enum indicator_kind kind, enum category category, int64_t listed_s);

/* A number that stays the same as long as expiry_of() does, whatever the entry; 0 where nothing expires. */
int64_t expiry_step(const struct feed *feed, int64_t listed_s);

/* FEED->listed_ms in seconds, or now. */
int64_t expiry_listed_s(const struct feed *feed);
