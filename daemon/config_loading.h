/* For the config_*.c files: a configuration while it is read. */
#pragma once

#include <yaml.h>

#include "daemon/config_schema.h"

struct loading {
    const char *name;
    struct config *config;
    struct config_faults *faults;
    yaml_document_t document;
};

/* Adds a fault. LINE 0: none known. FIELD may be empty. */
void config_report(struct loading *loading, bool error, size_t line, const char *field, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Reads the tree and reports faults of shape: unknown, repeated and missing keys, lists where values are due. False:
 * the YAML itself is broken, or there is nothing in it (no error then). */
bool config_check_document(struct loading *loading, const void *data, size_t n);

/* Reports what no single option can tell: two feeds of one name, an upstream that is ourselves. */
void config_check_whole(struct loading *loading);

/* The line of a value, for a fault in it; 0: not found. ITEM, ELEMENT: -1 for none. */
size_t config_value_line(struct loading *loading, const struct section *section, long item, struct str key,
                         long element);
