/* The bytes of a feed from an open file, unpacked on the way where they are compressed: gzip, xz, zstd, bzip2, or a zip
 * archive with one file. Checksums and lengths are checked; what is damaged, cut or grows too much is a failure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

struct body_limits {
    uint64_t max_bytes; /* unpacked */
    unsigned max_ratio; /* of unpacked to packed bytes, beyond the first MiB */
};
extern const struct body_limits body_default_limits;

enum { BODY_BLOCK_BYTES = 64 * 1024 };

struct body {
    int fd; /* not owned */
    const struct body_limits *limits;
    uint8_t *block; /* what was read and not taken yet: from AT to END */
    size_t at, end;
    bool ended;
    uint64_t packed, unpacked; /* bytes so far */
    struct gunzip *gunzip;     /* one of both, or none where it is not compressed */
    struct unpack *unpack;
    bool failed;
    char reason[128]; /* of a failure, for people; empty: errno has it */
};

/* Reads the first block. LIMITS are kept. ST_IO: errno says why. */
enum status body_open(struct body *body, int fd, const struct body_limits *limits) MUST_CHECK;
void body_close(struct body *body);

/* As read(2): 0 at the end, -1 on failure, which is said again by every further call. */
ssize_t body_read(struct body *body, void *out, size_t size) MUST_CHECK;

/* For those who unpack: */
/* Fills the block when it is empty. False: it can't be read; errno says why. At the end it stays empty. */
bool body_fill(struct body *body) MUST_CHECK;
/* Keeps the reason, made printable; always -1. */
ssize_t body_fail(struct body *body, const char *what, const char *detail);
