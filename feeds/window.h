/* Lists that show only what is newest (`retain: window`): what falls out of one stays until it expires. */
#pragma once

#include "feeds/guard_set.h"
#include "reputation/source_writer.h"

/* Adds to WRITER, which has all of the new list, the entries of FEED's source in force in STORE_DIR that are neither in
 * it nor expired, and counts their keys in CARRIED. What has no expiry is not carried: it would stay for ever. GUARDS
 * may be NULL. The caller holds store_lock(). A source that can't be read is none. ST_NOMEM. */
enum status window_carry(const char *store_dir, const struct feed *feed, struct guard_set *guards,
                         struct source_writer *writer, uint64_t carried[INDICATOR_KINDS],
                         struct fault *fault) MUST_CHECK;
