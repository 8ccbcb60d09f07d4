/* The fields of one line of comma-separated values (RFC 4180), blanks before a field allowed. */
#pragma once

#include <stddef.h>

#include "base/text.h"

enum { CSV_FIELDS = 32 };

/* Puts views into LINE into FIELDS, without their quotes; a doubled quote stays doubled. Returns the number of fields;
 * 0 where there are too many or a quote is not closed on the line. */
size_t csv_split(struct str line, struct str fields[CSV_FIELDS]);
