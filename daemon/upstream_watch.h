/* The upstream servers while the daemon runs: which they are, how they do, and that the workers know. For the control
 * thread. */
#pragma once

#include "daemon/upstream_source.h"
#include "daemon/worker.h"
#include "dnsfilter/dns_cache.h"

struct upstream_watch {
    struct upstream_source source;
    struct upstream_set *set; /* in force */
    struct worker *const *workers;
    size_t worker_count;
    struct dns_cache *cache;
    int64_t seen_ms; /* when they were looked for last */
    bool down;       /* that none answers was told */
    size_t loops;    /* of them */
};

/* Finds out which they are. */
enum status upstream_watch_start(struct upstream_watch *watch, const struct config *config,
                                 struct fault *fault) MUST_CHECK;
/* The workers run and share CACHE. */
void upstream_watch_workers(struct upstream_watch *watch, struct worker *const *workers, size_t count,
                            struct dns_cache *cache);
/* Each 100 ms or so. */
void upstream_watch_step(struct upstream_watch *watch, const struct config *config, int64_t now_ms);

/* Another configuration comes: builds its set, which upstream_watch_take_own() puts in force, or, where the old one
 * stays, upstream_watch_keep() gives back. */
enum status upstream_watch_build(struct upstream_watch *watch, const struct config *config, struct upstream_set **set,
                                 struct fault *fault) MUST_CHECK;
void upstream_watch_take_own(struct upstream_watch *watch, struct upstream_set *set);
void upstream_watch_keep(struct upstream_watch *watch, struct upstream_set *set);

void upstream_watch_end(struct upstream_watch *watch); /* also of `{0}` */
