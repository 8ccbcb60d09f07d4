/* An open source. Inside this folder only. */
#pragma once

#include <stdatomic.h>

#include "reputation/lmdb_env.h"
#include "reputation/manifest.h"
#include "reputation/source_aids.h"
#include "reputation/source_format.h"
#include "reputation/store.h"

struct source {
    atomic_uint references;
    char identity[MANIFEST_IDENTITY_SIZE]; /* of the file that is mapped; empty for one in memory */
    struct source_info info;
    struct source_header header;
    struct lmdb_env *env;
    struct source_aids aids;
};
