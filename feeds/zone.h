/* The records of a zone file (RFC 1035 section 5.1), as far as policy zones need them: owner, type and first word of
 * the data. Handed in line by line. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum { ZONE_NAME_SIZE = 256, ZONE_RECORD_SIZE = 1024, ZONE_RECORD_LINES = 100 };

/* What is known so far. `{0}` is the start of a file. Names are in lower case, without a final dot. */
struct zone {
    bool has_origin, has_apex, owner_absolute;
    char origin[ZONE_NAME_SIZE], apex[ZONE_NAME_SIZE], owner[ZONE_NAME_SIZE];
    unsigned depth, lines;         /* of the parentheses that are open; of the record */
    char record[ZONE_RECORD_SIZE]; /* without comments and parentheses; what is past it is of no interest */
    size_t length;
};

struct zone_record {
    struct str owner;      /* relative to the zone; as it is where the file does not tell the zone's name */
    struct str type, data; /* as written */
    struct str comment;    /* on the record's last line */
    bool outside;          /* the owner is not in the zone */
};

enum zone_line {
    ZONE_NOTHING, /* blank, a comment, in the midst of a record, or what only DNS needs (SOA, NS, signatures) */
    ZONE_RECORD,
    ZONE_DIRECTIVE, /* one that is not followed */
    ZONE_BAD
};

/* Views of RECORD are valid until the next call. LINE is untrimmed: a blank at its start stands for the last owner. */
enum zone_line zone_take(struct zone *zone, struct str line, struct zone_record *record);
