/* Whether the store directory has changed since it was read, by its time. */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "config/config.h"

struct store_watch {
    struct timespec seen; /* mtime of the directory that was read last; zero: there was none */
    bool unsettled;       /* it was very young then */
};

/* The directory's time: to be taken before it is read, and given to store_watch_note() then. */
struct timespec store_watch_time(const struct config *config);
void store_watch_note(struct store_watch *watch, struct timespec seen);
bool store_watch_changed(const struct store_watch *watch, const struct config *config);
