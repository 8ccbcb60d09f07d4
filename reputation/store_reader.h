/* One thread's view of a store. Inside this folder only. */
#pragma once

#include "reputation/filter.h"
#include "reputation/lmdb_env.h"
#include "reputation/source_format.h"
#include "reputation/store.h"

/* What a look-up needs of one source, together in a cache line. */
struct store_lane {
    struct filter filter;
    struct lmdb_txn *txn;
    const struct source_header *header;
    bool has_names, has_urls, has_networks, single_labels;
    uint8_t triggers; /* of struct source_header */
};

struct store_reader {
    size_t count;
    uint8_t triggers; /* of all lanes */
    struct store_lane lanes[STORE_MAX_SOURCES];
};
