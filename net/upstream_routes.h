/* The servers of a set as one worker knows them: route by route, what was learned of each kept from set to set. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dname.h"
#include "base/status.h"
#include "net/upstream_server.h"
#include "net/upstream_set.h"

struct upstream_servers {
    size_t count;
    struct upstream_server *items[UPSTREAM_MAX_SERVERS];
};

struct upstream_routes {
    struct upstream_set *set;          /* one reference */
    struct upstream_servers servers[]; /* as the set's routes */
};

/* The servers of SET, which it takes a reference of; those that OLD (or NULL) has too are the same. OLD stays as it
 * is. NULL when out of memory. */
struct upstream_routes *upstream_routes_new(struct upstream_set *set, const struct upstream_routes *old,
                                            struct upstream_hosts *hosts);
void upstream_routes_free(struct upstream_routes *routes); /* NULL is allowed */

/* The servers for NAME; NULL: there are none. */
const struct upstream_servers *upstream_routes_find(const struct upstream_routes *routes, const struct dname *name);
/* Whether one of the servers is sent the client's part COOKIE of a DNS cookie. */
bool upstream_routes_know_cookie(const struct upstream_routes *routes, const uint8_t *cookie);
