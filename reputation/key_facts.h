/* What the aids of look-ups (filter, index, roots) are told of a source's keys. Inside this folder only. */
#pragma once

#include "base/dname.h"
#include "reputation/filter.h"
#include "reputation/record.h"

struct key_fact {
    uint64_t hash; /* filter_hash() */
    enum filter_fact fact;
};

/* Of one key, without what the keys before it told already; `{0}` before the first. */
struct key_facts {
    struct key_fact facts[DNAME_MAX_LABELS]; /* of a name: of its own key first */
    unsigned count;
    bool has_root;                 /* a name of two labels or more has a root (roots.h) that no key before it had */
    uint64_t root_hash;            /* filter_hash() of it */
    uint8_t last[DNAME_MAX_BYTES]; /* the name, or the URL's host, before */
    size_t last_length;
};

/* KEY is the next one of its table, in its order. */
void key_facts_next(struct key_facts *facts, enum indicator_kind kind, struct str key);
