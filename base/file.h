/* Small files as a whole. */
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

/* What errno says of a file, in our words: ST_NOT_FOUND, ST_DENIED, ST_FULL, ST_EXISTS, else ST_IO. */
enum status file_status(int error);

/* Appends all of PATH to OUT. Links are not followed. ST_NOT_FOUND, ST_DENIED, ST_TOO_LARGE over MAX_BYTES, ST_INVALID
 * for what is no plain file, ST_NOMEM, ST_IO. */
enum status file_read(const char *path, size_t max_bytes, struct buf *out, struct fault *fault) MUST_CHECK;

/* Puts BYTES in place of PATH (mode 0640), durably: whatever happens, the old file is there or the new one, whole. It
 * is written as PATH.part first: one process at a time, see to that. ST_FULL, ST_DENIED, ST_IO; then the old one is
 * there.
 */
enum status file_replace(const char *path, struct str bytes, struct fault *fault) MUST_CHECK;
/* The same with mode 0600, for what nobody but its owner may read. */
enum status file_replace_private(const char *path, struct str bytes, struct fault *fault) MUST_CHECK;
/* The same with mode 0644, for what everybody may read. */
enum status file_replace_public(const char *path, struct str bytes, struct fault *fault) MUST_CHECK;
