#include "reputation/source_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/check.h"
#include "reputation/key.h"
#include "reputation/key_facts.h"
#include "reputation/lmdb_env.h"

enum {
    KEYS_PER_COMMIT = 1 << 16, /* what is not committed lies in memory; the file has no readers before it is whole */
    LARGE_VALUE_BYTES = 1024,  /* above about this LMDB gives a value pages of its own */
    PAGE_BYTES = 4096,
    FD_PATH_SIZE = 32,
};

static void fingerprint_add(XXH3_state_t *state, enum indicator_kind kind, struct str key, struct str value)
{
    uint32_t lengths[3] = {(uint32_t)kind, (uint32_t)key.length, (uint32_t)value.length};
    XXH3_128bits_update(state, lengths, sizeof lengths);
    XXH3_128bits_update(state, key.data, key.length);
    XXH3_128bits_update(state, value.data, value.length);
}

static void fingerprint_finish(XXH3_state_t *state, char out[FINGERPRINT_TEXT_SIZE])
{
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    snprintf(out, FINGERPRINT_TEXT_SIZE, "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}

static void note_key(struct source_content *content, enum indicator_kind kind, struct str key, struct key_facts *facts)
{
    key_facts_next(facts, kind, key);
    content->header.counts[kind]++;
    content->aids.facts += facts->count;
    content->aids.roots += facts->has_root;
    if (kind == INDICATOR_NAME) {
        content->aids.names++;
        content->header.single_labels |= key.length == (uint8_t)key.data[0] + 1u;
    } else if (kind == INDICATOR_NETWORK) {
        uint8_t prefix = (uint8_t)key.data[NETWORK_KEY_BYTES - 1];
        content->header.prefixes[prefix >> 3] |= (uint8_t)(1u << (prefix & 7));
    }
}

enum status source_content_finish(struct source_content *content)
{
    XXH3_state_t *state = XXH3_createState();
    struct str key;
    struct buf value = {0};
    if (!state)
        return ST_NOMEM;
    XXH3_128bits_reset(state);
    for (unsigned kind = 0; kind < INDICATOR_KINDS && !value.failed; kind++) {
        struct key_facts facts = {0};
        entry_list_sort(&content->lists[kind]);
        for (size_t at = 0; entry_list_next(&content->lists[kind], &at, &key, &value);) {
            note_key(content, kind, key, &facts);
            fingerprint_add(state, kind, key, (struct str){value.data, value.length});
            content->key_bytes += key.length;
            content->value_bytes += value.length;
            content->large_values += value.length + key.length > LARGE_VALUE_BYTES;
        }
    }
    fingerprint_finish(state, content->fingerprint);
    XXH3_freeState(state);
    bool failed = value.failed;
    buf_free(&value);
    return failed ? ST_NOMEM : ST_OK;
}

void source_content_free(struct source_content *content)
{
    for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++)
        entry_list_free(&content->lists[kind]);
}

/* A generous bound: twice what the nodes take, pages of their own for large values, the aids, and what each commit
 * copies. */
static uint64_t map_bound(const struct source_content *content)
{
    uint64_t keys = 0;
    for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++)
        keys += content->header.counts[kind];
    uint64_t nodes = content->key_bytes + content->value_bytes + keys * 16;
    uint64_t pages = content->large_values * 2 + (keys / KEYS_PER_COMMIT + 1) * 64 + 256;
    uint64_t bytes = nodes * 2 + source_aids_bytes(&content->aids) + pages * PAGE_BYTES;
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static enum status write_some(struct lmdb_env *env, const struct entry_list *list, enum source_table table, size_t *at,
                              bool *more)
{
    struct lmdb_txn *txn = NULL;
    struct lmdb_cursor *cursor = NULL;
    struct buf value = {0};
    struct str key;
    enum status status = lmdb_begin_write(env, &txn);
    if (status == ST_OK)
        status = lmdb_cursor_open(txn, table, &cursor);
    for (unsigned n = 0; status == ST_OK && n < KEYS_PER_COMMIT; n++) {
        *more = entry_list_next(list, at, &key, &value);
        if (!*more)
            break;
        status = lmdb_cursor_append(cursor, key, (struct str){value.data, value.length});
    }
    if (status == ST_OK && value.failed)
        status = ST_NOMEM;
    lmdb_cursor_close(cursor);
    buf_free(&value);
    if (status == ST_OK)
        return lmdb_commit(txn);
    lmdb_abort(txn);
    return status;
}

static enum status write_header(struct lmdb_env *env, const struct source_content *content)
{
    uint8_t header[SOURCE_HEADER_BYTES];
    struct lmdb_txn *txn;
    enum status status = lmdb_begin_write(env, &txn);
    if (status != ST_OK)
        return status;
    source_header_encode(&content->header, header);
    (void)lmdb_put(txn, TABLE_META, SOURCE_HEADER_KEY, (struct str){(char *)header, sizeof header});
    return lmdb_commit(txn);
}

static void fd_path(int fd, char out[FD_PATH_SIZE])
{
    snprintf(out, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

enum status source_build_own(struct source_content *content, int fd, struct fault *fault)
{
    char path[FD_PATH_SIZE];
    fd_path(fd, path);
    struct lmdb_env *env = NULL;
    enum status status = lmdb_open(path, LMDB_BUILD, source_tables, TABLE_COUNT, map_bound(content), &env, fault);
    for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++) {
        bool more = content->lists[kind].count > 0;
        for (size_t at = 0; more && status == ST_OK;)
            status = write_some(env, &content->lists[kind], source_table_of[kind], &at, &more);
        entry_list_free(&content->lists[kind]); /* the aids need memory too */
    }
    if (status == ST_OK)
        status = write_header(env, content);
    if (status == ST_OK)
        status = source_aids_write(env, &content->aids);
    lmdb_close(env);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "the new file: %s", status_text(status));
}

static enum status fingerprint_table(struct lmdb_txn *txn, enum indicator_kind kind, XXH3_state_t *state,
                                     uint64_t *count)
{
    struct lmdb_cursor *cursor;
    struct str key, value;
    enum status status = lmdb_cursor_open(txn, source_table_of[kind], &cursor);
    if (status != ST_OK)
        return status;
    for (*count = 0; (status = lmdb_cursor_next(cursor, &key, &value)) == ST_OK; ++*count)
        fingerprint_add(state, kind, key, value);
    lmdb_cursor_close(cursor);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

enum status source_read_back(int fd, const uint64_t counts[INDICATOR_KINDS], const char *expected, struct fault *fault)
{
    char path[FD_PATH_SIZE], fingerprint[FINGERPRINT_TEXT_SIZE];
    struct source_aids aids;
    uint64_t count = 0;
    fd_path(fd, path);
    struct lmdb_env *env = NULL;
    struct lmdb_txn *txn = NULL;
    XXH3_state_t *state = XXH3_createState();
    enum status status = state ? ST_OK : ST_NOMEM;
    if (status == ST_OK)
        status = lmdb_open(path, LMDB_IMMUTABLE, source_tables, TABLE_COUNT, 0, &env, fault);
    if (status == ST_OK)
        status = lmdb_begin_read(env, &txn);
    if (status == ST_OK)
        XXH3_128bits_reset(state);
    for (unsigned kind = 0; status == ST_OK && kind < INDICATOR_KINDS; kind++) {
        status = fingerprint_table(txn, kind, state, &count);
        if (status == ST_OK && count != counts[kind])
            status = ST_CORRUPT;
    }
    if (status == ST_OK) {
        fingerprint_finish(state, fingerprint);
        status = strcmp(fingerprint, expected) ? ST_CORRUPT : ST_OK;
    }
    if (status == ST_OK)
        status = source_aids_read(txn, &aids);
    if (status == ST_OK)
        status = source_aids_check(txn, &aids);
    lmdb_abort(txn);
    lmdb_close(env);
    XXH3_freeState(state);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "reading it back: %s", status_text(status));
}
