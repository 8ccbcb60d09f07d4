/* Templates: text with names in double braces.
 *
 *     {{name}}               the value, escaped for the form
 *     {{?name}}...{{/name}}  kept when the value is not empty; may be nested
 *
 * Nothing is ever put in unescaped. Braces in a value are text, not names. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

enum template_form {
    TEMPLATE_HTML,  /* & < > " ' as references: safe as content and in quoted attributes */
    TEMPLATE_JSON,  /* within a JSON string; values must be UTF-8 without control bytes (text_printable()) */
    TEMPLATE_PLAIN, /* as it is */
};

struct template_value {
    struct str text;
    bool is_template; /* one of our texts, which may hold names of its own */
};

/* Gives the value of NAME; false for a name that nobody knows. */
typedef bool template_find_fn(const void *arg, struct str name, struct template_value *value);

/* Appends SOURCE with its names filled in. SOURCE is ours: a fault in it (an unknown name, an open section, texts that
 * name each other) is a bug and ends in CHECK(). */
void template_render(struct buf *out, enum template_form form, struct str source, template_find_fn *find,
                     const void *arg);
