/* Which columns of a table of indicators hold what, by the names in its first line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum ioc_column {
    IOC_TYPE,
    IOC_PORT,
    IOC_FAMILY,
    IOC_CONFIDENCE,
    IOC_FIRST_SEEN,
    IOC_LAST_SEEN,
    IOC_EXPIRES,
    IOC_REFERENCE,
    IOC_TAGS,
    IOC_LABEL,       /* one more tag */
    IOC_DETECTION,   /* whether it is meant for detection */
    IOC_COMPROMISED, /* whether it is someone's who was broken into */
    IOC_COLUMNS
};
enum { IOC_VALUES = 8 };

/* `{0}`: not known yet. Columns count from 1; 0: there is none. */
struct ioc_columns {
    bool known;
    unsigned char count; /* of all columns */
    unsigned char at[IOC_COLUMNS];
    unsigned char values[IOC_VALUES]; /* that may have the indicator, the likeliest first; the others 0 */
    unsigned char untyped;            /* of VALUES, as bits: the column's name says what it has, not the type */
};

/* False, and COLUMNS as it was: FIELDS name no column of indicators. */
bool ioc_columns_read(struct ioc_columns *columns, const struct str *fields, size_t count);
/* Empty: there is no such column. */
struct str ioc_columns_field(const struct ioc_columns *columns, enum ioc_column column, const struct str *fields,
                             size_t count);
/* The indicator of a row, and whether the row's type holds for it. Empty: there is none. */
struct str ioc_columns_value(const struct ioc_columns *columns, const struct str *fields, size_t count, bool *typed);
