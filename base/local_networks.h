/* The networks that programs reach without a proxy: this machine, its links, and the private ones that it may be in. */
#pragma once

#include "base/addr.h"

enum { LOCAL_NETWORKS = 8 };
extern const struct network local_networks[LOCAL_NETWORKS];
