/* Data of records and response codes as text, for people. */
#pragma once

#include "base/buf.h"
#include "message/dns_message.h"

/* Appends the data of RECORD, one of a packet that dns_response_parse() took, as in a zone file: of A, AAAA, names,
 * MX, SRV, SOA and TXT; of all else as RFC 3597 section 5 has it ("\# 4 c0000201"). */
void dns_rdata_format(const uint8_t *packet, size_t n, const struct dns_record *record, struct buf *out);

enum { DNS_RCODE_TEXT_SIZE = 16 };
/* "NXDOMAIN"; of those without a name here "RCODE11". */
void dns_rcode_format(unsigned rcode, char out[DNS_RCODE_TEXT_SIZE]);
