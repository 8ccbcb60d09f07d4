#include "reputation/source_aids.h"

#include <stdlib.h>
#include <string.h>

#include "reputation/key_facts.h"
#include "reputation/roots.h"

#define FILTER_KEY STR("filter")
#define INDEX_KEY  STR("index")
#define ROOTS_KEY  STR("roots")

typedef enum status visit_fn(void *context, enum indicator_kind kind, const struct key_facts *facts, struct str key,
                             struct str value);

/* Every key of every table with its facts. */
static enum status visit_all(struct lmdb_txn *txn, visit_fn *visit, void *context)
{
    enum status status = ST_OK;
    for (unsigned kind = 0; status == ST_OK && kind < INDICATOR_KINDS; kind++) {
        struct key_facts facts = {0};
        struct lmdb_cursor *cursor;
        struct str key, value;
        status = lmdb_cursor_open(txn, source_table_of[kind], &cursor);
        if (status != ST_OK)
            return status;
        while (status == ST_OK && (status = lmdb_cursor_next(cursor, &key, &value)) == ST_OK) {
            key_facts_next(&facts, kind, key);
            status = visit(context, kind, &facts, key, value);
        }
        lmdb_cursor_close(cursor);
        status = status == ST_NOT_FOUND ? ST_OK : status;
    }
    return status;
}

/* The first name's key; NULL where there are none. */
static enum status find_anchor(struct lmdb_txn *txn, const char **anchor)
{
    struct lmdb_cursor *cursor;
    struct str key = {0}, value;
    enum status status = lmdb_cursor_open(txn, TABLE_NAMES, &cursor);
    if (status == ST_OK) {
        status = lmdb_cursor_next(cursor, &key, &value);
        lmdb_cursor_close(cursor);
    }
    *anchor = key.data;
    return status == ST_NOT_FOUND ? ST_OK : status;
}

uint64_t source_aids_bytes(const struct source_aids_plan *plan)
{
    return filter_size(plan->facts) + name_index_size(plan->names) + plan->roots * sizeof(uint32_t);
}

/* Where they are made. */
struct making {
    void *filter, *index;
    const char *anchor;
    uint32_t *roots;
    uint64_t root_count, root_max;
};

static enum status make(void *context, enum indicator_kind kind, const struct key_facts *facts, struct str key,
                        struct str value)
{
    struct making *making = context;
    for (unsigned i = 0; i < facts->count; i++)
        filter_add(making->filter, facts->facts[i].hash, facts->facts[i].fact);
    if (kind != INDICATOR_NAME)
        return ST_OK;
    name_index_add(making->index, facts->facts[0].hash, key, value, making->anchor);
    if (facts->has_root && making->root_count == making->root_max)
        return ST_CORRUPT;
    if (facts->has_root)
        making->roots[making->root_count++] = roots_hash(facts->root_hash);
    return ST_OK;
}

static int compare_hashes(const void *pa, const void *pb)
{
    const uint32_t *a = pa, *b = pb;
    return (*a > *b) - (*a < *b);
}

static enum status make_all(struct lmdb_env *env, struct lmdb_txn *txn, const struct source_aids_plan *plan,
                            struct making *making)
{
    struct lmdb_txn *tables = NULL; /* as TXN may not be used while reserved memory is written to */
    size_t filter_bytes = filter_size(plan->facts), index_bytes = name_index_size(plan->names);
    enum status status = lmdb_begin_read(env, &tables);
    if (status == ST_OK)
        status = find_anchor(tables, &making->anchor);
    if (status == ST_OK)
        status = lmdb_reserve(txn, TABLE_META, FILTER_KEY, filter_bytes, &making->filter);
    if (status == ST_OK)
        status = lmdb_reserve(txn, TABLE_META, INDEX_KEY, index_bytes, &making->index);
    if (status == ST_OK) {
        filter_init(making->filter, filter_bytes);
        name_index_init(making->index, index_bytes);
        status = visit_all(tables, make, making);
    }
    lmdb_abort(tables);
    if (status != ST_OK)
        return status;
    qsort(making->roots, making->root_count, sizeof *making->roots, compare_hashes);
    return lmdb_put(txn, TABLE_META, ROOTS_KEY,
                    (struct str){(char *)making->roots, making->root_count * sizeof *making->roots});
}

enum status source_aids_write(struct lmdb_env *env, const struct source_aids_plan *plan)
{
    struct lmdb_txn *txn;
    struct making making = {.root_max = plan->roots, .roots = calloc(plan->roots + 1, sizeof *making.roots)};
    if (!making.roots)
        return ST_NOMEM;
    enum status status = lmdb_begin_write(env, &txn);
    if (status == ST_OK) {
        status = make_all(env, txn, plan, &making);
        if (status == ST_OK)
            status = lmdb_commit(txn);
        else
            lmdb_abort(txn);
    }
    free(making.roots);
    return status;
}

enum status source_aids_read(struct lmdb_txn *txn, struct source_aids *aids)
{
    struct str filter, index;
    const char *anchor;
    enum status status = lmdb_get(txn, TABLE_META, FILTER_KEY, &filter);
    if (status == ST_OK)
        status = lmdb_get(txn, TABLE_META, INDEX_KEY, &index);
    if (status == ST_OK)
        status = lmdb_get(txn, TABLE_META, ROOTS_KEY, &aids->roots);
    if (status == ST_OK)
        status = find_anchor(txn, &anchor);
    if (status == ST_OK)
        status = filter_over(filter, &aids->filter);
    if (status == ST_OK)
        status = name_index_over(index, anchor, &aids->index);
    return status == ST_NOT_FOUND ? ST_CORRUPT : status;
}

struct checking {
    const struct source_aids *aids;
    uint64_t root_count, root_sum;
};

static enum status check(void *context, enum indicator_kind kind, const struct key_facts *facts, struct str key,
                         struct str value)
{
    struct checking *checking = context;
    const struct source_aids *aids = checking->aids;
    struct str found;
    for (unsigned i = 0; i < facts->count; i++)
        if (!filter_has(&aids->filter, facts->facts[i].hash, facts->facts[i].fact))
            return ST_CORRUPT;
    if (kind != INDICATOR_NAME)
        return ST_OK;
    if (facts->has_root) {
        checking->root_count++;
        checking->root_sum += roots_hash(facts->root_hash);
    }
    enum status status = name_index_find(&aids->index, facts->facts[0].hash, key, &found);
    bool right = status == ST_OK ? found.data == value.data && found.length == value.length : status == ST_UNAVAILABLE;
    return right ? ST_OK : ST_CORRUPT;
}

enum status source_aids_check(struct lmdb_txn *txn, const struct source_aids *aids)
{
    struct checking checking = {.aids = aids};
    uint64_t sum = 0;
    uint32_t hash, last = 0;
    enum status status = visit_all(txn, check, &checking);
    if (status != ST_OK)
        return status;
    for (size_t at = 0; aids->roots.length - at >= sizeof hash; at += sizeof hash, last = hash) {
        memcpy(&hash, aids->roots.data + at, sizeof hash);
        if (hash < last)
            return ST_CORRUPT;
        sum += hash;
    }
    return aids->roots.length == checking.root_count * sizeof hash && sum == checking.root_sum ? ST_OK : ST_CORRUPT;
}
