/* A file that can be read twice. */
#pragma once

#include <stdbool.h>

#include "base/status.h"

/* FD itself where one can seek in it, else a nameless copy of what is left in it; *OWN tells the caller to close it.
 * ST_TOO_LARGE, ST_FULL, ST_IO, ST_CLOSED (interrupted). */
enum status spool(int fd, const char *name, int *seekable, bool *own, struct fault *fault) MUST_CHECK;
