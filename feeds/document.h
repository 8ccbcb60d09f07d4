/* A file of JSON, read document by document: one, or several one after the other (JSON lines). The elements of a list,
 * and of the lists in an object that is keyed by numbers (abuse.ch's exports, {"ID": [{...}]}), come as documents of
 * their own, so that no more than one of them is in memory. */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "feeds/lines.h"

/* Of each. Of values there may be so many because each takes a hundred bytes of memory. */
enum { DOCUMENT_MAX_BYTES = 256 * 1024 * 1024, DOCUMENT_MAX_VALUES = 10 * 1000 * 1000 };

enum document_place { DOCUMENT_TOP, DOCUMENT_LIST, DOCUMENT_KEYED, DOCUMENT_KEYED_LIST };

struct document {
    struct lines *lines;
    const char *name;
    json_t *root; /* the document that is read, an empty list too; NULL: none is left */
    struct buf body;
    enum document_place place; /* what the next one stands in */
    bool first;                /* it would be the first there */
    uint64_t line;             /* where the next byte stands, from 1 */
};

/* Reads the first document of LINES, which is kept as NAME is, for messages. ST_INVALID: it is no JSON, or cut;
 * ST_TOO_LARGE. The same for the next. */
enum status document_open(struct document *document, struct lines *lines, const char *name,
                          struct fault *fault) MUST_CHECK;
enum status document_next(struct document *document, struct fault *fault) MUST_CHECK;
void document_close(struct document *document); /* `{0}` is allowed */
