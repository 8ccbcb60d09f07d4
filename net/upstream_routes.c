#include "net/upstream_routes.h"

#include <stdlib.h>

#include "net/socket.h"
#include "net/upstream_try.h"

/* Of the first COUNT routes. */
static struct upstream_server *find_server(const struct upstream_routes *routes, size_t count,
                                           const struct upstream_address *address)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < routes->servers[i].count; k++)
            if (upstream_address_equal(&routes->servers[i].items[k]->address, address))
                return routes->servers[i].items[k];
    return NULL;
}

/* One server of route INDEX: known from the old routes, or from the new ones so far, or else made. */
static enum status add_server(struct upstream_routes *routes, size_t index, const struct upstream_routes *old,
                              const struct upstream_address *address, struct upstream_hosts *hosts)
{
    struct upstream_server *server = find_server(routes, index + 1, address);
    if (!server && old)
        server = find_server(old, old->set->route_count, address);
    if (server) {
        server->users++;
    } else {
        server = malloc(sizeof *server);
        if (!server)
            return ST_NOMEM;
        upstream_server_init(server, address, hosts);
    }
    struct upstream_servers *servers = &routes->servers[index];
    servers->items[servers->count++] = server;
    return ST_OK;
}

struct upstream_routes *upstream_routes_new(struct upstream_set *set, const struct upstream_routes *old,
                                            struct upstream_hosts *hosts)
{
    struct upstream_routes *routes = calloc(1, sizeof *routes + set->route_count * sizeof routes->servers[0]);
    if (!routes)
        return NULL;
    routes->set = upstream_set_ref(set);
    for (size_t i = 0; i < set->route_count; i++)
        for (size_t k = 0; k < set->routes[i].server_count; k++)
            if (add_server(routes, i, old, &set->routes[i].servers[k], hosts) != ST_OK) {
                upstream_routes_free(routes);
                return NULL;
            }
    return routes;
}

void upstream_routes_free(struct upstream_routes *routes)
{
    if (!routes)
        return;
    for (size_t i = 0; i < routes->set->route_count; i++)
        for (size_t k = 0; k < routes->servers[i].count; k++)
            upstream_server_release(routes->servers[i].items[k]);
    upstream_set_unref(routes->set);
    free(routes);
}

const struct upstream_servers *upstream_routes_find(const struct upstream_routes *routes, const struct dname *name)
{
    size_t index = upstream_set_find(routes->set, name);
    return index < routes->set->route_count && routes->servers[index].count ? &routes->servers[index] : NULL;
}

/* Another worker may have asked where this one has not: the same cookie is made here. */
static bool knows_cookie(struct upstream_server *server, const uint8_t *cookie)
{
    if (addr_is_unspecified(&server->cookie.local)) {
        const struct addr *addr = upstream_server_addr(server);
        struct addr local = addr ? socket_local_towards(addr) : (struct addr){0};
        if (addr_is_unspecified(&local) || !upstream_server_cookie(server, &local))
            return false;
    }
    return upstream_server_knows_cookie(server, cookie);
}

bool upstream_routes_know_cookie(const struct upstream_routes *routes, const uint8_t *cookie)
{
    for (size_t i = 0; i < routes->set->route_count; i++)
        for (size_t k = 0; k < routes->servers[i].count; k++)
            if (knows_cookie(routes->servers[i].items[k], cookie))
                return true;
    return false;
}
