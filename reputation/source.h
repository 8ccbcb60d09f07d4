/* An open source. Inside this folder only. */
#pragma once

#include "reputation/filter.h"
#include "reputation/lmdb_env.h"
#include "reputation/source_format.h"
#include "reputation/store.h"

struct source {
    struct source_info info;
    struct source_header header;
    struct lmdb_env *env;
    struct filter filter; /* in the map */
};
