/* For the files that read YAML by a table of sections: a document while it is read. */
#pragma once

#include <yaml.h>

#include "config/config_schema.h"

struct loading {
    const char *name;
    const struct section *sections; /* what there may be in it */
    size_t section_count;
    void *base;                             /* what the sections' offsets are relative to */
    void (*check)(struct loading *loading); /* reports what no single value tells, when all are set; may be NULL */
    bool strict;                            /* what is not known is an error, not a warning */
    struct config_faults *faults;
    yaml_document_t document;
};

/* Adds a fault. LINE 0: none known. FIELD may be empty. */
void config_report(struct loading *loading, bool error, size_t line, const char *field, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Reads the tree and reports faults of shape: unknown, repeated and missing keys, lists where values are due. False:
 * the YAML itself is broken, or there is nothing in it (no error then). */
bool config_check_document(struct loading *loading, const void *data, size_t n);

/* Reads the document into what LOADING says: defaults first, then what is written. Reports all faults; ST_INVALID when
 * there are errors. What was set is for the caller to free, by config_free_sections(). */
enum status config_load_sections(struct loading *loading, const void *data, size_t n) MUST_CHECK;
void config_free_sections(const struct section *sections, size_t count, void *base);

/* Reports what no single option of the configuration can tell: two feeds of one name, an upstream that is ourselves. */
void config_check_whole(struct loading *loading);

/* The line of a value, for a fault in it; 0: not found. ITEM, ELEMENT: -1 for none. */
size_t config_value_line(struct loading *loading, const struct section *section, long item, struct str key,
                         long element);
