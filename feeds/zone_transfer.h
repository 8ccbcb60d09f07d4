/* A zone from its primary, by TCP: the SOA is asked for first where there is an older one, then the differences (RFC
 * 1995) or the whole zone (RFC 5936), signed with a key (RFC 8945) where there is one. */
#pragma once

#include "feeds/primary.h"
#include "feeds/tsig_key.h"
#include "feeds/zone_text.h"

struct transfer_request {
    const struct addr *primaries; /* with ports; the first that can be connected to is asked */
    size_t primary_count;
    const struct dname *zone;   /* in lower case */
    const struct tsig_key *key; /* NULL: unsigned */
    bool incremental;           /* ask for differences */
    int old_fd;                 /* the last good zone, as an earlier transfer wrote it; -1: fetch the whole one */
    const struct fetch_limits *limits; /* max_bytes is of what comes over the wire */
};

enum { TRANSFER_MAX_RECORDS = 20 * 1000 * 1000, TRANSFER_TEXT_RATIO = 4 /* of the file's bound to max_bytes */ };

struct transfer_result {
    bool not_modified;       /* the primary has nothing newer than the old zone; nothing was written */
    bool incremental;        /* it came as differences */
    struct zone_soa soa;     /* of the newest; its timers hold from now on */
    struct addr primary;     /* that was asked last */
    uint64_t records, bytes; /* of the zone with its SOA; over the wire */
};

/* Writes the zone to FD as zone_file.h has it. ST_OK: it is whole, or not modified. A failure's fault names neither
 * zone nor primary; what was written then is nothing. ST_CLOSED: interrupted. */
enum status zone_transfer(const struct transfer_request *request, int fd, struct progress *progress,
                          struct transfer_result *result, struct fault *fault) MUST_CHECK;
