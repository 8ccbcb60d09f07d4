/* What `ccward run` prints when it is ready: what listens where, and three things to try. */
#pragma once

#include "daemon/snapshot.h"

void announce_ready(const struct config *config, const struct snapshot_facts *facts,
                    const struct upstream_set *upstreams);
