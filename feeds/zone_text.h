/* The records of a transferred zone as lines of a zone file (RFC 1035 section 5.1): "OWNER TTL IN TYPE DATA". The same
 * record is always the same line: names absolute and in lower case, one blank between fields; types whose data is not
 * written out have it as RFC 3597 section 5 does. */
#pragma once

#include "base/buf.h"
#include "message/dns_message.h"

/* Appends the line of RECORD, without an end of line. ST_INVALID: its data is malformed; OUT->failed is the caller's to
 * look at. */
enum status zone_text_add(struct buf *out, const uint8_t *packet, const struct dns_record *record) MUST_CHECK;

/* Orders two such lines by all but their TTLs, which do not make another record (RFC 2181 section 5.2). */
int zone_text_compare(struct str a, struct str b);

struct zone_soa {
    uint32_t serial, refresh_s, retry_s, expire_s;
};
/* Of a record of type SOA. */
struct zone_soa zone_soa_read(const uint8_t *packet, const struct dns_record *record);
/* Of the line of the SOA of ZONE. ST_INVALID: it is none. */
enum status zone_soa_parse(struct str line, const struct dname *zone, struct zone_soa *soa) MUST_CHECK;

/* Whether serial A comes after B: RFC 1982 section 3.2. */
static inline bool serial_is_after(uint32_t a, uint32_t b)
{
    uint32_t ahead = a - b;
    return ahead && ahead < UINT32_C(1) << 31;
}
