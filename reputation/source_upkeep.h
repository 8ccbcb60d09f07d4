/* Looking after what lies in the store's directory: back to the generation before, and whether all is as written. */
#pragma once

#include "reputation/store.h"

/* What NAME's newest generation in DIR is, if look-ups would take it, by the same check; no other source is touched.
 * ST_NOT_FOUND: there is no such source; ST_CORRUPT, ST_UNSUPPORTED: the newest is damaged or another program's, so
 * that one before it may be in force; ST_DENIED, ST_IO. Needs no lock. */
enum status source_newest(const char *dir, const char *name, struct source_info *info, struct fault *fault) MUST_CHECK;

/* Takes away what is in force of NAME, so that the newest undamaged generation before it is in force again, durably;
 * INFO (may be NULL) tells which. Nothing changes when it fails. ST_NOT_FOUND: there is no such source, or nothing
 * before; ST_CORRUPT: all before it is damaged; ST_DENIED, ST_IO. The caller holds store_lock(). */
enum status source_rollback(const char *dir, const char *name, struct source_info *info,
                            struct fault *fault) MUST_CHECK;

/* What became of one source: ST_OK, or a failure with FAULT's words. INFO has name, generation and path always, the
 * rest as far as its manifest could be read. */
typedef void source_verified_fn(void *context, const struct source_info *info, enum status status,
                                const struct fault *fault);

/* Reads every byte of the newest generation of each source in DIR: its SHA-256 against its manifest, whatever the
 * file's identity says, and, where that is right, every entry of its tables. Tells by name, in their order. Failing
 * sources are told, not returned: the status is that of reading DIR. Writes nothing, and needs no lock. */
enum status source_verify_all(const char *dir, source_verified_fn *tell, void *context, struct fault *fault) MUST_CHECK;
