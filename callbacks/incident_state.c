#include "callbacks/incident_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "reputation/lmdb_env.h"

enum table { TABLE_META, TABLE_INCIDENTS, TABLE_COUNT };
static const char *const tables[TABLE_COUNT] = {"meta", "incidents"};

enum {
    MAP_BYTES = 64 << 20,
    GROWTH_BYTES = 1 << 20,
    RECORD_VERSION = 1,
    RECORD_MAX_BYTES = 256,
    KEY_TEXT_SIZE = 20, /* "CC-" and 16 hex digits */
    CHECK_SECONDS = 5,
};

struct incident_state {
    struct lmdb_env *env;
};

static struct str key_text(uint64_t key, char out[KEY_TEXT_SIZE])
{
    int n = snprintf(out, KEY_TEXT_SIZE, "CC-%016llX", (unsigned long long)key);
    return (struct str){out, (size_t)n};
}

static void put_u64(struct wire *wire, uint64_t value)
{
    wire_u32(wire, (uint32_t)(value >> 32));
    wire_u32(wire, (uint32_t)value);
}

static uint64_t get_u64(struct cursor *cursor)
{
    uint64_t high = cursor_u32(cursor);
    return high << 32 | cursor_u32(cursor);
}

static void put_text(struct wire *wire, const char *text)
{
    size_t n = strlen(text);
    wire_u8(wire, (uint8_t)n);
    wire_bytes(wire, text, n);
}

static void get_text(struct cursor *cursor, char *out, size_t size)
{
    size_t n = cursor_u8(cursor);
    const uint8_t *bytes = cursor_bytes(cursor, n);
    text_copy(out, size, (struct str){(const char *)bytes, bytes ? n : 0});
}

static size_t record_build(const struct incident_record *record, uint8_t out[RECORD_MAX_BYTES])
{
    struct wire wire = wire_into(out, RECORD_MAX_BYTES);
    wire_u8(&wire, RECORD_VERSION);
    put_u64(&wire, record->key);
    wire_bytes(&wire, record->client.ip, sizeof record->client.ip);
    wire_u8(&wire, record->by_family);
    put_text(&wire, record->text);
    put_text(&wire, record->state);
    put_u64(&wire, (uint64_t)record->first_ms);
    put_u64(&wire, (uint64_t)record->last_ms);
    wire_u32(&wire, record->callbacks);
    wire_u32(&wire, record->blocked);
    wire_u32(&wire, record->logged);
    put_u64(&wire, XXH3_64bits(out, wire_length(&wire)));
    return wire_length(&wire);
}

static bool record_parse(struct str value, struct incident_record *record)
{
    struct cursor cursor = cursor_over(value.data, value.length);
    *record = (struct incident_record){0};
    if (cursor_u8(&cursor) != RECORD_VERSION)
        return false;
    record->key = get_u64(&cursor);
    const uint8_t *ip = cursor_bytes(&cursor, sizeof record->client.ip);
    if (!ip)
        return false;
    memcpy(record->client.ip, ip, sizeof record->client.ip);
    record->by_family = cursor_u8(&cursor) != 0;
    get_text(&cursor, record->text, sizeof record->text);
    get_text(&cursor, record->state, sizeof record->state);
    record->first_ms = (int64_t)get_u64(&cursor);
    record->last_ms = (int64_t)get_u64(&cursor);
    record->callbacks = cursor_u32(&cursor);
    record->blocked = cursor_u32(&cursor);
    record->logged = cursor_u32(&cursor);
    uint64_t sum = XXH3_64bits(value.data, cursor_offset(&cursor));
    return get_u64(&cursor) == sum && !cursor.failed && !cursor_left(&cursor) && record->key;
}

/* Each entry gets one byte more, so that every page is read, copied and laid out anew. */
static enum status rewrite_table(struct lmdb_txn *txn, unsigned table)
{
    char key_copy[LMDB_KEY_MAX_BYTES], value_copy[RECORD_MAX_BYTES + 1] = {0};
    struct lmdb_cursor *cursor;
    struct str key, value;
    enum status status = lmdb_cursor_open(txn, table, &cursor);
    if (status != ST_OK)
        return status;
    while ((status = lmdb_cursor_next(cursor, &key, &value)) == ST_OK) {
        if (key.length > sizeof key_copy || value.length >= sizeof value_copy) {
            status = ST_CORRUPT;
            break;
        }
        memcpy(key_copy, key.data, key.length);
        memcpy(value_copy, value.data, value.length);
        status = lmdb_put(txn, table, (struct str){key_copy, key.length}, (struct str){value_copy, value.length + 1});
        if (status != ST_OK)
            break;
    }
    lmdb_cursor_close(cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

/* Goes through all of it in a transaction that is given up. */
static bool is_whole(const char *path)
{
    struct lmdb_env *env;
    struct lmdb_txn *txn = NULL;
    void *unused;
    if (lmdb_open(path, LMDB_SHARED, tables, TABLE_COUNT, MAP_BYTES, &env, NULL) != ST_OK)
        return false;
    enum status status = lmdb_begin_write(env, &txn);
    for (unsigned table = 0; table < TABLE_COUNT && status == ST_OK; table++)
        status = rewrite_table(txn, table);
    if (status == ST_OK) /* and can still grow: a false size makes it look full */
        status = lmdb_reserve(txn, TABLE_META, STR("check"), GROWTH_BYTES, &unused);
    lmdb_abort(txn);
    lmdb_close(env);
    return status == ST_OK;
}

static _Noreturn void check_and_exit(const char *path)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM};
    sigset_t none;
    sigemptyset(&none);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_DUMPABLE, 0);
    close(STDERR_FILENO); /* LMDB's last words: the parent tells */
    alarm(CHECK_SECONDS);
    _exit(is_whole(path) ? 0 : 1);
}

/* LMDB trusts its file: a damaged one may kill who uses it, so that another process uses it first. */
static bool is_damaged(const char *path)
{
    int result = 0;
    pid_t child = fork();
    if (!child)
        check_and_exit(path);
    if (child < 0) {
        log_warning("%s: not checked: %s", path, strerror(errno));
        return false;
    }
    while (waitpid(child, &result, 0) < 0)
        if (errno != EINTR)
            return false;
    return result != 0;
}

static enum status move_aside(const char *path, struct fault *fault)
{
    enum status status = ST_NOMEM;
    char *lock = NULL, *aside = NULL;
    if (asprintf(&lock, "%s-lock", path) < 0) {
        lock = NULL;
        goto out;
    }
    if (asprintf(&aside, "%s.damaged-%lld", path, (long long)(clock_wall_ms() / 1000)) < 0) {
        aside = NULL;
        goto out;
    }
    if (rename(path, aside) < 0) {
        status = fault_errno(fault, ST_IO, "%s: damaged and can't be moved aside", path);
        goto out;
    }
    (void)unlink(lock); /* of the file that is gone; made anew with the new one */
    log_warning("%s was damaged: moved to %s, incidents start anew", path, aside);
    status = ST_OK;
out:
    free(lock);
    free(aside);
    return status;
}

static enum status read_or_make_seed(struct lmdb_env *env, uint64_t *seed)
{
    struct lmdb_txn *txn;
    struct str value;
    enum status status = lmdb_begin_write(env, &txn);
    if (status != ST_OK)
        return status;
    if (lmdb_get(txn, TABLE_META, STR("incident-seed"), &value) == ST_OK && value.length == sizeof *seed) {
        memcpy(seed, value.data, sizeof *seed);
        lmdb_abort(txn);
        return ST_OK;
    }
    if (getrandom(seed, sizeof *seed, 0) != sizeof *seed) {
        lmdb_abort(txn);
        return ST_IO;
    }
    (void)lmdb_put(txn, TABLE_META, STR("schema"), STR("1")); /* a failure is kept for the commit */
    (void)lmdb_put(txn, TABLE_META, STR("incident-seed"), (struct str){(const char *)seed, sizeof *seed});
    return lmdb_commit(txn);
}

static enum status open_whole(const char *path, struct lmdb_env **env, struct fault *fault)
{
    if (access(path, F_OK) == 0 && is_damaged(path)) {
        enum status status =
            access(path, R_OK | W_OK) == 0 ? move_aside(path, fault) : fault_errno(fault, ST_DENIED, "%s", path);
        if (status != ST_OK)
            return status;
    }
    return lmdb_open(path, LMDB_SHARED, tables, TABLE_COUNT, MAP_BYTES, env, fault);
}

enum status incident_state_open(const char *dir, struct incident_state **out, uint64_t *seed, struct fault *fault)
{
    char *path = NULL;
    struct incident_state *state = calloc(1, sizeof *state);
    enum status status = ST_NOMEM;
    if (!state)
        goto out;
    if (asprintf(&path, "%s/state.mdb", dir) < 0) {
        path = NULL;
        goto out;
    }
    if (mkdir(dir, 0750) < 0 && errno != EEXIST) {
        status = fault_errno(fault, ST_IO, "%s", dir);
        goto out;
    }
    status = open_whole(path, &state->env, fault);
    if (status == ST_OK)
        status = read_or_make_seed(state->env, seed);
    if (status != ST_OK)
        status = fault_set(fault, status, "%s: %s", path, status_text(status));
out:
    free(path);
    if (status == ST_OK)
        *out = state;
    else
        incident_state_close(state);
    return status;
}

void incident_state_close(struct incident_state *state)
{
    if (!state)
        return;
    lmdb_close(state->env);
    free(state);
}

static int newest_first(const void *a, const void *b)
{
    const struct incident_record *left = a, *right = b;
    return (left->last_ms < right->last_ms) - (left->last_ms > right->last_ms);
}

enum status incident_state_load(struct incident_state *state, struct incident_record **out, size_t *count)
{
    struct lmdb_txn *txn;
    struct lmdb_cursor *cursor = NULL;
    struct incident_record *records = NULL;
    struct str key, value;
    uint64_t entries;
    size_t n = 0;
    enum status status = lmdb_begin_read(state->env, &txn);
    if (status != ST_OK)
        return status;
    status = lmdb_count(txn, TABLE_INCIDENTS, &entries);
    if (status == ST_OK)
        status = lmdb_cursor_open(txn, TABLE_INCIDENTS, &cursor);
    if (status != ST_OK)
        goto out;
    records = calloc(entries ? entries : 1, sizeof *records);
    if (!records) {
        status = ST_NOMEM;
        goto out;
    }
    while (n < entries && (status = lmdb_cursor_next(cursor, &key, &value)) == ST_OK)
        n += record_parse(value, &records[n]);
    if (status == ST_NOT_FOUND)
        status = ST_OK;
    qsort(records, n, sizeof *records, newest_first);
out:
    lmdb_cursor_close(cursor);
    lmdb_abort(txn);
    if (status != ST_OK) {
        free(records);
        return status;
    }
    *out = records;
    *count = n;
    return ST_OK;
}

enum status incident_state_write(struct incident_state *state, const struct incident_changes *changes)
{
    struct lmdb_txn *txn;
    char key[KEY_TEXT_SIZE];
    uint8_t value[RECORD_MAX_BYTES];
    enum status status = lmdb_begin_write(state->env, &txn);
    if (status != ST_OK)
        return status;
    /* Failures are kept for the commit. */
    for (size_t i = 0; i < changes->gone_count; i++)
        (void)lmdb_delete(txn, TABLE_INCIDENTS, key_text(changes->gone[i], key));
    for (size_t i = 0; i < changes->count; i++) {
        const struct incident_record *record = &changes->records[changes->indices[i]];
        size_t n = record_build(record, value);
        (void)lmdb_put(txn, TABLE_INCIDENTS, key_text(record->key, key), (struct str){(const char *)value, n});
    }
    return lmdb_commit(txn);
}
