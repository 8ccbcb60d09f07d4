#include "daemon/guard_watch.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/site.h"
#include "feeds/feed_state.h"
#include "feeds/guard_set.h"

enum { SETTLE_MS = 10 * 1000 };

static uint64_t fingerprint_of(const struct config *config)
{
    struct config_site site;
    struct guard_set *guards = NULL;
    uint64_t fingerprint = 0;
    if (config_site(config, &site) == ST_OK && guard_set_new(&site.site, &guards, NULL) == ST_OK)
        fingerprint = guard_set_fingerprint(guards);
    guard_set_free(guards);
    config_site_fini(&site);
    return fingerprint;
}

void guard_watch_look(struct guard_watch *watch, const struct config *config, bool changed)
{
    struct stat st;
    struct timespec seen = stat(store_dir(config), &st) ? (struct timespec){0} : st.st_mtim;
    bool same = seen.tv_sec == watch->store_seen.tv_sec && seen.tv_nsec == watch->store_seen.tv_nsec;
    int64_t age_ms = clock_wall_ms() - ((int64_t)seen.tv_sec * 1000 + seen.tv_nsec / 1000000);
    /* The clock of file times ticks slowly: of a directory that changed just now a further change may not show. */
    bool settled = age_ms > SETTLE_MS || age_ms < 0;
    if (same && settled && watch->fingerprint && !changed)
        return;
    watch->store_seen = seen;
    watch->fingerprint = fingerprint_of(config);
}

bool guard_watch_wants(const struct guard_watch *watch, const struct config *config, const struct config_feed *feed)
{
    struct feed_state state;
    char raw[4200];
    if (!watch->fingerprint || !guard_set_is_for((enum feed_use)feed->action) ||
        feed_state_path(config->state_dir, feed->name, ".raw", raw, sizeof raw) != ST_OK || access(raw, F_OK))
        return false;
    feed_state_load(config->state_dir, feed->name, &state);
    return state.generation && state.guards != watch->fingerprint;
}
