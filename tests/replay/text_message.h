/* DNS messages as lines of text, for scenarios. */
#pragma once

#include "base/buf.h"
#include "message/dns_message.h"

/* "A", "HTTPS", "TYPE65280"; 0 where it is none of these. */
uint16_t type_from_text(struct str text);
/* "NXDOMAIN"; false where it is none. */
bool rcode_from_text(struct str text, unsigned *rcode);
const char *rcode_text(unsigned rcode);
bool flag_from_text(struct str text, uint16_t *flag); /* "AD" */

/* "OWNER TTL TYPE RDATA...": adds the record. False where it can't be read. RDATA: an address; names; SOA: two names
 * and the minimum; MX: number and name; TXT: one word; anything: "\# HEX". */
bool record_from_text(struct str text, enum dns_section section, struct dns_build *build);

/* Header, question, records and OPT, each on a line of its own, as scenarios expect them. */
void message_to_text(const uint8_t *data, size_t n, struct buf *out);
