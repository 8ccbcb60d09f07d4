/* The upstream servers in force: those that the configuration names, else those of this machine, which are followed
 * when they change. For the control thread. */
#pragma once

#include "config/config.h"

struct upstream_source {
    struct addr learned[UPSTREAM_MAX_SERVERS]; /* those of this machine */
    size_t learned_count;
    uint64_t stamp; /* of the files that named them; 0: not read yet */
};

/* Reads what names the servers of this machine where it has changed; says whether they are others now, if anything is
 * to be asked of them. */
bool upstream_source_look(struct upstream_source *source, const struct config *config);
/* The set of CONFIG and of what was found. */
enum status upstream_source_build(const struct upstream_source *source, const struct config *config,
                                  struct upstream_set **set, struct fault *fault) MUST_CHECK;
