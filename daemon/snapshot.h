/* From configuration and store directory to a policy. */
#pragma once

#include "config/config.h"

struct snapshot_facts {
    unsigned damaged; /* sources that were left out or taken from an older generation */
    size_t sources;
    uint64_t counts[INDICATOR_KINDS];
    struct fault why; /* of the first damage */
};

/* Opens the built-in sources and those of the store directory; what has not changed since PREVIOUS (may be NULL) is
 * shared with it. The first one is made at once, and one with a PREVIOUS prepared to answer faster. A damaged source is
 * left out and told in FACTS: protection goes on with what is there. */
enum status snapshot_build(const struct config *config, const struct policy *previous, struct policy **policy,
                           struct snapshot_facts *facts, struct fault *fault) MUST_CHECK;
