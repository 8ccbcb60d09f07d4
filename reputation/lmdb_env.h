/* LMDB with this program's status codes; the only place that names its functions.
 *
 * An environment is one file with a fixed set of tables. A transaction keeps its first failure: what follows does
 * nothing and gives the same status, and lmdb_commit() then aborts and returns it. A transaction and its cursors belong
 * to one thread at a time. Never used across fork(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum lmdb_mode {
    LMDB_IMMUTABLE, /* a finished file that nobody writes: read only, without locks */
    LMDB_BUILD,     /* a new file that nobody else knows yet: no locks, no sync; the caller syncs it */
    LMDB_SHARED,    /* read and write, synced at each commit, with a lock file PATH-lock */
};

enum { LMDB_MAX_TABLES = 16, LMDB_KEY_MAX_BYTES = 511 };

struct lmdb_env;
struct lmdb_txn;
struct lmdb_cursor;

/* TABLES (static strings) are numbered in their order and created where the mode writes. MAP_BYTES bounds what a
 * writing mode may store (0: as it is). ST_NOT_FOUND, ST_CORRUPT (no LMDB file, or a table is missing), ST_IO, ST_FULL.
 */
enum status lmdb_open(const char *path, enum lmdb_mode mode, const char *const *tables, unsigned table_count,
                      uint64_t map_bytes, struct lmdb_env **env, struct fault *fault) MUST_CHECK;
void lmdb_close(struct lmdb_env *env); /* after its transactions; NULL is allowed */

enum status lmdb_begin_read(struct lmdb_env *env, struct lmdb_txn **txn) MUST_CHECK;
enum status lmdb_begin_write(struct lmdb_env *env, struct lmdb_txn **txn) MUST_CHECK; /* waits for another writer */
enum status lmdb_commit(struct lmdb_txn *txn) MUST_CHECK;                             /* frees it */
void lmdb_abort(struct lmdb_txn *txn); /* frees it; ends a read transaction; NULL is allowed */

/* VALUE points into the map: valid until the transaction ends or writes. ST_NOT_FOUND is not kept as a failure. */
enum status lmdb_get(struct lmdb_txn *txn, unsigned table, struct str key, struct str *value);
enum status lmdb_put(struct lmdb_txn *txn, unsigned table, struct str key, struct str value);
enum status lmdb_delete(struct lmdb_txn *txn, unsigned table, struct str key);
/* A put whose SIZE bytes the caller fills in before the next call on TXN. */
enum status lmdb_reserve(struct lmdb_txn *txn, unsigned table, struct str key, size_t size, void **memory);
enum status lmdb_count(struct lmdb_txn *txn, unsigned table, uint64_t *entries);

enum status lmdb_cursor_open(struct lmdb_txn *txn, unsigned table, struct lmdb_cursor **cursor) MUST_CHECK;
void lmdb_cursor_close(struct lmdb_cursor *cursor); /* before its transaction ends; NULL is allowed */
/* The first entry whose key is at or after KEY; an empty KEY is before all. */
enum status lmdb_cursor_seek(struct lmdb_cursor *cursor, struct str key, struct str *found, struct str *value);
enum status lmdb_cursor_next(struct lmdb_cursor *cursor, struct str *key, struct str *value); /* the first, when new */
/* A put after the last key, which is much cheaper. ST_INVALID: KEY is not after it. */
enum status lmdb_cursor_append(struct lmdb_cursor *cursor, struct str key, struct str value);
