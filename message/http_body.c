#include "message/http_body.h"

#include "message/http_scan.h"

/* Where the next byte stands in chunked content, in the order of RFC 9112 section 7.1. */
enum {
    SIZE,
    EXTENSION_START, /* after ';' */
    EXTENSION_NAME,
    EXTENSION_VALUE_START, /* after '=' */
    EXTENSION_VALUE,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPED,
    EXTENSION_QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    BROKEN,
};

enum { MAX_SIZE_DIGITS = 16 };

void http_body_init(struct http_body *body, const struct http_head *head)
{
    *body = (struct http_body){.framing = head->framing};
    if (head->framing == HTTP_BODY_LENGTH)
        body->left = head->content_length;
    body->done = head->framing == HTTP_BODY_NONE || (head->framing == HTTP_BODY_LENGTH && !body->left);
}

/* What follows a size, an extension or a quoted value. Blanks there are in the grammar (BWS) but refused: no sender
 * needs them, and parsers disagree about them. */
static unsigned after_extension(char c)
{
    return c == ';' ? EXTENSION_START : c == '\r' ? SIZE_LF : BROKEN;
}

static unsigned size_step(struct http_body *body, char c)
{
    int value = hex_value(c);
    if (value < 0)
        return body->digits ? after_extension(c) : BROKEN;
    body->left = body->left << 4 | (unsigned)value;
    return ++body->digits > MAX_SIZE_DIGITS ? BROKEN : SIZE;
}

static unsigned extension_step(unsigned state, char c)
{
    switch (state) {
    case EXTENSION_START:
        return http_is(c, HTTP_TCHAR) ? EXTENSION_NAME : BROKEN;
    case EXTENSION_NAME:
        if (http_is(c, HTTP_TCHAR))
            return EXTENSION_NAME;
        return c == '=' ? EXTENSION_VALUE_START : after_extension(c);
    case EXTENSION_VALUE_START:
        if (c == '"')
            return EXTENSION_QUOTED;
        return http_is(c, HTTP_TCHAR) ? EXTENSION_VALUE : BROKEN;
    case EXTENSION_VALUE:
        return http_is(c, HTTP_TCHAR) ? EXTENSION_VALUE : after_extension(c);
    case EXTENSION_QUOTED:
        if (!http_is(c, HTTP_TEXT))
            return BROKEN;
        return c == '"' ? EXTENSION_QUOTED_END : c == '\\' ? EXTENSION_ESCAPED : EXTENSION_QUOTED;
    case EXTENSION_ESCAPED:
        return http_is(c, HTTP_TEXT) ? EXTENSION_QUOTED : BROKEN;
    default: /* EXTENSION_QUOTED_END */
        return after_extension(c);
    }
}

static unsigned trailer_step(unsigned state, char c)
{
    switch (state) {
    case TRAILER_START:
        return c == '\r' ? LAST_LF : http_is(c, HTTP_TCHAR) ? TRAILER_NAME : BROKEN;
    case TRAILER_NAME:
        return c == ':' ? TRAILER_VALUE : http_is(c, HTTP_TCHAR) ? TRAILER_NAME : BROKEN;
    case TRAILER_VALUE:
        return c == '\r' ? TRAILER_LF : http_is(c, HTTP_TEXT) ? TRAILER_VALUE : BROKEN;
    default: /* TRAILER_LF */
        return c == '\n' ? TRAILER_START : BROKEN;
    }
}

/* Takes one byte that is not payload. */
static void chunk_step(struct http_body *body, char c)
{
    unsigned state = body->state;
    switch (state) {
    case SIZE:
        body->state = size_step(body, c);
        break;
    case SIZE_LF:
        body->state = c != '\n' ? BROKEN : body->left ? DATA : TRAILER_START;
        if (body->state == TRAILER_START)
            body->overhead = 0;
        break;
    case DATA_CR:
        body->state = c == '\r' ? DATA_LF : BROKEN;
        break;
    case DATA_LF:
        body->state = c == '\n' ? SIZE : BROKEN;
        body->digits = 0;
        break;
    case LAST_LF:
        body->done = c == '\n';
        body->state = body->done ? LAST_LF : BROKEN;
        break;
    default:
        if (state >= TRAILER_START && state <= TRAILER_LF) {
            body->state = ++body->overhead > HTTP_MAX_TRAILERS ? BROKEN : trailer_step(state, c);
        } else if (state != BROKEN) {
            body->state = ++body->overhead > HTTP_MAX_CHUNK_EXTENSIONS ? BROKEN : extension_step(state, c);
        }
    }
}

/* Takes payload, at most what is left of the length or the chunk. */
static struct str take_payload(struct http_body *body, struct str input)
{
    if (input.length > body->left)
        input.length = (size_t)body->left;
    body->left -= input.length;
    return input;
}

static enum status take_chunked(struct http_body *body, struct str input, size_t *taken, struct str *data)
{
    size_t at = 0;
    while (at < input.length && !body->done && body->state != DATA && body->state != BROKEN)
        chunk_step(body, input.data[at++]);
    if (body->state == BROKEN)
        return ST_INVALID;
    if (body->state == DATA) {
        *data = take_payload(body, str_from(input, at));
        at += data->length;
        if (!body->left)
            body->state = DATA_CR;
    }
    *taken = at;
    return ST_OK;
}

enum status http_body_take(struct http_body *body, struct str input, size_t *taken, struct str *data)
{
    *taken = 0;
    *data = (struct str){input.data, 0};
    if (body->done)
        return ST_OK;
    switch (body->framing) {
    case HTTP_BODY_NONE:
        break;
    case HTTP_BODY_CHUNKED:
        return take_chunked(body, input, taken, data);
    case HTTP_BODY_LENGTH:
        *data = take_payload(body, input);
        body->done = !body->left;
        *taken = data->length;
        break;
    case HTTP_BODY_UNTIL_CLOSE:
        *data = input;
        *taken = input.length;
        break;
    }
    return ST_OK;
}
