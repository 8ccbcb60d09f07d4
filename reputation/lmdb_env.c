#include "reputation/lmdb_env.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/check.h"

struct lmdb_env {
    MDB_env *env;
    MDB_dbi tables[LMDB_MAX_TABLES];
};

struct lmdb_txn {
    struct lmdb_env *env;
    MDB_txn *txn;
    enum status status; /* the first failure */
};

struct lmdb_cursor {
    struct lmdb_txn *txn;
    MDB_cursor *cursor;
};

/* LMDB reports a short write, which is what a full disk gives first, as EIO. */
static bool disk_is_full(MDB_env *env)
{
    const char *path;
    struct statvfs vfs;
    return !mdb_env_get_path(env, &path) && path && !statvfs(path, &vfs) && vfs.f_bavail < 16;
}

static enum status status_of(MDB_env *env, int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return ST_OK;
    case MDB_NOTFOUND:
    case ENOENT:
        return ST_NOT_FOUND;
    case MDB_KEYEXIST:
        return ST_EXISTS;
    case MDB_BAD_VALSIZE:
        return ST_INVALID;
    case ENOMEM:
        return ST_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return ST_DENIED;
    case EAGAIN:
    case EBUSY:
        return ST_BUSY;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ST_FULL;
    case EIO:
        return env && disk_is_full(env) ? ST_FULL : ST_IO;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
        return ST_CORRUPT;
    default:
        return ST_IO;
    }
}

static enum status keep(struct lmdb_txn *txn, int rc)
{
    enum status status = status_of(txn->env->env, rc);
    if (status != ST_OK && status != ST_NOT_FOUND && txn->status == ST_OK)
        txn->status = status;
    return status;
}

static MDB_val val_of(struct str text)
{
    union {
        const char *in;
        void *out;
    } data = {.in = text.data}; /* LMDB does not write to what it is given, but its type has no const */
    return (MDB_val){text.length, data.out};
}

static struct str str_of_val(MDB_val val)
{
    return (struct str){val.mv_data, val.mv_size};
}

static unsigned env_flags(enum lmdb_mode mode)
{
    switch (mode) {
    case LMDB_IMMUTABLE:
        return MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK;
    case LMDB_BUILD:
        return MDB_NOSUBDIR | MDB_NOTLS | MDB_NOLOCK | MDB_NOSYNC;
    case LMDB_SHARED:
        break;
    }
    return MDB_NOSUBDIR | MDB_NOTLS;
}

static int open_tables(struct lmdb_env *env, enum lmdb_mode mode, const char *const *tables, unsigned count)
{
    bool reads = mode == LMDB_IMMUTABLE;
    MDB_txn *txn;
    int rc = mdb_txn_begin(env->env, NULL, reads ? MDB_RDONLY : 0, &txn);
    if (rc)
        return rc;
    for (unsigned i = 0; i < count && !rc; i++)
        rc = mdb_dbi_open(txn, tables[i], reads ? 0 : MDB_CREATE, &env->tables[i]);
    if (rc) {
        mdb_txn_abort(txn);
        return rc == MDB_NOTFOUND ? MDB_INVALID : rc;
    }
    return mdb_txn_commit(txn); /* keeps the handles open, of a reading transaction too */
}

enum status lmdb_open(const char *path, enum lmdb_mode mode, const char *const *tables, unsigned table_count,
                      uint64_t map_bytes, struct lmdb_env **out, struct fault *fault)
{
    CHECK(table_count <= LMDB_MAX_TABLES);
    struct lmdb_env *env = calloc(1, sizeof *env);
    if (!env)
        return fault_set(fault, ST_NOMEM, "%s: out of memory", path);
    int rc = mdb_env_create(&env->env);
    if (!rc)
        rc = mdb_env_set_maxdbs(env->env, table_count);
    if (!rc && map_bytes)
        rc = mdb_env_set_mapsize(env->env, map_bytes);
    if (!rc)
        rc = mdb_env_open(env->env, path, env_flags(mode), 0640);
    if (!rc)
        rc = open_tables(env, mode, tables, table_count);
    if (rc) {
        enum status status = status_of(env->env, rc);
        lmdb_close(env);
        return fault_set(fault, status, "%s: %s", path, mdb_strerror(rc));
    }
    *out = env;
    return ST_OK;
}

void lmdb_close(struct lmdb_env *env)
{
    if (!env)
        return;
    if (env->env)
        mdb_env_close(env->env);
    free(env);
}

static enum status begin(struct lmdb_env *env, unsigned flags, struct lmdb_txn **out)
{
    struct lmdb_txn *txn = calloc(1, sizeof *txn);
    if (!txn)
        return ST_NOMEM;
    txn->env = env;
    int rc = mdb_txn_begin(env->env, NULL, flags, &txn->txn);
    if (rc) {
        free(txn);
        return status_of(env->env, rc);
    }
    *out = txn;
    return ST_OK;
}

enum status lmdb_begin_read(struct lmdb_env *env, struct lmdb_txn **txn)
{
    return begin(env, MDB_RDONLY, txn);
}

enum status lmdb_begin_write(struct lmdb_env *env, struct lmdb_txn **txn)
{
    return begin(env, 0, txn);
}

enum status lmdb_commit(struct lmdb_txn *txn)
{
    enum status status = txn->status;
    if (status == ST_OK)
        status = status_of(txn->env->env, mdb_txn_commit(txn->txn));
    else
        mdb_txn_abort(txn->txn);
    free(txn);
    return status;
}

void lmdb_abort(struct lmdb_txn *txn)
{
    if (!txn)
        return;
    mdb_txn_abort(txn->txn);
    free(txn);
}

enum status lmdb_get(struct lmdb_txn *txn, unsigned table, struct str key, struct str *value)
{
    if (txn->status != ST_OK)
        return txn->status;
    MDB_val k = val_of(key), v;
    enum status status = keep(txn, mdb_get(txn->txn, txn->env->tables[table], &k, &v));
    if (status == ST_OK)
        *value = str_of_val(v);
    return status;
}

enum status lmdb_put(struct lmdb_txn *txn, unsigned table, struct str key, struct str value)
{
    if (txn->status != ST_OK)
        return txn->status;
    MDB_val k = val_of(key), v = val_of(value);
    return keep(txn, mdb_put(txn->txn, txn->env->tables[table], &k, &v, 0));
}

enum status lmdb_delete(struct lmdb_txn *txn, unsigned table, struct str key)
{
    if (txn->status != ST_OK)
        return txn->status;
    MDB_val k = val_of(key);
    return keep(txn, mdb_del(txn->txn, txn->env->tables[table], &k, NULL));
}

enum status lmdb_reserve(struct lmdb_txn *txn, unsigned table, struct str key, size_t size, void **memory)
{
    if (txn->status != ST_OK)
        return txn->status;
    MDB_val k = val_of(key), v = {size, NULL};
    enum status status = keep(txn, mdb_put(txn->txn, txn->env->tables[table], &k, &v, MDB_RESERVE));
    if (status == ST_OK)
        *memory = v.mv_data;
    return status;
}

enum status lmdb_count(struct lmdb_txn *txn, unsigned table, uint64_t *entries)
{
    if (txn->status != ST_OK)
        return txn->status;
    MDB_stat stat;
    enum status status = keep(txn, mdb_stat(txn->txn, txn->env->tables[table], &stat));
    if (status == ST_OK)
        *entries = stat.ms_entries;
    return status;
}

enum status lmdb_cursor_open(struct lmdb_txn *txn, unsigned table, struct lmdb_cursor **out)
{
    if (txn->status != ST_OK)
        return txn->status;
    struct lmdb_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return ST_NOMEM;
    cursor->txn = txn;
    enum status status = keep(txn, mdb_cursor_open(txn->txn, txn->env->tables[table], &cursor->cursor));
    if (status == ST_OK)
        *out = cursor;
    else
        free(cursor);
    return status;
}

void lmdb_cursor_close(struct lmdb_cursor *cursor)
{
    if (!cursor)
        return;
    mdb_cursor_close(cursor->cursor);
    free(cursor);
}

static enum status cursor_get(struct lmdb_cursor *cursor, MDB_val *k, MDB_cursor_op op, struct str *key,
                              struct str *value)
{
    if (cursor->txn->status != ST_OK)
        return cursor->txn->status;
    MDB_val v;
    enum status status = keep(cursor->txn, mdb_cursor_get(cursor->cursor, k, &v, op));
    if (status == ST_OK) {
        *key = str_of_val(*k);
        *value = str_of_val(v);
    }
    return status;
}

enum status lmdb_cursor_seek(struct lmdb_cursor *cursor, struct str key, struct str *found, struct str *value)
{
    MDB_val k = val_of(key);
    return cursor_get(cursor, &k, key.length ? MDB_SET_RANGE : MDB_FIRST, found, value);
}

enum status lmdb_cursor_next(struct lmdb_cursor *cursor, struct str *key, struct str *value)
{
    MDB_val k;
    return cursor_get(cursor, &k, MDB_NEXT, key, value);
}

enum status lmdb_cursor_append(struct lmdb_cursor *cursor, struct str key, struct str value)
{
    if (cursor->txn->status != ST_OK)
        return cursor->txn->status;
    MDB_val k = val_of(key), v = val_of(value);
    int rc = mdb_cursor_put(cursor->cursor, &k, &v, MDB_APPEND);
    return keep(cursor->txn, rc == MDB_KEYEXIST ? MDB_BAD_VALSIZE : rc);
}
