#include "dnsfilter/dns_clients.h"

#include <stdlib.h>
#include <unistd.h>

enum { LINGER_MS = 1000 };

void dns_clients_init(struct dns_clients *clients, struct dns_core *core, const struct dns_clients_ops *ops)
{
    clients->core = core;
    clients->ops = ops;
    TAILQ_INIT(&clients->connections);
}

struct dns_connection *dns_clients_admit_own(struct dns_clients *clients, int fd, const struct addr *peer,
                                             const struct addr *local, bool encrypted, size_t size)
{
    struct dns_core *core = clients->core;
    struct dns_connection *connection = calloc(1, size);
    if (!connection || !dns_seats_take(&core->seats, &connection->seat, peer)) {
        free(connection);
        close(fd);
        return NULL;
    }
    connection->carrier = (struct dns_carrier){.wait = clients->ops->wait, .answer = clients->ops->answer};
    connection->all = clients;
    connection->who = (struct dns_client){.peer = {.remote = *peer, .local = *local},
                                          .standing = dns_core_standing(core, peer),
                                          .encrypted = encrypted,
                                          .carrier = &connection->carrier};
    connection->timer = timer_new(core->loop, clients->ops->on_timer, connection);
    TAILQ_INIT(&connection->queries);
    TAILQ_INSERT_TAIL(&clients->connections, connection, entry);
    clients->count++;
    return connection;
}

void dns_connection_keep(struct dns_connection *connection, struct dns_query *query)
{
    TAILQ_INSERT_TAIL(&connection->queries, query, of_client);
    connection->waiting++;
}

void dns_connection_drop(struct dns_connection *connection, struct dns_query *query)
{
    TAILQ_REMOVE(&connection->queries, query, of_client);
    connection->waiting--;
}

/* All but the stream. */
static void free_connection(struct dns_connection *connection)
{
    struct dns_clients *clients = connection->all;
    while (!TAILQ_EMPTY(&connection->queries)) {
        struct dns_query *query = TAILQ_FIRST(&connection->queries);
        dns_connection_drop(connection, query);
        dns_query_cancel(query);
    }
    TAILQ_REMOVE(&clients->connections, connection, entry);
    dns_seats_leave(&clients->core->seats, &connection->seat);
    clients->count--;
    clients->lingering_count -= connection->lingering;
    timer_free(connection->timer);
    if (clients->ops->release)
        clients->ops->release(connection);
    free(connection);
}

void dns_connection_cut(struct dns_connection *connection)
{
    stream_free(connection->stream);
    free_connection(connection);
}

static void on_stream_gone(void *arg)
{
    free_connection(arg);
}

void dns_connection_finish(struct dns_connection *connection)
{
    connection->lingering = true;
    connection->all->lingering_count++;
    timer_stop(connection->timer);
    stream_finish_own(connection->stream, LINGER_MS, on_stream_gone, connection);
}

void dns_connection_restart_timer(struct dns_connection *connection)
{
    timer_start(connection->timer, connection->all->core->settings->tcp_idle_ms);
}

void dns_clients_drain(struct dns_clients *clients)
{
    struct dns_connection *connection, *next;
    clients->draining = true;
    for (connection = TAILQ_FIRST(&clients->connections); connection; connection = next) {
        next = TAILQ_NEXT(connection, entry);
        if (!connection->lingering)
            clients->ops->step(connection);
    }
}

void dns_clients_cut_all(struct dns_clients *clients)
{
    while (!TAILQ_EMPTY(&clients->connections))
        dns_connection_cut(TAILQ_FIRST(&clients->connections));
}

size_t dns_clients_count(const struct dns_clients *clients)
{
    return clients->count - clients->lingering_count;
}
