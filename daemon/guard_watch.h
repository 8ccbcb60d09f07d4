/* What is guarded changes with the configuration and with the lists that guard; feeds that were read before that are to
 * be built again from their copies (docs/feeds.md, "Guards"). */
#pragma once

#include <time.h>

#include "config/config.h"

/* `{0}` has looked at nothing yet. */
struct guard_watch {
    struct timespec store_seen;
    uint64_t fingerprint; /* guard_set_fingerprint() of now; 0: not known */
};

/* Looks again if the store has changed since; CHANGED: the configuration has. */
void guard_watch_look(struct guard_watch *watch, const struct config *config, bool changed);
/* Whether FEED's source was made under other guards than those of now, and can be built again. */
bool guard_watch_wants(const struct guard_watch *watch, const struct config *config, const struct config_feed *feed);
