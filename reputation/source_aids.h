/* What makes look-ups fast, made of a source's tables and kept beside them. Inside this folder only. */
#pragma once

#include "reputation/filter.h"
#include "reputation/lmdb_env.h"
#include "reputation/name_index.h"
#include "reputation/source_format.h"

struct source_aids {
    struct filter filter;
    struct name_index index;
    struct str roots; /* numbers of roots_hash(), sorted */
};                    /* all in the map */

/* How much there will be. */
struct source_aids_plan {
    uint64_t names, facts, roots;
};

uint64_t source_aids_bytes(const struct source_aids_plan *plan);
/* Makes them of the tables that are committed in ENV. */
enum status source_aids_write(struct lmdb_env *env, const struct source_aids_plan *plan) MUST_CHECK;
/* Views, valid as long as TXN's environment. ST_CORRUPT. */
enum status source_aids_read(struct lmdb_txn *txn, struct source_aids *aids) MUST_CHECK;
/* Walks over the tables: whether look-ups would find all that is there. ST_CORRUPT: they would not. */
enum status source_aids_check(struct lmdb_txn *txn, const struct source_aids *aids) MUST_CHECK;
