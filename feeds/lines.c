#include "feeds/lines.h"

#include <stdlib.h>
#include <string.h>

#include "feeds/interrupt.h"

/* Fills the buffer behind what is left in it, which moves to its start. */
static bool fill(struct lines *lines)
{
    memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
    lines->end -= lines->at;
    lines->at = 0;
    while (lines->end < LINE_BUFFER_BYTES && !lines->ended) {
        ssize_t n = body_read(&lines->body, lines->buffer + lines->end, LINE_BUFFER_BYTES - lines->end);
        if (n < 0)
            return false;
        lines->ended = n == 0;
        lines->end += (size_t)n;
    }
    return true;
}

enum status lines_init(struct lines *lines, int fd)
{
    *lines = (struct lines){.fd = fd, .separator = '\n', .buffer = malloc(LINE_BUFFER_BYTES)};
    enum status st = lines->buffer ? body_open(&lines->body, fd, &body_default_limits) : ST_NOMEM;
    if (st == ST_OK && !fill(lines))
        st = ST_IO;
    if (st != ST_OK)
        return st;
    if (str_starts(lines_sample(lines), STR("\xef\xbb\xbf")))
        lines->at = 3;
    struct str sample = lines_sample(lines);
    if (sample.length && !memchr(sample.data, '\n', sample.length) && memchr(sample.data, '\r', sample.length))
        lines->separator = '\r';
    return ST_OK;
}

void lines_fini(struct lines *lines)
{
    body_close(&lines->body);
    free(lines->buffer);
    lines->buffer = NULL;
}

enum status lines_failure(const struct lines *lines, const char *name, struct fault *fault)
{
    if (interrupted())
        return fault_set(fault, ST_CLOSED, "interrupted");
    return lines->body.reason[0] ? fault_set(fault, ST_INVALID, "%s: %s", name, lines->body.reason)
                                 : fault_errno(fault, ST_IO, "can't read %s", name);
}

struct str lines_sample(const struct lines *lines)
{
    return (struct str){lines->buffer + lines->at, lines->end - lines->at};
}

void lines_pass(struct lines *lines, size_t n)
{
    lines->at += n;
}

bool lines_more(struct lines *lines)
{
    return lines->ended || fill(lines);
}

/* Drops the rest of a line that is too long, up to its end. */
static enum line skip_long(struct lines *lines, struct str *line)
{
    text_copy(lines->head, sizeof lines->head, lines_sample(lines));
    *line = str_of(lines->head);
    for (;;) {
        struct str have = lines_sample(lines);
        const char *stop = have.length ? memchr(have.data, lines->separator, have.length) : NULL;
        if (stop) {
            lines->at = (size_t)(stop - lines->buffer) + 1;
            return LINE_TOO_LONG;
        }
        lines->at = lines->end;
        if (lines->ended)
            return LINE_TOO_LONG;
        if (!fill(lines))
            return LINE_FAILED;
    }
}

enum line lines_next(struct lines *lines, struct str *line)
{
    struct str have = lines_sample(lines);
    const char *stop = have.length ? memchr(have.data, lines->separator, have.length) : NULL;
    if (!stop && !lines->ended) {
        if (!fill(lines))
            return LINE_FAILED;
        have = lines_sample(lines);
        stop = have.length ? memchr(have.data, lines->separator, have.length) : NULL;
    }
    if (!have.length)
        return LINE_END;
    lines->number++;
    size_t n = stop ? (size_t)(stop - have.data) : have.length;
    if (n > LINE_MAX_BYTES)
        return skip_long(lines, line);
    lines->at += n + (stop != NULL);
    if (n && have.data[n - 1] == '\r')
        n--;
    *line = (struct str){have.data, n};
    return LINE_TEXT;
}
