/* Whether a body that reads like a feed is believed: publishers break their lists with status 200 (docs/feeds.md, "When
 * a new list is believed"). */
#pragma once

#include "feeds/feed_state.h"

enum {
    ACCEPT_SMALL = 200,         /* lists of fewer entries may do what they like */
    ACCEPT_SHRINK_PERCENT = 50, /* of the entries before must be left */
    ACCEPT_GROWTH = 10,         /* times the entries before */
    ACCEPT_MANY = 5000000,
    ACCEPT_TIMES = 3,      /* a size that is seen so often */
    ACCEPT_SPAN_S = 86400, /* over so long is right */
    ACCEPT_ALIKE_PERCENT = 10,
};

/* HAD: the entries of what is in force; 0: nothing is. ST_DENIED: there are too few or too many now to be believed;
 * then HELD has counted it, and FAULT has the numbers and says what to do. ST_OK: HELD is empty. NOW_MS: wall. */
enum status accept_count(const struct feed *feed, uint64_t had, uint64_t got, int64_t now_ms, struct feed_held *held,
                         struct fault *fault) MUST_CHECK;

/* Whether the first 64 KiB of the body behind FD, unpacked, have TEXT (NULL or empty: nothing is wanted). Moves the
 * file's position. ST_INVALID: they have not; ST_NOMEM, ST_IO. */
enum status accept_marker(int fd, const char *text, struct fault *fault) MUST_CHECK;
