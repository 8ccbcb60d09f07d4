#include "daemon/upstream_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "net/system_servers.h"

static bool has_named(const struct upstream_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (upstream_address_is_named(&list->items[i]))
            return true;
    return false;
}

/* The servers of this machine are asked when no others are named, and for the addresses of those named by name. */
static bool are_needed(const struct config *config)
{
    bool named = has_named(&config->dns.upstreams);
    for (size_t i = 0; i < config->forward_count; i++)
        named |= has_named(&config->forwards[i].upstreams);
    return !config->dns.upstreams.count || (named && !config->dns.bootstrap.count);
}

bool upstream_source_look(struct upstream_source *source, const struct config *config)
{
    struct system_places places = system_places_of(config->dns.resolv_conf);
    if (!are_needed(config))
        return false;
    uint64_t stamp = system_servers_stamp(&places);
    if (stamp == source->stamp)
        return false;
    struct addr found[UPSTREAM_MAX_SERVERS];
    size_t count;
    struct fault why = {0};
    if (system_servers(&places, config->dns.listen.items, config->dns.listen.count, found, UPSTREAM_MAX_SERVERS, &count,
                       &why) != ST_OK)
        log_warning("no upstream DNS server: %s. Names that are not blocked cannot be resolved; name servers in "
                    "dns.upstreams of the configuration",
                    why.text);
    bool others = count != source->learned_count ||
                  (count && memcmp(found, source->learned, count * sizeof found[0])) || !source->stamp;
    source->stamp = stamp;
    source->learned_count = count;
    if (count)
        memcpy(source->learned, found, count * sizeof found[0]);
    return others;
}

static enum status add_forwards(const struct config *config, struct upstream_route *routes, size_t *count)
{
    for (size_t i = 0; i < config->forward_count; i++)
        for (size_t k = 0; k < config->forwards[i].domains.count; k++) {
            const struct config_forward *forward = &config->forwards[i];
            struct upstream_route *route = &routes[(*count)++];
            enum status status = dname_from_text(str_of(forward->domains.items[k]), &route->domain);
            if (status != ST_OK)
                return status;
            route->servers = forward->upstreams.items;
            route->server_count = forward->upstreams.count;
        }
    return ST_OK;
}

enum status upstream_source_build(const struct upstream_source *source, const struct config *config,
                                  struct upstream_set **set, struct fault *fault)
{
    struct upstream_address learned[UPSTREAM_MAX_SERVERS];
    for (size_t i = 0; i < source->learned_count; i++)
        learned[i] = upstream_address_plain(&source->learned[i]);
    bool given = config->dns.upstreams.count, bootstrap = config->dns.bootstrap.count;
    size_t count = 1;
    for (size_t i = 0; i < config->forward_count; i++)
        count += config->forwards[i].domains.count;
    struct upstream_route *routes = calloc(count, sizeof *routes);
    if (!routes)
        return fault_set(fault, ST_NOMEM, "out of memory");
    routes[0].servers = given ? config->dns.upstreams.items : learned;
    routes[0].server_count = given ? config->dns.upstreams.count : source->learned_count;
    count = 1;
    enum status status = dname_from_text(STR("."), &routes[0].domain);
    if (status == ST_OK)
        status = add_forwards(config, routes, &count);
    if (status == ST_OK) {
        struct upstream_set_settings settings = {
            .mode = (enum upstream_mode)config->dns.upstream_mode,
            .routes = routes,
            .route_count = count,
            .bootstrap = bootstrap ? config->dns.bootstrap.items : source->learned,
            .bootstrap_count = bootstrap ? config->dns.bootstrap.count : source->learned_count,
            .ca_option = "dns.upstream-ca",
            .ca_file = config->dns.upstream_ca,
        };
        status = upstream_set_new(&settings, set, fault);
    }
    if (status != ST_OK && fault)
        config_place_fault(config, fault);
    free(routes);
    return status;
}
