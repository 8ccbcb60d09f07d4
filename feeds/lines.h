/* The lines of a file: streaming, a file of any size, lines of at most LINE_MAX_BYTES. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "feeds/body.h"

enum { LINE_MAX_BYTES = 64 * 1024, LINE_BUFFER_BYTES = 2 * LINE_MAX_BYTES };

struct lines {
    int fd; /* not owned */
    struct body body;
    bool ended;
    char separator; /* LF; CR in a file whose beginning has CR alone */
    char *buffer;
    size_t at, end;
    uint64_t number; /* of the line given last, from 1 */
    char head[80];   /* how a line that was too long began */
};

enum line { LINE_TEXT, LINE_TOO_LONG, LINE_END, LINE_FAILED };

/* Reads the first block, unpacked, and takes a UTF-8 byte order mark off. ST_NOMEM, or lines_failure() says why. */
enum status lines_init(struct lines *lines, int fd) MUST_CHECK;
void lines_fini(struct lines *lines); /* also where lines_init() has failed */

/* What has been read and is not passed yet: the first block, until lines_next() or lines_pass() is called. */
struct str lines_sample(const struct lines *lines);

/* For those who do not read by lines: passes N bytes of the sample over; reads more behind it, if there is more. False:
 * lines_failure() says why. */
void lines_pass(struct lines *lines, size_t n);
bool lines_more(struct lines *lines) MUST_CHECK;

/* Why reading failed, for people: ST_INVALID (it can't be unpacked), ST_IO, ST_CLOSED (interrupted). */
enum status lines_failure(const struct lines *lines, const char *name, struct fault *fault);

/* LINE_TEXT: the next line without its end, valid until the next call. LINE_TOO_LONG: LINE is how it begins; what
 * follows it can be read on. LINE_FAILED: lines_failure() says why. */
enum line lines_next(struct lines *lines, struct str *line) MUST_CHECK;
