/* All entries of a feed as text, for dry runs: counted, told apart, sorted. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "feeds/feeds.h"

enum { ENTRY_TAKEN = 't', ENTRY_GUARDED = 'g' };

struct entries {
    struct buf text[FEED_DUMP_KINDS]; /* for each entry: ENTRY_GUARDED or ENTRY_TAKEN, its text, a NUL */
    size_t count[FEED_DUMP_KINDS];
};

void entries_fini(struct entries *entries);
/* A feed_sink's take(). */
enum status entries_take(void *entries, const struct indicator *indicator, bool guarded) MUST_CHECK;
/* Its aside(). */
enum status entries_aside(void *entries, enum feed_dump kind, struct str text) MUST_CHECK;
/* Sorts what there is of one kind by bytes. Writes each text once and a line feed to OUT, unless it is NULL. *DISTINCT
 * leaves the guarded ones out. */
enum status entries_sort(const struct entries *entries, enum feed_dump kind, FILE *out, uint64_t *distinct) MUST_CHECK;
