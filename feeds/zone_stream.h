/* What a primary answers to one question about a zone - SOA, AXFR (RFC 5936) or IXFR (RFC 1995) - message by message,
 * as they come from TCP. Knows nothing of sockets. */
#pragma once

#include "feeds/tsig.h"
#include "feeds/zone_changes.h"

enum zone_stream_state {
    ZONE_STREAM_START,   /* the zone's SOA is due */
    ZONE_STREAM_SECOND,  /* IXFR: what comes now tells differences from a whole zone */
    ZONE_STREAM_ZONE,    /* records, up to the SOA again */
    ZONE_STREAM_REMOVED, /* records that go, up to the SOA of the version that follows */
    ZONE_STREAM_ADDED,   /* records that come, up to the next SOA */
    ZONE_STREAM_END,
};

struct zone_stream {
    /* Set by whoever starts one. */
    const struct dname *zone; /* in lower case */
    uint16_t id, type;        /* of the question: DNS_TYPE_SOA, _AXFR or _IXFR */
    bool has_old;
    uint32_t old_serial;    /* of what we have */
    struct tsig *tsig;      /* NULL: unsigned */
    struct zone_file *file; /* where a whole zone goes; no use for DNS_TYPE_SOA */

    /* What has become of it. */
    enum zone_stream_state state;
    struct zone_soa soa; /* the zone's newest */
    struct buf soa_line;
    bool unchanged;   /* our serial is the newest */
    bool incremental; /* `changes` lead to the newest; else the zone is in `file` */
    struct zone_changes changes;

    uint32_t serial; /* that the changes have come to */
    unsigned messages;
    struct buf line; /* of the record at hand */
};
void zone_stream_free(struct zone_stream *stream);

/* Takes the next message. After each: `state` is ZONE_STREAM_END when it was the last. ST_UNSUPPORTED, of IXFR: the
 * primary can't tell the differences; AXFR may do. Any other failure is final; the fault says why. NOW_S: wall clock.
 */
enum status zone_stream_take(struct zone_stream *stream, const uint8_t *packet, size_t n, int64_t now_s,
                             struct fault *fault) MUST_CHECK;
