/* The fields of one record of separated values (RFC 4180), blanks around fields allowed. */
#pragma once

#include <stddef.h>

#include "base/text.h"

enum { CSV_FIELDS = 64 };

/* Puts views into RECORD into FIELDS, without their quotes; a doubled quote stays doubled. Returns the number of
 * fields; 0 where there are too many, a quote is not closed, or something stands behind one. */
size_t csv_split(struct str record, char separator, struct str fields[CSV_FIELDS]);

/* Whether RECORD ends within quotes: its next line belongs to it. */
bool csv_is_open(struct str record, char separator);

/* FIELD with its doubled quotes single; in OUT where it has some and fits. */
struct str csv_plain(struct str field, char *out, size_t size);
