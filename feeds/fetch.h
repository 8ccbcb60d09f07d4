/* One download, bounded in time, bytes and redirects. */
#pragma once

#include "base/status.h"
#include "feeds/progress.h"

struct fetch_limits {
    long connect_ms, total_ms;
    long low_speed_bytes_s, low_speed_s; /* slower than this for so long is given up */
    uint64_t max_bytes;
};
extern const struct fetch_limits fetch_default_limits;

enum { FETCH_REDIRECTS = 3, FETCH_ETAG_SIZE = 256, FETCH_DATE_SIZE = 64 };

/* What a server calls a body; empty where it does not say. */
struct fetch_validators {
    char etag[FETCH_ETAG_SIZE], last_modified[FETCH_DATE_SIZE];
};

/* Writes the body of URL (http, https, file) to FD. VALIDATORS: those of the body that we have, or empty; become those
 * of the new one. ST_OK with *NOT_MODIFIED: there is none. A failure's FAULT names no URL; what was written then is
 * nothing. Redirects go to http and https only, not from https to http, and not from a public to a private address. */
enum status fetch(const char *url, const struct fetch_limits *limits, int fd, struct progress *progress,
                  struct fetch_validators *validators, bool *not_modified, struct fault *fault) MUST_CHECK;
