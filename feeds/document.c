#include "feeds/document.h"

#include <string.h>

/* No more than this many values: each needs one of these bytes before or behind it. */
static size_t count_values(struct str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == ',' || text.data[i] == ':' || text.data[i] == '[' || text.data[i] == '{';
    return count;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum status document_next(struct document *document, const char *name, struct fault *fault)
{
    json_error_t error;
    const struct buf *body = &document->body;
    json_decref(document->root);
    document->root = NULL;
    while (document->at < body->length && is_blank(body->data[document->at]))
        document->at++;
    if (document->at == body->length)
        return ST_OK;
    document->root = json_loadb(body->data + document->at, body->length - document->at, JSON_DISABLE_EOF_CHECK, &error);
    if (!document->root) {
        char shown[JSON_ERROR_TEXT_LENGTH];
        text_printable(shown, sizeof shown, str_of(error.text));
        return fault_set(fault, ST_INVALID, "%s: it is not whole JSON: line %d: %s", name, error.line, shown);
    }
    document->at += (size_t)error.position;
    return ST_OK;
}

enum status document_open(struct document *document, struct lines *lines, const char *name, struct fault *fault)
{
    *document = (struct document){.body.max_bytes = DOCUMENT_MAX_BYTES};
    if (!lines_rest(lines, &document->body))
        return lines_failure(lines, name, fault);
    if (document->body.failed)
        return fault_set(fault, ST_TOO_LARGE, "%s: a JSON feed may have %d MiB, and there must be memory for it", name,
                         DOCUMENT_MAX_BYTES / 1024 / 1024);
    if (count_values((struct str){document->body.data, document->body.length}) > DOCUMENT_MAX_VALUES)
        return fault_set(fault, ST_TOO_LARGE, "%s: a JSON feed may have %d values", name, DOCUMENT_MAX_VALUES);
    return document_next(document, name, fault);
}

void document_close(struct document *document)
{
    json_decref(document->root);
    buf_free(&document->body);
}
