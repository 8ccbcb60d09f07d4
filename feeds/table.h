/* Tables of indicators (CSV), line by line: rows that go over several lines, and what their columns hold. */
#pragma once

#include "base/buf.h"
#include "feeds/csv.h"
#include "feeds/ioc_columns.h"

enum { TABLE_ROW_LINES = 16, TABLE_ROW_BYTES = 64 * 1024 };

struct intake;

/* What is kept from line to line; `{0}` at the start. */
struct table {
    char separator; /* 0: not known yet */
    struct ioc_columns columns;
    size_t width;        /* fields of the last row */
    struct buf held;     /* the row at hand, where it has several lines */
    unsigned held_lines; /* 0: it is whole */
};

struct table_row {
    struct str text, fields[CSV_FIELDS];
    size_t count;
};

/* LINE's row, with views that are valid until the next call. False: there is nothing to be taken: it goes on in the
 * next line, or it is no row, which has been counted. */
bool table_row(struct intake *intake, struct table *table, struct str line, struct table_row *row);
/* Whether a row is under way. */
bool table_is_open(const struct table *table);
/* At the end of the file: a row that is not closed counts as faulty. */
void table_finish(struct intake *intake, struct table *table);

/* What the row says of its indicator but for the family, into INTAKE's record. */
void table_fill_record(struct intake *intake, const struct ioc_columns *columns, const struct table_row *row);
/* The row's family; empty: it says none. */
struct str table_family(const struct ioc_columns *columns, const struct table_row *row);
