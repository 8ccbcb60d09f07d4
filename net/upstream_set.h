/* Which servers are asked for which names: made once and shared by all workers. All of it stays as it is but what is
 * known of loops, which changes without locks, and who uses it. */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/dname.h"
#include "net/tls_trust.h"
#include "net/upstream_address.h"
#include "net/upstream_loops.h"

enum { UPSTREAM_MAX_SERVERS = 16 /* of one route */, UPSTREAM_MAX_ROUTES = 256 };

enum upstream_mode {
    UPSTREAM_ORDERED,  /* the first that is up; the others when it fails or is late */
    UPSTREAM_FASTEST,  /* the one that has answered fastest so far */
    UPSTREAM_PARALLEL, /* several at once; the first answer counts */
};
const char *upstream_mode_text(enum upstream_mode mode);

/* The servers for a domain and all below it; the root: for all names that no longer domain of a route holds. */
struct upstream_route {
    struct dname domain;
    const struct upstream_address *servers;
    size_t server_count;
};

struct upstream_set_settings {
    enum upstream_mode mode;
    const struct upstream_route *routes; /* may leave out the root: then other names are not asked of anyone */
    size_t route_count;
    const struct addr *bootstrap; /* servers that are asked for the addresses of those known by name */
    size_t bootstrap_count;
    const char *ca_option; /* names the next in faults; NULL: nothing does */
    const char *ca_file;   /* authorities for TLS and HTTPS (PEM); NULL or "": those of this machine */
};

struct upstream_set {
    atomic_uint users;
    enum upstream_mode mode;
    struct upstream_route *routes; /* longest domains first */
    size_t route_count;
    struct upstream_set *bootstrap; /* NULL: there are none */
    struct tls_trust *trust;        /* NULL: no server needs it */
    struct upstream_loops *loops;   /* by upstream_set_slot() */
};

/* The number of the INDEXth server of route ROUTE. */
static inline size_t upstream_set_slot(size_t route, size_t index)
{
    return route * UPSTREAM_MAX_SERVERS + index;
}

/* Copies SETTINGS, and reads the authorities where a server needs them. ST_INVALID with a fault when they can't be
 * read, and over UPSTREAM_MAX_SERVERS or UPSTREAM_MAX_ROUTES. */
enum status upstream_set_new(const struct upstream_set_settings *settings, struct upstream_set **set,
                             struct fault *fault) MUST_CHECK;
struct upstream_set *upstream_set_ref(struct upstream_set *set);
void upstream_set_unref(struct upstream_set *set); /* NULL is allowed */

/* The route for all names, which the set must have. */
const struct upstream_route *upstream_set_default(const struct upstream_set *set);
/* The index of the route for NAME; route_count: there is none. */
size_t upstream_set_find(const struct upstream_set *set, const struct dname *name);
/* Adds for people that the server SLOT leads back to us, what follows from it, and what to do. */
void upstream_set_tell_loop(const struct upstream_set *set, size_t slot, struct buf *out);
