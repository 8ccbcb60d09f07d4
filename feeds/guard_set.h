/* All that other feeds must not block, gathered for one import: the built-in lists, the public suffixes, what the
 * configuration names, and the sources of feeds that guard. One thread. */
#pragma once

#include "feeds/feeds.h"
#include "feeds/guard.h"

struct guard_set;

/* Reads the sources that guard, and no other, from SITE's store; what can't be read there guards nothing. */
enum status guard_set_new(const struct feed_site *site, struct guard_set **set, struct fault *fault) MUST_CHECK;
void guard_set_free(struct guard_set *set); /* NULL is allowed */

/* Whether entries of feeds that do so are guarded at all. */
bool guard_set_is_for(enum feed_use use);

/* Changes when what is guarded may have changed, but not with the machine's own addresses. Never 0. */
uint64_t guard_set_fingerprint(const struct guard_set *set);

/* Why an entry of this kind must only be recorded; GUARD_NOT: it may block. FLAGS: of enum record_flag. NAME is in
 * lower case, with two labels or more. */
enum guard guard_set_name(struct guard_set *set, const struct dname *name, uint8_t flags) MUST_CHECK;
enum guard guard_set_network(struct guard_set *set, const struct network *network) MUST_CHECK;
/* A URL as normal_url() gives it: held back where it means its host as a whole. */
enum guard guard_set_url(struct guard_set *set, struct str url) MUST_CHECK;

/* Whether it is an address of this machine: such an entry does not get into a store. */
bool guard_set_is_own(const struct guard_set *set, const struct network *network);
