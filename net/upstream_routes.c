#include "net/upstream_routes.h"

#include <stdlib.h>

#include "net/socket.h"
#include "net/upstream_try.h"

enum { NO_WAY_MS = 5000 };

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

/* Another worker may have asked where this one has not: the same cookie is made here. Where there is no way to the
 * server that is not tried for each query: it takes three system calls. */
static bool has_cookie(struct upstream_server *server, int64_t now_ms)
{
    if (!addr_is_unspecified(&server->cookie.local))
        return true;
    const struct addr *addr = upstream_server_addr(server);
    if (!addr || now_ms < server->no_way_until_ms)
        return false;
    struct addr local = socket_local_towards(addr);
    if (!addr_is_unspecified(&local))
        return upstream_server_cookie(server, &local);
    server->no_way_until_ms = now_ms + NO_WAY_MS;
    return false;
}

static bool find_cookie(const struct upstream_routes *routes, size_t route, const uint8_t *cookie, int64_t now_ms,
                        size_t *slot)
{
    for (size_t k = 0; k < routes->servers[route].count; k++)
        if (has_cookie(routes->servers[route].items[k], now_ms) &&
            upstream_server_knows_cookie(routes->servers[route].items[k], cookie)) {
            *slot = upstream_set_slot(route, k);
            return true;
        }
    return false;
}

bool upstream_routes_know_cookie(const struct upstream_routes *routes, const struct dname *name, const uint8_t *cookie,
                                 int64_t now_ms, size_t *slot)
{
    size_t own = upstream_set_find(routes->set, name);
    if (own < routes->set->route_count && find_cookie(routes, own, cookie, now_ms, slot))
        return true;
    for (size_t i = 0; i < routes->set->route_count; i++)
        if (i != own && find_cookie(routes, i, cookie, now_ms, slot))
            return true;
    return false;
}

/* Loops */

static const struct upstream_route *route_of(const struct upstream_routes *routes, size_t slot)
{
    return &routes->set->routes[slot / UPSTREAM_MAX_SERVERS];
}

uint32_t upstream_routes_looped(const struct upstream_routes *routes, const struct upstream_servers *servers)
{
    size_t route = (size_t)(servers - routes->servers);
    uint32_t looped = 0;
    for (size_t i = 0; i < servers->count && !routes->set->routes[route].domain.labels; i++)
        if (upstream_loops_leads_back(routes->set->loops, upstream_set_slot(route, i)))
            looped |= 1u << i;
    return looped;
}

enum status upstream_routes_probe(const struct upstream_routes *routes, size_t slot, int64_t now_ms,
                                  struct query_original *query)
{
    struct dns_question question = {.type = DNS_TYPE_TXT, .class = DNS_CLASS_IN};
    uint8_t bytes[QUERY_MASK_MAX];
    enum status status =
        upstream_loops_name(routes->set->loops, slot, &route_of(routes, slot)->domain, now_ms, &question.name);
    if (status != ST_OK)
        return status;
    struct dns_build build = dns_build_query(bytes, sizeof bytes, 0, &question, 0);
    dns_build_opt(&build, DNS_UDP_LIMIT, false, 0, -1, (struct str){0});
    return query_original_set(query, bytes, dns_build_finish(&build));
}
