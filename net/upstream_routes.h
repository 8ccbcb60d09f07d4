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
/* Of SERVERS, a bit each, those that lead back to us and are not asked. None where they are a domain's own: these may
 * know its names all the same. */
uint32_t upstream_routes_looped(const struct upstream_routes *routes, const struct upstream_servers *servers);
/* Whether one of the servers, first of those for NAME, is sent the client's part COOKIE of a DNS cookie; SLOT: which.
 * Servers that this machine has no way to are passed over for 5 s. */
bool upstream_routes_know_cookie(const struct upstream_routes *routes, const struct dname *name, const uint8_t *cookie,
                                 int64_t now_ms, size_t *slot);
/* The query that finds out how the server SLOT does and whether it leads back to us. ST_TOO_LARGE: its domain's name is
 * too long for one. */
enum status upstream_routes_probe(const struct upstream_routes *routes, size_t slot, int64_t now_ms,
                                  struct query_original *query) MUST_CHECK;
