/* One thread's view of a store. Inside this folder only. */
#pragma once

#include "reputation/filter.h"
#include "reputation/lmdb_env.h"
#include "reputation/name_index.h"
#include "reputation/roots.h"
#include "reputation/source_format.h"
#include "reputation/store.h"

/* What a look-up needs of one source, together in a cache line. */
struct store_lane {
    struct filter filter;
    struct name_index index;
    struct lmdb_txn *txn;
    const struct source_header *header;
    bool has_names, has_urls, has_networks, single_labels;
    uint8_t triggers; /* of struct source_header */
    uint8_t group;    /* in the roots */
};

struct store_reader {
    size_t count;
    uint8_t triggers;          /* of all lanes */
    bool single_labels;        /* some lane has */
    const struct roots *roots; /* the store's; NULL: each lane is to be asked */
    struct store_lane lanes[STORE_MAX_SOURCES];
};
