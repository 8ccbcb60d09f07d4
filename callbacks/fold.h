/* What a hit is counted under, from the exact contact down to one counter for everything. A flood makes counters
 * scarce; then hits are counted one level further down, where there are fewer: less is known of them, but none is lost.
 */
#pragma once

#include "callbacks/callback.h"

enum fold {
    FOLD_NONE,       /* a contact: client, channel, action, indicator, subject */
    FOLD_SUBJECTS,   /* client, channel, action, indicator */
    FOLD_INDICATORS, /* client, action */
    FOLD_CLIENTS,    /* action */
    FOLD_LEVELS
};

/* Equal for hits that are counted together at LEVEL; never 0. SEED is a secret of this process, so that nobody can
 * choose names that collide. */
uint64_t fold_key(uint64_t seed, enum fold level, const struct callback *callback);
uint64_t fold_subject_hash(uint64_t seed, const struct callback *callback);

/* A random seed. ST_IO: the system gives no random bytes. */
enum status fold_seed(uint64_t *seed) MUST_CHECK;
