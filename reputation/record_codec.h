/* Records as they lie in a source file: one byte says category and risk, a second one what else is there. */
#pragma once

#include "base/cursor.h"
#include "reputation/record.h"

enum {
    RECORD_FAMILY_MAX = 255,     /* longer ones are cut */
    RECORD_REFERENCE_MAX = 1024, /* longer ones are left out: half a link leads nowhere */
    RECORD_TAGS_MAX = 255,       /* longer ones are cut behind a tag */
    RECORD_GROUP_MAX = 63,       /* as all below: what is longer is a bug of the caller's */
    RECORD_TYPES_MAX = 64,
    RECORD_DATA_MAX = 1024,
    RECORD_MAX_BYTES = 2 + 1 + 1 + 2 + 3 * 4 + 1 + RECORD_FAMILY_MAX + 2 + RECORD_REFERENCE_MAX + 1 + 1 +
                       RECORD_GROUP_MAX + 1 + RECORD_TYPES_MAX + 1 + 1 + 2 + RECORD_DATA_MAX + 1 + RECORD_TAGS_MAX,
};

/* Returns the length. The same record always gives the same bytes. */
size_t record_encode(const struct record *record, uint8_t out[RECORD_MAX_BYTES]);
/* The next record, with views into the cursor's bytes. False: they are not a record. */
bool record_decode(struct cursor *cursor, struct record *record);
