/* Checks of record data, for dns_response_parse(). */
#pragma once

#include <stdbool.h>

#include "base/cursor.h"
#include "message/dns_message.h"

/* RDATA starts at the packet, stands at the record data and ends with it. */
bool dns_rdata_fits(struct cursor rdata, uint16_t type, uint16_t class);

/* Options are whole and fill the data (RFC 6891 section 6.1.2). */
bool dns_rdata_options_fit(struct cursor rdata);
