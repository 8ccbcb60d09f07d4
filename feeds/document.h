/* A file of JSON documents, read as a whole: one, or several one after the other (JSON lines). */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "feeds/lines.h"

/* Of values there may be so many because each takes a hundred bytes of memory. */
enum { DOCUMENT_MAX_BYTES = 256 * 1024 * 1024, DOCUMENT_MAX_VALUES = 10 * 1000 * 1000 };

struct document {
    struct buf body;
    size_t at;
    json_t *root; /* the document that is read; NULL: none is left */
};

/* Takes what is left of LINES and reads the first document. NAME stands in messages. ST_INVALID: it is no JSON;
 * ST_TOO_LARGE. */
enum status document_open(struct document *document, struct lines *lines, const char *name,
                          struct fault *fault) MUST_CHECK;
enum status document_next(struct document *document, const char *name, struct fault *fault) MUST_CHECK;
void document_close(struct document *document); /* `{0}` is allowed */
