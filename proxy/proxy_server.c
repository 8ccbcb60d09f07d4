#include "proxy/proxy_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "callbacks/socket_owner.h"
#include "net/listener.h"
#include "net/original_dst.h"
#include "net/socket.h"
#include "proxy/client_counts.h"
#include "proxy/http_answer.h"
#include "proxy/http_client.h"
#include "proxy/proxy_auth.h"

enum {
    SETTINGS_BYTES = 1 << 20,
    MAX_IDLE_ORIGINS = 256,
    ORIGIN_IDLE_MS = 30000, /* servers close idle connections after 5 to 75 s; a stale one costs a retry */
};

struct door {
    struct proxy_server *server;
    enum http_door kind;
    struct listener *listener;
};

struct proxy_server {
    struct proxy_context context;
    struct proxy_settings settings;
    struct arena *arena; /* of the settings' arrays and the doors */
    struct door *doors;
    size_t door_count; /* that are open */
    bool loop_told;
};

static enum status copy_settings(struct proxy_server *server, const struct proxy_settings *from)
{
    struct proxy_settings *to = &server->settings;
    struct arena *arena = server->arena = arena_new(SETTINGS_BYTES);
    if (!arena)
        return ST_NOMEM;
    *to = *from;
    void *clients = arena_copy(arena, from->allow_clients, from->allow_client_count * sizeof(struct network));
    void *allowed = arena_copy(arena, from->allow_destinations, from->allow_destination_count * sizeof(struct network));
    void *own = arena_copy(arena, from->own, from->own_count * sizeof(struct addr));
    void *ports = arena_copy(arena, from->connect_ports, from->connect_port_count * sizeof(uint16_t));
    void *socks_ports = arena_copy(arena, from->socks_ports, from->socks_port_count * sizeof(uint16_t));
    to->contact = from->contact ? arena_copy(arena, from->contact, strlen(from->contact)) : NULL;
    size_t doors = from->listen_count + from->socks_listen_count + from->transparent_listen_count;
    server->doors = arena_alloc(arena, doors * sizeof *server->doors);
    if (!clients || !allowed || !own || !ports || !socks_ports || !server->doors || (from->contact && !to->contact))
        return ST_NOMEM;
    to->listen = to->socks_listen = to->transparent_listen = NULL; /* not needed once they are open */
    to->allow_clients = clients;
    to->allow_destinations = allowed;
    to->own = own;
    to->connect_ports = ports;
    to->socks_ports = socks_ports;
    server->context.egress = (struct egress){.private = to->private_networks,
                                             .allowed = allowed,
                                             .allowed_count = to->allow_destination_count,
                                             .own = own,
                                             .own_count = to->own_count,
                                             .connect_ports = ports,
                                             .connect_port_count = to->connect_port_count,
                                             .socks_ports = socks_ports,
                                             .socks_port_count = to->socks_port_count};
    return ST_OK;
}

/* Without a stream or a transaction, which are what there is too much of. */
static void turn_away(struct proxy_context *proxy, int fd, enum http_door kind, enum http_answer answer)
{
    proxy->counters.refused++;
    if (kind != HTTP_DOOR_SOCKS) /* of a redirected one nobody knows yet whether it is HTTP; most likely */
        http_answer_build(&proxy->out, answer, HTTP_REJECT_NONE, proxy_context_date(proxy), false, false);
    socket_turn_away_own(fd, &proxy->out);
    buf_clear(&proxy->out);
}

/* Our own connection to a server, which the firewall's rules had to leave alone: what it asks for would be dialled,
 * redirected and asked for again without an end. Programs of this machine are redirected to loopback. */
static bool is_our_own(struct proxy_server *server, const struct http_arrival *arrival)
{
    struct callback callback = {.client = arrival->peer, .local = arrival->original};
    struct socket_owner owner;
    if (!addr_is_loopback(&arrival->local) || !socket_owner_ask(&callback, &owner) || owner.uid != geteuid())
        return false;
    if (!server->loop_told)
        log_error("the firewall redirects ccward's own connections to ccward, which are refused: its rules must leave "
                  "out those of user %u (docs/transparent.md)",
                  (unsigned)owner.uid);
    server->loop_told = true;
    return true;
}

/* Why a redirected connection is none that can be served, or ANSWER_NONE. */
static enum http_answer find_original(struct proxy_server *server, int fd, struct http_arrival *arrival)
{
    if (original_dst_find(fd, &arrival->original) != ST_OK)
        return ANSWER_NOT_REDIRECTED;
    return is_our_own(server, arrival) ? ANSWER_LOOP : ANSWER_NONE;
}

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    const struct door *door = arg;
    struct proxy_server *server = door->server;
    struct proxy_context *proxy = &server->context;
    struct http_arrival arrival = {.door = door->kind, .peer = *peer, .local = *local};
    if (!proxy_context_serves(proxy, http_arrival_whence(&arrival))) {
        proxy->counters.refused++;
        close(fd);
        return;
    }
    enum http_answer fault = door->kind == HTTP_DOOR_REDIRECTED ? find_original(server, fd, &arrival) : ANSWER_NONE;
    if (fault != ANSWER_NONE) {
        turn_away(proxy, fd, door->kind, fault);
        return;
    }
    if (client_counts_add(server->settings.clients, peer) != ST_OK) {
        turn_away(proxy, fd, door->kind, ANSWER_TOO_MANY_CLIENTS);
        return;
    }
    if (http_client_open_own(proxy, fd, &arrival) != ST_OK)
        client_counts_remove(server->settings.clients, peer);
}

static void on_client_gone(struct proxy_context *proxy, const struct addr *peer)
{
    client_counts_remove(proxy->settings->clients, peer);
}

static enum status open_doors(struct proxy_server *server, enum http_door kind, const struct addr *listen, size_t count,
                              struct fault *fault)
{
    static const struct listener_ops ops = {.on_accept = on_accept};
    for (size_t i = 0; i < count; i++) {
        struct door *door = &server->doors[server->door_count];
        *door = (struct door){.server = server, .kind = kind};
        enum status status = listener_open(server->context.loop, &listen[i], &ops, door, &door->listener, fault);
        if (status != ST_OK)
            return status;
        server->door_count++;
    }
    return ST_OK;
}

static enum status open_auth(struct proxy_server *server, const struct proxy_settings *settings, struct fault *fault)
{
    struct proxy_context *proxy = &server->context;
    enum status status =
        proxy_auth_new(proxy->loop, settings->checker, settings->strikes, settings->users, &proxy->auth);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "users of the proxy cannot be checked: out of memory");
}

static enum status open_all_doors(struct proxy_server *server, const struct proxy_settings *settings,
                                  struct fault *fault)
{
    enum status status = open_doors(server, HTTP_DOOR_PROXY, settings->listen, settings->listen_count, fault);
    if (status == ST_OK)
        status = open_doors(server, HTTP_DOOR_SOCKS, settings->socks_listen, settings->socks_listen_count, fault);
    if (status == ST_OK)
        status = open_doors(server, HTTP_DOOR_REDIRECTED, settings->transparent_listen,
                            settings->transparent_listen_count, fault);
    return status;
}

enum status proxy_server_open(struct loop *loop, const struct proxy_settings *settings, struct judge *judge,
                              struct resolver *resolver, struct proxy_server **out, struct fault *fault)
{
    struct proxy_server *server = calloc(1, sizeof *server);
    if (!server)
        return fault_set(fault, ST_NOMEM, "out of memory");
    server->context = (struct proxy_context){.loop = loop,
                                             .server = server,
                                             .judge = judge,
                                             .resolver = resolver,
                                             .settings = &server->settings,
                                             .on_client_gone = on_client_gone,
                                             .date_s = -1};
    server->context.pool = origin_pool_new(MAX_IDLE_ORIGINS, ORIGIN_IDLE_MS);
    enum status status = copy_settings(server, settings);
    if (!server->context.pool || status != ST_OK)
        status = fault_set(fault, ST_NOMEM, "out of memory");
    if (status == ST_OK && http_via_init(&server->context.via) != ST_OK)
        status = fault_set(fault, ST_IO, "no random numbers to be had");
    if (status == ST_OK && settings->users)
        status = open_auth(server, settings, fault);
    if (status == ST_OK)
        status = open_all_doors(server, settings, fault);
    if (status != ST_OK) {
        proxy_server_close(server);
        return status;
    }
    *out = server;
    return ST_OK;
}

void proxy_server_set_users(struct proxy_server *server, struct proxy_users *users)
{
    proxy_auth_set_users(server->context.auth, users);
}

static void close_listeners(struct proxy_server *server)
{
    while (server->door_count)
        listener_close(server->doors[--server->door_count].listener);
}

void proxy_server_drain(struct proxy_server *server)
{
    struct http_client *client = LIST_FIRST(&server->context.clients);
    server->context.draining = true;
    close_listeners(server);
    while (client) {
        struct http_client *next = LIST_NEXT(client, entry);
        http_client_drain(client);
        client = next;
    }
}

bool proxy_server_idle(const struct proxy_server *server)
{
    return server->context.client_count == server->context.lingering_count;
}

void proxy_server_close(struct proxy_server *server)
{
    if (!server)
        return;
    struct proxy_context *proxy = &server->context;
    close_listeners(server);
    while (!LIST_EMPTY(&proxy->clients))
        http_client_close(LIST_FIRST(&proxy->clients));
    proxy_auth_free(proxy->auth);
    http_txn_free_spare(proxy);
    origin_pool_free(proxy->pool);
    buf_free(&proxy->out);
    arena_free(server->arena);
    free(server);
}

const struct proxy_counters *proxy_server_counters(const struct proxy_server *server)
{
    return &server->context.counters;
}

struct addr proxy_server_addr(const struct proxy_server *server, size_t index)
{
    return listener_addr(server->doors[index].listener);
}
