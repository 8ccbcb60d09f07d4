/* What other folders want to know of an installation, from its configuration. */
#pragma once

#include "config/config.h"

/* In the state directory; locked by the running daemon. */
#define PID_FILE "ccward.pid"

/* STATE_DIR/reputation, in static storage. */
const char *store_dir(const struct config *config);
/* The feed of the config as feeds/ takes it. */
struct feed feed_of_config(const struct config_feed *feed);
/* The DNS servers that are asked: those of CONFIG, else the system's but for our own listeners. Zero of them, and WHY
 * has a text, where there are none. */
size_t config_upstreams(const struct config *config, struct upstream_address upstreams[UPSTREAM_MAX_SERVERS],
                        struct fault *why);

/* What feeds/ wants to know of the installation; views of CONFIG. */
struct config_site {
    struct feed_site site;
    struct feed *feeds;
    struct addr upstreams[UPSTREAM_MAX_SERVERS]; /* by plain DNS */
};
enum status config_site(const struct config *config, struct config_site *site) MUST_CHECK;
void config_site_fini(struct config_site *site);
