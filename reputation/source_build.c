#include "reputation/source_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/check.h"
#include "reputation/filter.h"
#include "reputation/key.h"
#include "reputation/lmdb_env.h"

enum {
    KEYS_PER_COMMIT = 1 << 16, /* what is not committed lies in memory; the file has no readers before it is whole */
    LARGE_VALUE_BYTES = 1024,  /* above about this LMDB gives a value pages of its own */
    PAGE_BYTES = 4096,
    FD_PATH_SIZE = 32,
};

static const enum source_table tables[INDICATOR_KINDS] = {
    [INDICATOR_NAME] = TABLE_NAMES,
    [INDICATOR_URL] = TABLE_URLS,
    [INDICATOR_NETWORK] = TABLE_NETS,
};

/* The keys of the ancestors that lie under another key than the one before. */
struct parents {
    uint8_t last[DNAME_MAX_BYTES];
    size_t last_length;
    uint8_t ends[DNAME_MAX_LABELS];
    unsigned count;
};

/* Finds the ancestors of KEY, of two labels or more, that no key before it in sorted order had. */
static void parents_of(struct parents *parents, struct str key)
{
    const uint8_t *bytes = (const uint8_t *)key.data;
    size_t same = 0;
    while (same < key.length && same < parents->last_length && bytes[same] == parents->last[same])
        same++;
    parents->count = 0;
    unsigned labels = 0;
    for (size_t at = 0; at < key.length;) {
        at += bytes[at] + 1u;
        labels++;
        bool known = at <= same && at < parents->last_length;
        if (labels >= 2 && at < key.length && !known)
            parents->ends[parents->count++] = (uint8_t)at;
    }
    memcpy(parents->last, bytes, key.length);
    parents->last_length = key.length;
}

/* The host's part of a URL key. A label may hold a zero byte, so that it is not searched for. */
static struct str host_of(struct str url_key)
{
    size_t at = 0;
    while (at < url_key.length && url_key.data[at])
        at += (uint8_t)url_key.data[at] + 1u;
    return (struct str){url_key.data, at < url_key.length ? at : url_key.length};
}

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

static void note_key(struct source_content *content, enum indicator_kind kind, struct str key, struct parents *parents,
                     struct str *last_host)
{
    content->header.counts[kind]++;
    switch (kind) {
    case INDICATOR_NAME:
        parents_of(parents, key);
        content->filter_facts += 1 + parents->count;
        content->header.single_labels |= key.length == (uint8_t)key.data[0] + 1u;
        break;
    case INDICATOR_URL:
        content->filter_facts += !str_eq(host_of(key), *last_host);
        *last_host = host_of(key);
        break;
    case INDICATOR_NETWORK: {
        uint8_t prefix = (uint8_t)key.data[NETWORK_KEY_BYTES - 1];
        content->filter_facts++;
        content->header.prefixes[prefix >> 3] |= (uint8_t)(1u << (prefix & 7));
        break;
    }
    }
}

enum status source_content_finish(struct source_content *content)
{
    XXH3_state_t *state = XXH3_createState();
    struct parents parents = {0};
    struct str key, last_host = {0};
    struct buf value = {0};
    if (!state)
        return ST_NOMEM;
    XXH3_128bits_reset(state);
    for (unsigned kind = 0; kind < INDICATOR_KINDS && !value.failed; kind++) {
        entry_list_sort(&content->lists[kind]);
        for (size_t at = 0; entry_list_next(&content->lists[kind], &at, &key, &value);) {
            note_key(content, kind, key, &parents, &last_host);
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

/* A generous bound: twice what the nodes take, pages of their own for large values, the filter, and what each commit
 * copies. */
static uint64_t map_bound(const struct source_content *content)
{
    uint64_t keys = 0;
    for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++)
        keys += content->header.counts[kind];
    uint64_t nodes = content->key_bytes + content->value_bytes + keys * 16;
    uint64_t pages = content->large_values * 2 + (keys / KEYS_PER_COMMIT + 1) * 64 + 256;
    uint64_t bytes = nodes * 2 + filter_size(content->filter_facts) + pages * PAGE_BYTES;
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

static void fill_filter(const struct source_content *content, void *filter)
{
    struct parents parents = {0};
    for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++) {
        const struct entry_list *list = &content->lists[kind];
        for (size_t i = 0; i < list->count; i++) {
            const struct entry *entry = list->refs[i].entry;
            struct str key = {(const char *)entry->bytes, entry->key_length};
            if (kind == INDICATOR_URL) {
                struct str host = host_of(key);
                filter_add(filter, filter_hash(host.data, host.length), FILTER_URL_HOST);
                continue;
            }
            filter_add(filter, filter_hash(key.data, key.length),
                       kind == INDICATOR_NAME ? FILTER_ENTRY : FILTER_NETWORK);
            if (kind != INDICATOR_NAME)
                continue;
            parents_of(&parents, key);
            for (unsigned k = 0; k < parents.count; k++)
                filter_add(filter, filter_hash(key.data, parents.ends[k]), FILTER_PARENT);
        }
    }
}

static enum status write_meta(struct lmdb_env *env, const struct source_content *content)
{
    uint8_t header[SOURCE_HEADER_BYTES];
    struct lmdb_txn *txn;
    void *filter;
    size_t size = filter_size(content->filter_facts);
    enum status status = lmdb_begin_write(env, &txn);
    if (status != ST_OK)
        return status;
    source_header_encode(&content->header, header);
    (void)lmdb_put(txn, TABLE_META, SOURCE_HEADER_KEY, (struct str){(char *)header, sizeof header});
    if (lmdb_reserve(txn, TABLE_META, SOURCE_FILTER_KEY, size, &filter) == ST_OK) {
        filter_init(filter, size);
        fill_filter(content, filter);
    }
    return lmdb_commit(txn);
}

static void fd_path(int fd, char out[FD_PATH_SIZE])
{
    snprintf(out, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

enum status source_build(const struct source_content *content, int fd, struct fault *fault)
{
    char path[FD_PATH_SIZE];
    fd_path(fd, path);
    struct lmdb_env *env = NULL;
    enum status status = lmdb_open(path, LMDB_BUILD, source_tables, TABLE_COUNT, map_bound(content), &env, fault);
    if (status != ST_OK)
        return status;
    for (unsigned kind = 0; kind < INDICATOR_KINDS; kind++) {
        bool more = content->lists[kind].count > 0;
        for (size_t at = 0; more && status == ST_OK;)
            status = write_some(env, &content->lists[kind], tables[kind], &at, &more);
    }
    if (status == ST_OK)
        status = write_meta(env, content);
    lmdb_close(env);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "the new file: %s", status_text(status));
}

static enum status fingerprint_table(struct lmdb_txn *txn, enum indicator_kind kind, XXH3_state_t *state,
                                     uint64_t *count)
{
    struct lmdb_cursor *cursor;
    struct str key, value;
    enum status status = lmdb_cursor_open(txn, tables[kind], &cursor);
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
    lmdb_abort(txn);
    lmdb_close(env);
    XXH3_freeState(state);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "reading it back: %s", status_text(status));
}
