/* Which columns of a table of indicators hold what, by the names in its first line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum ioc_column {
    IOC_VALUE,
    IOC_TYPE,
    IOC_FAMILY,
    IOC_CONFIDENCE,
    IOC_FIRST_SEEN,
    IOC_LAST_SEEN,
    IOC_EXPIRES,
    IOC_REFERENCE,
    IOC_COLUMNS
};

/* `{0}`: not known yet. */
struct ioc_columns {
    bool known;
    unsigned char at[IOC_COLUMNS]; /* 1 is the first; 0: there is none */
};

/* False, and COLUMNS as it was: FIELDS name no column of indicators. */
bool ioc_columns_read(struct ioc_columns *columns, const struct str *fields, size_t count);
/* Empty: there is no such column. */
struct str ioc_columns_field(const struct ioc_columns *columns, enum ioc_column column, const struct str *fields,
                             size_t count);
