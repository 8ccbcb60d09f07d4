/* Callbacks as a table for people. */
#pragma once

#include <stdio.h>

#include "callbacks/log_entry.h"

struct hits_table;

/* WIDTH: columns of the terminal; 0: unbounded. NULL when out of memory. */
struct hits_table *hits_table_new(FILE *out, unsigned width);
void hits_table_free(struct hits_table *table); /* after hits_table_flush() */

/* Rows are kept for a while, so that columns line up. */
void hits_table_add(struct hits_table *table, const struct log_entry *entry);
void hits_table_flush(struct hits_table *table);
/* The line of titles, once; rows bring it by themselves. */
void hits_table_head(struct hits_table *table);
