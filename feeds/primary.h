/* A TCP connection to a DNS server (RFC 7766), each step bounded in time. Blocks; an interrupt ends every wait. */
#pragma once

#include "base/addr.h"
#include "base/status.h"
#include "feeds/fetch.h"
#include "feeds/progress.h"

/* What all connections of one transfer share; bounds are of their sum. */
struct primary {
    const struct fetch_limits *limits;
    struct progress *progress;
    int64_t until_ms;      /* monotonic: when all of it must be done */
    uint64_t bytes;        /* received */
    int64_t window_ms;     /* when those since window_bytes began to be counted */
    uint64_t window_bytes; /* of `bytes` */
    int fd;                /* -1: not connected */
};

/* Not connected yet; the time for all begins. */
struct primary primary_start(const struct fetch_limits *limits, struct progress *progress);
/* Failures: ST_UNAVAILABLE, ST_TIMEOUT, ST_CLOSED where interrupted. */
enum status primary_connect(struct primary *primary, const struct addr *addr, struct fault *fault) MUST_CHECK;
void primary_close(struct primary *primary);

/* A message with its length before it. */
enum status primary_send(struct primary *primary, const void *message, size_t n, struct fault *fault) MUST_CHECK;
/* The next message. ST_TRUNCATED: the primary has closed the connection; ST_TOO_LARGE: over the bound of all bytes. */
enum status primary_receive(struct primary *primary, uint8_t out[65535], size_t *n, struct fault *fault) MUST_CHECK;
