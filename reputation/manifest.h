/* The manifest of a source file: what it holds and how to know that it is undamaged. Inside this folder only. */
#pragma once

#include "base/digest.h"
#include "reputation/source_build.h"
#include "reputation/store.h"

enum { MANIFEST_SCHEMA = 2, MANIFEST_ORIGIN_SIZE = 2048, MANIFEST_IDENTITY_SIZE = 160 };

struct manifest {
    struct source_info info; /* without path */
    char origin[MANIFEST_ORIGIN_SIZE];
    char sha256[DIGEST_TEXT_SIZE];           /* of the file */
    char fingerprint[FINGERPRINT_TEXT_SIZE]; /* of its content, whenever it was built */
    char identity[MANIFEST_IDENTITY_SIZE];   /* of the file when its digest was taken: file_identity() */
};

/* Device, inode, size and times: they change with any write to the file. */
enum status file_identity(int fd, char out[MANIFEST_IDENTITY_SIZE]) MUST_CHECK;

/* JSON text for a person and for manifest_read(); the caller frees it. NULL: out of memory. */
char *manifest_text(const struct manifest *manifest) MUST_CHECK;
/* Reads the manifest of NAME's GENERATION in DIRFD, which is outside input. ST_NOT_FOUND, ST_CORRUPT (also: it is that
 * of another generation), ST_UNSUPPORTED (another schema), ST_IO. */
enum status manifest_read(int dirfd, const char *name, uint64_t generation, struct manifest *manifest,
                          struct fault *fault) MUST_CHECK;
/* FD is the file as it was when the manifest was made: unchanged identity, else the same digest. ST_CORRUPT, ST_IO. */
enum status manifest_check_file(const struct manifest *manifest, int fd, struct fault *fault) MUST_CHECK;
/* The same by its size and digest alone, whatever its identity. */
enum status manifest_check_digest(const struct manifest *manifest, int fd, struct fault *fault) MUST_CHECK;
