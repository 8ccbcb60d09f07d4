/* Why refreshes failed, feed by feed, in memory: what `ccward feeds refresh` says on its standard error. It keeps its
 * reason in the feed's state too, but not on a full disk, or when it crashes. The same reason is logged once. */
#pragma once

struct refresh_reasons;

struct refresh_reasons *refresh_reasons_new(void); /* NULL when out of memory */
void refresh_reasons_free(struct refresh_reasons *reasons);

/* A refresh of FEED failed; OUTPUT is what it said, of which the last line counts. Logs it unless that is what the last
 * one said. */
void refresh_reasons_failed(struct refresh_reasons *reasons, const char *feed, const char *output);
/* It did not fail. */
void refresh_reasons_clear(struct refresh_reasons *reasons, const char *feed);
/* Empty: its last refresh did not fail. */
const char *refresh_reasons_of(const struct refresh_reasons *reasons, const char *feed);
