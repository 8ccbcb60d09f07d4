/* Programs of the system, run to their end. */
#pragma once

#include "base/buf.h"
#include "base/status.h"

/* WORDS end with NULL; the first is looked for in PATH. INPUT, a few bytes, goes to its standard input; its standard
 * output is appended to OUTPUT, or is ours where that is NULL. ST_IO, with errno's words in FAULT, where it cannot be
 * run; *WAIT_STATUS is 0 where it went well. */
enum status system_run(const char *const words[], const char *input, struct buf *output, int *wait_status,
                       struct fault *fault) MUST_CHECK;
/* "dconf update" */
void system_run_line(const char *const words[], char *out, size_t size);
