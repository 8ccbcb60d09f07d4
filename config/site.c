#include "config/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/system_servers.h"

const char *store_dir(const struct config *config)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/reputation", config->state_dir);
    return path;
}

struct feed feed_of_config(const struct config_feed *feed)
{
    return (struct feed){.name = feed->name,
                         .url = feed->url,
                         .format = feed->format,
                         .category = (enum category)feed->category,
                         .risk = (enum risk)feed->risk,
                         .mirrors = (const char *const *)feed->mirrors.items,
                         .mirror_count = feed->mirrors.count,
                         .interval_s = (int64_t)(feed->interval_ms / 1000),
                         .use = (enum feed_use)feed->action,
                         .match = (enum feed_match)feed->match,
                         .retain = (enum feed_retain)feed->retain,
                         .expire_s = (int64_t)(feed->expire_ms / 1000),
                         .top = feed->top,
                         .min_confidence = (unsigned)feed->min_confidence,
                         .can_be_empty = feed->can_be_empty,
                         .must_contain = feed->must_contain,
                         .key = feed->key,
                         .key_as = feed->key_as};
}

static size_t servers_of_system(const struct config *config, struct addr servers[UPSTREAM_MAX_SERVERS],
                                struct fault *why)
{
    const struct addr_list *own = &config->dns.listen;
    struct system_places places = system_places_of(config->dns.resolv_conf);
    size_t count;
    enum status status = system_servers(&places, own->items, own->count, servers, UPSTREAM_MAX_SERVERS, &count, why);
    return status == ST_OK ? count : 0;
}

size_t config_upstreams(const struct config *config, struct upstream_address upstreams[UPSTREAM_MAX_SERVERS],
                        struct fault *why)
{
    const struct upstream_list *given = &config->dns.upstreams;
    struct addr servers[UPSTREAM_MAX_SERVERS];
    if (given->count) {
        memcpy(upstreams, given->items, given->count * sizeof upstreams[0]);
        return given->count;
    }
    size_t count = servers_of_system(config, servers, why);
    for (size_t i = 0; i < count; i++)
        upstreams[i] = upstream_address_plain(&servers[i]);
    return count;
}

/* Who can be asked by plain DNS: upstreams, or else those who are asked for the addresses of upstreams. */
static size_t plain_servers(const struct config *config, struct addr servers[UPSTREAM_MAX_SERVERS])
{
    size_t count = 0;
    for (size_t i = 0; i < config->dns.upstreams.count; i++)
        if (config->dns.upstreams.items[i].transport == UPSTREAM_UDP)
            servers[count++] = config->dns.upstreams.items[i].addr;
    for (size_t i = 0; !count && i < config->dns.bootstrap.count; i++)
        servers[i] = config->dns.bootstrap.items[i];
    if (!count)
        count = config->dns.bootstrap.count;
    return count ? count : servers_of_system(config, servers, NULL);
}

enum status config_site(const struct config *config, struct config_site *site)
{
    *site = (struct config_site){.feeds = calloc(config->feed_count + 1, sizeof *site->feeds)};
    if (!site->feeds)
        return ST_NOMEM;
    for (size_t i = 0; i < config->feed_count; i++)
        site->feeds[i] = feed_of_config(&config->feeds[i]);
    site->site = (struct feed_site){.state_dir = config->state_dir,
                                    .feeds = site->feeds,
                                    .feed_count = config->feed_count,
                                    .upstreams = site->upstreams,
                                    .upstream_count = plain_servers(config, site->upstreams),
                                    .listeners = config->dns.listen.items,
                                    .listener_count = config->dns.listen.count};
    return ST_OK;
}

void config_site_fini(struct config_site *site)
{
    free(site->feeds);
    *site = (struct config_site){0};
}
