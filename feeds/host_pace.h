/* How often publishers let their lists be fetched. */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Seconds between two downloads of a list from HOST, which is in normal form (web_url.h); 0: it says nothing. */
int64_t host_pace_s(struct str host);
/* How many of them are left at NOW_MS of one that was asked last at ASKED_MS (wall; 0: never). */
int64_t host_pace_left_s(struct str host, int64_t asked_ms, int64_t now_ms);
