/* How often each address has failed to log in within a minute: one table for all workers, asked for each login that is
 * to be checked, and for no other request. */
#pragma once

#include "base/addr.h"
#include "base/digest.h"

enum { STRIKES_WINDOW_MS = 60000, STRIKES_MAX = 10 };

struct login_strikes;

/* A guess that is being checked; the caller's memory. */
struct login_strike {
    size_t bucket;
    int64_t since_ms; /* the window that it counts in */
};

/* ST_NOMEM, or ST_IO without randomness. */
enum status login_strikes_new(struct login_strikes **strikes) MUST_CHECK;
void login_strikes_free(struct login_strikes *strikes); /* NULL is allowed */
/* DIGEST_BYTES, drawn with the table: by it all workers make the same mark of a user with a password. */
const uint8_t *login_strikes_key(const struct login_strikes *strikes);

/* From any thread, as the next. CLIENT (an IPv6 one stands for its /64) guesses: it counts until it has proved right.
 * ST_DENIED: it has failed STRIKES_MAX times in the window; ST_BUSY: it would have if all guesses of its that are being
 * checked were wrong, so that those that come all at once are bounded before the first is known. */
enum status login_strikes_begin(struct login_strikes *strikes, const struct addr *client, int64_t now_ms,
                                struct login_strike *strike) MUST_CHECK;
/* What has come of it. The same wrong MARK counts once in a window, whichever workers it comes to. */
void login_strikes_end(struct login_strikes *strikes, const struct login_strike *strike,
                       const uint8_t mark[DIGEST_BYTES], bool right);
