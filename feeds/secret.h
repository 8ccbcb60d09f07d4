/* A feed's key: read when it is needed, wiped then, and in no text that people or files get. */
#pragma once

#include <stddef.h>

#include "base/status.h"

enum { SECRET_SIZE = 1024 };

struct secret {
    char text[SECRET_SIZE]; /* empty: there is none */
};

/* PLACE: "env:NAME", "file:/PATH", or NULL or empty for none. Of a file the first line, without blanks around it; it
 * must be regular, ours or root's, and no one else may read or write it. ST_NOT_FOUND, ST_DENIED (the file's owner or
 * mode), ST_INVALID (empty, too long, control bytes), ST_IO. The fault names the place, never the key. */
enum status secret_read(const char *place, struct secret *secret, struct fault *fault) MUST_CHECK;
/* The same of a text of several lines, as the statement of a TSIG key is. */
enum status secret_read_lines(const char *place, struct secret *secret, struct fault *fault) MUST_CHECK;
void secret_wipe(struct secret *secret);

/* Puts "***" in place of the key wherever TEXT has it. SECRET may be NULL; keys under three bytes are left. */
void secret_hide(const struct secret *secret, char *text);
