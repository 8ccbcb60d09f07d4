/* How an installation fares, as one JSON object: what /healthz answers and `ccward status` prints. */
#pragma once

#include <jansson.h>

#include "daemon/snapshot.h"
#include "proxy/origin_connect.h"

/* What is known; a running daemon knows all of it, a command what the files tell. */
struct health_facts {
    const struct config *config;
    const struct store *store; /* NULL: it could not be opened */
    const struct snapshot_facts *snapshot;
    const struct upstream_address *upstreams;
    size_t upstream_count;
    const char *config_fault; /* why what is in force is not what the file says; NULL or empty: it is */
    const char *tls_fault;    /* the same of the certificate */
    const char *users_fault;  /* the same of the proxy's users */
    const char *signer_fault; /* why there are no pages over HTTPS; NULL or empty: there are, or shall be none */
    const char *store_fault;  /* why what is in force is not what the store has; empty: it is */
    const char *lists_fault;  /* the same of the user's own entries */

    /* Of a running daemon. */
    bool running, stopping, callbacks_failing, incidents_failing;
    bool upstreams_down;                     /* none of them answers */
    const struct upstream_set *upstream_set; /* which of them lead back to us; NULL: not known */
    enum origin_result parent_trouble;       /* what the parent proxy does not do; ORIGIN_CONNECTED: it does all */
    int64_t uptime_s;
    uint64_t hits, incidents;
    const char *clock_note;                                          /* a jump of the clock; empty: none */
    const char *(*refresh_fault)(const void *arg, const char *feed); /* of a refresh that could not keep its reason */
    const void *refresh_arg;
};

/* NULL when out of memory. `state` is "ok", "degraded" (then `problems` says why), "stopping" or "stopped". */
json_t *health_json(const struct health_facts *facts);
