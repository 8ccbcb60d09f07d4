/* The differences between two versions of a zone (RFC 1995), gathered in the order in which they come and then applied
 * to the file of the older one at once. */
#pragma once

#include "feeds/zone_file.h"

enum { ZONE_CHANGES_MAX_BYTES = 64 * 1024 * 1024, ZONE_CHANGES_MAX = 1000 * 1000 };

struct zone_change;

/* `{0}` is none. */
struct zone_changes {
    struct buf text; /* the lines, one after the other */
    struct zone_change *items;
    size_t count, capacity;
};
void zone_changes_free(struct zone_changes *changes);

/* ST_TOO_LARGE: so much that a whole zone is fetched rather; ST_NOMEM. */
enum status zone_changes_add(struct zone_changes *changes, bool added, struct str line) MUST_CHECK;

/* Writes SOA, a line, and what the zone in OLD_FD becomes to FILE. ST_UNSUPPORTED: the differences do not fit it, as
 * something is taken away that is not there or added that is; any other failure is one of reading or writing. */
enum status zone_changes_apply(struct zone_changes *changes, int old_fd, struct str soa, struct zone_file *file,
                               struct fault *fault) MUST_CHECK;
