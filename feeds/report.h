/* Reports as JSON: printed, and kept in a feed's state. */
#pragma once

#include <jansson.h>

#include "feeds/feeds.h"

/* All but the source; NULL: out of memory. */
json_t *report_json(const struct feed_report *report);
/* What report_json() made, from a file that anybody may have changed; zero as far as it is none. */
void report_from_json(const json_t *json, struct feed_report *report);

uint64_t report_entries(const struct feed_report *report); /* of all kinds */
/* The lines below the summary: what it says of itself, what was skipped and why, examples. */
void report_print_details(const struct feed_report *report, FILE *out);
