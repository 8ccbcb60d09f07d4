/* Types of records as text. */
#pragma once

#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { DNS_TYPE_TEXT_SIZE = 16 };

/* "A", "HTTPS"; of types without a name here "TYPE65280" (RFC 3597 section 5). */
void dns_type_format(uint16_t type, char out[DNS_TYPE_TEXT_SIZE]);
/* The same in any case. ST_INVALID. */
enum status dns_type_parse(struct str text, uint16_t *type) MUST_CHECK;
