/* Record data: checks for dns_response_parse(), and copies that stand for themselves. */
#pragma once

#include <stdbool.h>

#include "base/cursor.h"
#include "message/dns_message.h"

/* Whether the data has the form that its type wants: RDATA starts at the packet, stands at the record data and ends
 * with it. Types without a known form have any. */
bool dns_rdata_fits(struct cursor rdata, uint16_t type, uint16_t class);

/* Writes the data at RDATA, which starts at the packet, ends with the record and fits, with its names written out. The
 * class is IN. */
void dns_rdata_expand(struct cursor rdata, uint16_t type, struct wire *wire);

/* Options are whole and fill the data (RFC 6891 section 6.1.2). */
bool dns_rdata_options_fit(struct cursor rdata);
