#include "daemon/upstream_watch.h"

#include "base/clock.h"
#include "base/log.h"

enum { LOOK_EACH_MS = 1000 };

enum status upstream_watch_start(struct upstream_watch *watch, const struct config *config, struct fault *fault)
{
    upstream_source_look(&watch->source, config);
    return upstream_source_build(&watch->source, config, &watch->set, fault);
}

/* What it finds is for all workers, so one looks. Without that a loop is only found when servers fail. */
static void look_at_all(struct upstream_watch *watch)
{
    (void)!worker_look_at_upstreams(watch->workers[0], true);
}

void upstream_watch_workers(struct upstream_watch *watch, struct worker *const *workers, size_t count,
                            struct dns_cache *cache)
{
    watch->workers = workers;
    watch->worker_count = count;
    watch->cache = cache;
    look_at_all(watch);
}

/* Queries under way are not lost. A worker that could not take the set asks those before. */
void upstream_watch_take_own(struct upstream_watch *watch, struct upstream_set *set)
{
    bool taken = true;
    for (size_t i = 0; i < watch->worker_count; i++)
        taken = worker_set_upstreams(watch->workers[i], set) == ST_OK && taken;
    if (!taken)
        log_error("a worker cannot take the new upstream DNS servers: out of memory");
    upstream_set_unref(watch->set);
    watch->set = set;
    watch->loops = 0;
    dns_cache_forget_failures(watch->cache);
    look_at_all(watch);
}

/* The servers of this machine change with the network that it is in. */
static void follow(struct upstream_watch *watch, const struct config *config)
{
    struct fault fault = {0};
    struct upstream_set *set;
    if (!upstream_source_look(&watch->source, config))
        return;
    if (upstream_source_build(&watch->source, config, &set, &fault) != ST_OK) {
        log_error("the upstream DNS servers are not changed: %s", fault.text);
        return;
    }
    upstream_watch_take_own(watch, set);
    log_info("this machine has other DNS servers now: %zu", watch->source.learned_count);
}

/* What failed for want of them need not wait for its time once they are back. */
static void see_how_they_do(struct upstream_watch *watch)
{
    bool down = workers_hear_nobody(watch->workers, watch->worker_count);
    size_t loops = upstream_loops_count(watch->set->loops);
    if (down && !watch->down)
        log_warning("none of the upstream DNS servers answers; names that are not blocked cannot be resolved");
    else if (!down && watch->down)
        log_info("an upstream DNS server answers again");
    if ((!down && watch->down) || loops < watch->loops)
        dns_cache_forget_failures(watch->cache);
    watch->down = down;
    watch->loops = loops;
}

/* Whether they are back is found out also where nobody asks for anything. */
static void look_at_those_in_trouble(struct upstream_watch *watch)
{
    bool due = upstream_loops_any_due(watch->set->loops, clock_mono_ms());
    for (size_t i = 0; i < watch->worker_count; i++)
        if (due || worker_has_upstream_down(watch->workers[i]))
            (void)!worker_look_at_upstreams(watch->workers[i], false);
}

void upstream_watch_step(struct upstream_watch *watch, const struct config *config, int64_t now_ms)
{
    see_how_they_do(watch);
    if (now_ms - watch->seen_ms < LOOK_EACH_MS)
        return;
    watch->seen_ms = now_ms;
    follow(watch, config);
    look_at_those_in_trouble(watch);
}

enum status upstream_watch_build(struct upstream_watch *watch, const struct config *config, struct upstream_set **set,
                                 struct fault *fault)
{
    *set = NULL;
    upstream_source_look(&watch->source, config);
    return upstream_source_build(&watch->source, config, set, fault);
}

void upstream_watch_keep(struct upstream_watch *watch, struct upstream_set *set)
{
    upstream_set_unref(set);
    watch->source.stamp = 0; /* looked at anew, for the configuration that stays */
}

void upstream_watch_end(struct upstream_watch *watch)
{
    upstream_set_unref(watch->set);
    watch->set = NULL;
}
