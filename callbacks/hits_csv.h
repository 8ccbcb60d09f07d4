/* Callbacks as CSV (RFC 4180), one row each. Text that a spreadsheet would take for a formula gets a ' before it. */
#pragma once

#include <stdio.h>

#include "callbacks/log_entry.h"

void hits_csv_header(FILE *out);
void hits_csv_row(FILE *out, const struct log_entry *entry);
