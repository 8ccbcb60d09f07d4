/* The records of a zone file (RFC 1035 section 5.1), handed in line by line: owner, TTL, type, and the text of the
 * data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum {
    ZONE_NAME_SIZE = 1024, /* every byte of a name may be escaped */
    ZONE_RECORD_SIZE = 8192,
    ZONE_RECORD_LINES = 100,
    ZONE_DEFAULT_TTL_S = 3600, /* where the file says nothing */
};

/* What is known so far. `{0}` is the start of a file. Names are as written, in lower case, without a final dot. */
struct zone {
    bool has_origin, has_apex, has_ttl;
    bool owner_absolute, owner_bad;
    char origin[ZONE_NAME_SIZE], apex[ZONE_NAME_SIZE], owner[ZONE_NAME_SIZE];
    uint32_t ttl_s;
    unsigned depth, lines;         /* of the parentheses that are open; of the record */
    char record[ZONE_RECORD_SIZE]; /* without comments and parentheses */
    size_t length;
    bool cut; /* the record is longer */
};

struct zone_record {
    struct str owner; /* relative to the zone; as it is where the file does not tell the zone's name */
    struct str type, data;
    uint32_t ttl_s;
    struct str comment; /* on the record's last line */
    bool outside;       /* the owner is not in the zone */
    bool cut;           /* the data has no end */
};

enum zone_line {
    ZONE_NOTHING, /* blank, a comment, in the midst of a record, or what only DNS needs (SOA, NS, signatures) */
    ZONE_RECORD,
    ZONE_DIRECTIVE, /* one that is not followed */
    ZONE_BAD
};

/* Views of RECORD are valid until the next call. LINE is untrimmed: a blank at its start stands for the last owner. */
enum zone_line zone_take(struct zone *zone, struct str line, struct zone_record *record);

/* The next word of TEXT, which is taken off it: up to a blank that is neither quoted nor escaped, with its quotes and
 * escapes. Empty at the end. */
struct str zone_word(struct str *text);
/* TEXT as a name in full by the file's origin, in lower case, without a final dot ("" is the root). *ABSOLUTE is false
 * where the origin is not known. False: it is too long. */
bool zone_full_name(const struct zone *zone, struct str text, char out[ZONE_NAME_SIZE], bool *absolute);
