#include "feeds/document.h"

#include <string.h>

enum { END = -1, FAILED = -2, KEY_LOOK_BYTES = 64 };

/* RFC 7464 puts a record separator before each document. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0x1e;
}

static void pass(struct document *document, size_t n)
{
    struct str have = lines_sample(document->lines);
    for (size_t i = 0; i < n; i++)
        document->line += have.data[i] == '\n';
    lines_pass(document->lines, n);
}

/* The next byte that is no blank, not passed; END; FAILED. */
static int peek(struct document *document)
{
    for (;;) {
        struct str have = lines_sample(document->lines);
        size_t n = 0;
        while (n < have.length && is_blank(have.data[n]))
            n++;
        bool found = n < have.length;
        char c = found ? have.data[n] : '\0';
        pass(document, n);
        if (found)
            return (unsigned char)c;
        if (!lines_more(document->lines))
            return FAILED;
        if (!lines_sample(document->lines).length)
            return END;
    }
}

static enum status not_whole(const struct document *document, const char *why, struct fault *fault)
{
    return fault_set(fault, ST_INVALID, "%s: it is not whole JSON: line %llu: %s", document->name,
                     (unsigned long long)document->line, why);
}

/* How far a value has been seen. */
struct scan {
    unsigned depth, values;
    bool quoted, escaped, done;
};

/* Bytes of HAVE that belong to the value. */
static size_t scan_some(struct scan *scan, struct str have)
{
    size_t i = 0;
    for (; i < have.length && !scan->done; i++) {
        char c = have.data[i];
        if (scan->quoted) {
            scan->quoted = c != '"' || scan->escaped;
            scan->escaped = c == '\\' && !scan->escaped;
            scan->done = !scan->quoted && !scan->depth;
        } else if (c == '"') {
            scan->quoted = true;
        } else if (c == '{' || c == '[') {
            scan->depth++;
            scan->values++;
        } else if (scan->depth && (c == '}' || c == ']')) {
            scan->done = !--scan->depth;
        } else if (!scan->depth && scan->values && (is_blank(c) || memchr(",]}", c, 3))) {
            scan->done = true; /* behind a number or a word */
            return i;
        } else {
            scan->values += !scan->depth || c == ',' || c == ':';
        }
    }
    return i;
}

/* Puts the next value's bytes into the body. */
static enum status gather(struct document *document, struct fault *fault)
{
    struct scan scan = {0};
    buf_clear(&document->body);
    for (;;) {
        struct str have = lines_sample(document->lines);
        size_t n = scan_some(&scan, have);
        buf_add(&document->body, have.data, n);
        if (document->body.failed)
            return fault_set(fault, ST_TOO_LARGE,
                             "%s: a JSON document may have %d MiB, and there must be memory for it", document->name,
                             DOCUMENT_MAX_BYTES / 1024 / 1024);
        if (scan.values > DOCUMENT_MAX_VALUES)
            return fault_set(fault, ST_TOO_LARGE, "%s: a JSON document may have %d values", document->name,
                             DOCUMENT_MAX_VALUES);
        lines_pass(document->lines, n); /* its ends of lines count once it has been read */
        if (scan.done)
            return ST_OK;
        if (!lines_more(document->lines))
            return lines_failure(document->lines, document->name, fault);
        if (!lines_sample(document->lines).length)
            return ST_OK; /* cut: the parser says where */
    }
}

static enum status read_value(struct document *document, struct fault *fault)
{
    json_error_t error;
    enum status st = gather(document, fault);
    if (st != ST_OK)
        return st;
    document->root = json_loadb(document->body.data, document->body.length, JSON_DECODE_ANY, &error);
    if (!document->root) {
        char shown[JSON_ERROR_TEXT_LENGTH];
        document->line += error.line > 0 ? (unsigned)error.line - 1u : 0;
        text_printable(shown, sizeof shown, str_of(error.text));
        return not_whole(document, shown, fault);
    }
    for (size_t i = 0; i < document->body.length; i++)
        document->line += document->body.data[i] == '\n';
    document->first = false;
    return ST_OK;
}

/* Whether what is next is {"DIGITS": [. */
static bool is_keyed(struct document *document)
{
    if (lines_sample(document->lines).length < KEY_LOOK_BYTES && !lines_more(document->lines))
        return false;
    struct str text = lines_sample(document->lines);
    size_t at = 1, digits = 0;
    while (at < text.length && is_blank(text.data[at]))
        at++;
    if (at == text.length || text.data[at++] != '"')
        return false;
    for (; at < text.length && ascii_digit(text.data[at]); at++)
        digits++;
    if (!digits || at == text.length || text.data[at++] != '"')
        return false;
    while (at < text.length && (is_blank(text.data[at]) || text.data[at] == ':'))
        at++;
    return at < text.length && text.data[at] == '[';
}

/* Into the list or the object that is next. */
static void enter(struct document *document, enum document_place place)
{
    pass(document, 1);
    document->place = place;
    document->first = true;
}

/* A key and its colon. */
static enum status pass_key(struct document *document, struct fault *fault)
{
    enum status st = read_value(document, fault);
    bool is_key = json_is_string(document->root);
    json_decref(document->root);
    document->root = NULL;
    if (st != ST_OK)
        return st;
    if (!is_key || peek(document) != ':')
        return not_whole(document, "a key and a colon are due", fault);
    pass(document, 1);
    return ST_OK;
}

/* The next document at the top; none at the end. */
static enum status next_at_top(struct document *document, int c, struct fault *fault)
{
    if (c == END)
        return ST_OK;
    if (c == '[')
        enter(document, DOCUMENT_LIST);
    else if (c == '{' && is_keyed(document))
        enter(document, DOCUMENT_KEYED);
    else
        return c == '{' ? read_value(document, fault) : not_whole(document, "an object or a list is due", fault);
    return ST_OK;
}

static enum status next_within(struct document *document, int c, struct fault *fault)
{
    bool list = document->place != DOCUMENT_KEYED;
    if (c == (list ? ']' : '}')) {
        bool empty = document->first && document->place == DOCUMENT_LIST;
        pass(document, 1);
        document->place = document->place == DOCUMENT_KEYED_LIST ? DOCUMENT_KEYED : DOCUMENT_TOP;
        document->first = false;
        document->root = empty ? json_array() : NULL;
        return ST_OK;
    }
    if (!document->first) {
        if (c != ',')
            return not_whole(document, c == END ? "it ends within a list" : "a comma is due", fault);
        pass(document, 1);
        c = peek(document);
    }
    if (c == END || c == ',' || c == ']' || c == '}')
        return not_whole(document, c == END ? "it ends within a list" : "a value is due", fault);
    if (list)
        return read_value(document, fault);
    enum status st = pass_key(document, fault);
    if (st == ST_OK && peek(document) == '[')
        enter(document, DOCUMENT_KEYED_LIST);
    else if (st == ST_OK)
        st = read_value(document, fault);
    return st;
}

enum status document_next(struct document *document, struct fault *fault)
{
    json_decref(document->root);
    document->root = NULL;
    for (;;) {
        int c = peek(document);
        if (c == FAILED)
            return lines_failure(document->lines, document->name, fault);
        enum status st =
            document->place == DOCUMENT_TOP ? next_at_top(document, c, fault) : next_within(document, c, fault);
        if (st != ST_OK || document->root || (c == END && document->place == DOCUMENT_TOP))
            return st;
    }
}

enum status document_open(struct document *document, struct lines *lines, const char *name, struct fault *fault)
{
    *document = (struct document){.lines = lines, .name = name, .body.max_bytes = DOCUMENT_MAX_BYTES, .line = 1};
    return document_next(document, fault);
}

void document_close(struct document *document)
{
    json_decref(document->root);
    buf_free(&document->body);
}
