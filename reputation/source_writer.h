/* Building a source: indicators in any order in, one sorted, checksummed, immutable file out. */
#pragma once

#include "reputation/source_walk.h"

struct source_writer;

struct source_writer_settings {
    const char *name;   /* source_name_valid() */
    const char *format; /* of the feed, for the manifest */
    enum category category;
    const char *origin; /* the feed's address or the imported path, for the manifest; may be NULL */
};

enum status source_writer_new(const struct source_writer_settings *settings, struct source_writer **writer) MUST_CHECK;
void source_writer_free(struct source_writer *writer);

/* Copies what it needs. ST_INVALID: an indicator that has no key (a URL without a host, the root); it is not taken.
 * Several records for one key are kept, equal ones once, 1,024 at most. A URL's own port becomes the record's. */
enum status source_writer_add(struct source_writer *writer, const struct indicator *indicator) MUST_CHECK;
uint64_t source_writer_count(const struct source_writer *writer, enum indicator_kind kind); /* distinct after finish */

/* Takes what another source holds, as it is, where WRITER had no entry for its key before the first call: the old
 * entries of a key give way to new ones all together. *TAKEN tells. No source_writer_add() after it. ST_NOMEM. */
enum status source_writer_carry(struct source_writer *writer, const struct stored_entry *entry, bool *taken) MUST_CHECK;

/* Sorts, writes DIR/NAME.GENERATION.mdb and its manifest under temporary names, syncs, verifies, renames, syncs DIR
 * (made if missing, mode 0750) and removes all generations but this and the undamaged one before it. Nothing changes
 * when it fails. When what is in force has the same content, undamaged, nothing is written and *UNCHANGED is set (may
 * be NULL). The caller holds store_lock(). Either this or the next is called, once. */
enum status source_writer_publish(struct source_writer *writer, const char *dir, bool *unchanged,
                                  struct source_info *info, struct fault *fault) MUST_CHECK;
/* The same into memory (memfd): for built-in sources. */
enum status source_writer_finish_memory(struct source_writer *writer, struct source **source,
                                        struct fault *fault) MUST_CHECK;

/* The one writer's lock file in DIR (made if missing), for all sources but one. ST_BUSY: another process has it. */
enum status store_lock(const char *dir, int *fd, struct fault *fault) MUST_CHECK;
/* The same for the source SOURCE_USER alone, which is not under the lock above: the user's own entries do not wait for
 * an import of millions of names. */
enum status store_lock_user(const char *dir, int *fd, struct fault *fault) MUST_CHECK;
void store_unlock(int fd);
/* Takes the source's generations away. ST_NOT_FOUND. */
enum status source_remove(const char *dir, const char *name, struct fault *fault) MUST_CHECK;
