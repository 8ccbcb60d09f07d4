/* Notices that the wall clock was set: entries expire and feeds are due by it. Control thread. */
#pragma once

#include <stdint.h>

struct clock_watch {
    int64_t offset_ms; /* of the wall clock from one that runs on, also while the machine sleeps */
    char note[160];    /* of the last jump; empty: none */
};

void clock_watch_start(struct clock_watch *watch);
/* Every tenth of a second. A jump of more than a minute is logged and noted. */
void clock_watch_step(struct clock_watch *watch);
