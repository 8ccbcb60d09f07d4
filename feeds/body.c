#include "feeds/body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "feeds/gunzip.h"
#include "feeds/interrupt.h"
#include "feeds/unpack.h"

enum { RATIO_FREE_BYTES = 1024 * 1024 };

const struct body_limits body_default_limits = {.max_bytes = 512 * 1024 * 1024, .max_ratio = 200};

bool body_fill(struct body *body)
{
    if (body->at < body->end || body->ended)
        return true;
    ssize_t n;
    do {
        n = read(body->fd, body->block, BODY_BLOCK_BYTES);
    } while (n < 0 && errno == EINTR && !interrupted());
    if (n < 0)
        return false;
    body->at = 0;
    body->end = (size_t)n;
    body->ended = n == 0;
    body->packed += (uint64_t)n;
    return true;
}

ssize_t body_fail(struct body *body, const char *what, const char *detail)
{
    char shown[80];
    text_printable(shown, sizeof shown, str_of(detail));
    snprintf(body->reason, sizeof body->reason, "%s: %s", what, shown);
    body->failed = true;
    return -1;
}

static bool starts(const struct body *body, const char *magic, size_t n)
{
    return body->end - body->at >= n && !memcmp(body->block + body->at, magic, n);
}

/* False: out of memory. */
static bool choose(struct body *body)
{
    bool zip = starts(body, "PK\003\004", 4);
    if (starts(body, "\x1f\x8b", 2))
        return (body->gunzip = gunzip_new());
    if (zip ||
        starts(body,
               "\xfd"
               "7zXZ",
               6) ||
        starts(body, "\x28\xb5\x2f\xfd", 4) || starts(body, "BZh", 3))
        return (body->unpack = unpack_new(body, zip));
    return true;
}

enum status body_open(struct body *body, int fd, const struct body_limits *limits)
{
    *body = (struct body){.fd = fd, .limits = limits, .block = malloc(BODY_BLOCK_BYTES)};
    if (!body->block)
        return ST_NOMEM;
    if (!body_fill(body)) {
        body_close(body);
        return ST_IO;
    }
    if (choose(body))
        return ST_OK;
    body_close(body);
    return ST_NOMEM;
}

void body_close(struct body *body)
{
    int saved = errno;
    gunzip_free(body->gunzip);
    unpack_free(body->unpack);
    free(body->block);
    *body = (struct body){.fd = -1};
    errno = saved;
}

static ssize_t read_plain(struct body *body, void *out, size_t size)
{
    if (!body_fill(body))
        return -1;
    size_t n = body->end - body->at < size ? body->end - body->at : size;
    memcpy(out, body->block + body->at, n);
    body->at += n;
    return (ssize_t)n;
}

static bool grew_too_much(const struct body *body)
{
    return body->unpacked > RATIO_FREE_BYTES &&
           (body->unpacked - RATIO_FREE_BYTES) / body->limits->max_ratio > body->packed;
}

ssize_t body_read(struct body *body, void *out, size_t size)
{
    if (body->failed)
        return -1;
    if (!body->gunzip && !body->unpack)
        return read_plain(body, out, size);
    ssize_t n = body->gunzip ? gunzip_read(body->gunzip, body, out, size) : unpack_read(body->unpack, out, size);
    if (n < 0)
        return -1;
    body->unpacked += (uint64_t)n;
    char detail[64];
    if (body->unpacked > body->limits->max_bytes) {
        snprintf(detail, sizeof detail, "more than %llu MiB",
                 (unsigned long long)body->limits->max_bytes / 1024 / 1024);
        return body_fail(body, "it is too large when unpacked", detail);
    }
    if (grew_too_much(body)) {
        snprintf(detail, sizeof detail, "more than %u times", body->limits->max_ratio);
        return body_fail(body, "it grows too much when unpacked", detail);
    }
    return n;
}
