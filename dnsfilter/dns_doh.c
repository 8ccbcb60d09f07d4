#include "dnsfilter/dns_doh.h"

#include <stdlib.h>
#include <unistd.h>

#include "dnsfilter/dns_clients.h"
#include "dnsfilter/doh_request.h"
#include "message/dns_opt.h"
#include "net/listener.h"

enum {
    MAX_LISTENERS = 64,
    MAX_REQUESTS = 100, /* of one client at once; RFC 9113 section 6.5.2 wants no less */
    MAX_HEAD_BYTES = 16 << 10,
};

static const char alpn[] = "h2";

/* The timer is restarted by requests and by answers. */
struct doh_client {
    struct dns_connection connection;
    struct http2_session *session;
    bool busy;   /* within its session, which sends afterwards */
    bool active; /* a request has come in this step */
    bool kept;   /* the query that was received last waits */
};

struct dns_doh {
    struct dns_clients clients; /* first */
    struct listener *listeners[MAX_LISTENERS];
    size_t listener_count;
    uint8_t message[DOH_MESSAGE_MAX]; /* of the one request that is read */
};

/* Its clients are the first thing that it has. */
static struct dns_doh *doh_of(const struct doh_client *client)
{
    return (struct dns_doh *)client->connection.all;
}

static void release(struct dns_connection *connection)
{
    http2_session_free(((struct doh_client *)connection)->session);
}

static enum status send_ready(struct doh_client *client)
{
    return http2_session_send(client->session, client->connection.stream);
}

static void finish(struct doh_client *client)
{
    http2_session_end(client->session);
    if (send_ready(client) != ST_OK)
        dns_connection_cut(&client->connection);
    else
        dns_connection_finish(&client->connection);
}

/* Requests and answers */

static void answer(struct doh_client *client, int32_t id, const uint8_t *reply, size_t n)
{
    if (!n) {
        http2_session_refuse(client->session, id);
        return;
    }
    struct http2_answer made = {.status = 200,
                                .content_type = "application/dns-message",
                                .max_age_s = dns_least_ttl_s(reply, n),
                                .body = {(const char *)reply, n}};
    http2_session_answer(client->session, id, &made);
}

static void on_request(void *arg, const struct http2_request *request)
{
    struct doh_client *client = arg;
    struct dns_doh *doh = doh_of(client);
    struct dns_core *core = doh->clients.core;
    struct str message = {0};
    unsigned status = doh_request_read(request, doh->message, &message);
    client->active = true;
    if (status != 200) {
        http2_session_answer(
            client->session, request->id,
            &(struct http2_answer){.status = status, .allow = status == 405 ? "GET, POST" : NULL, .max_age_s = -1});
        return;
    }
    struct dns_client who = client->connection.who;
    who.request = request->id;
    client->kept = false;
    size_t n = dns_query_receive(core, &who, (const uint8_t *)message.data, message.length);
    if (!client->kept)
        answer(client, request->id, core->out, n);
}

static void on_cancelled(void *arg, int32_t id)
{
    struct doh_client *client = arg;
    struct dns_query *query;
    TAILQ_FOREACH(query, &client->connection.queries, of_client)
    {
        if (query->client.request != id)
            continue;
        dns_connection_drop(&client->connection, query);
        dns_query_cancel(query);
        return;
    }
}

static void on_wait(struct dns_carrier *carrier, struct dns_query *query)
{
    struct doh_client *client = (struct doh_client *)carrier;
    dns_connection_keep(&client->connection, query);
    client->kept = true;
}

/* Never frees the client: it is called on the way of a query, which may be this client's own. */
static void on_answer(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n)
{
    struct doh_client *client = (struct doh_client *)carrier;
    struct dns_connection *connection = &client->connection;
    dns_connection_drop(connection, query);
    answer(client, query->client.request, reply, n);
    if (!client->busy && send_ready(client) != ST_OK)
        connection->ending = true;
    if (connection->ending && !connection->waiting)
        timer_start(connection->timer, 0);
    else
        dns_connection_restart_timer(connection);
}

/* Reads what has come and sends what is ready. */
static void step(struct dns_connection *connection)
{
    struct doh_client *client = (struct doh_client *)connection;
    struct str input = stream_input(connection->stream);
    client->active = false;
    client->busy = true;
    if (!connection->ending && input.length &&
        http2_session_receive(client->session, input.data, input.length) != ST_OK)
        connection->ending = true;
    stream_consume(connection->stream, input.length);
    if (send_ready(client) != ST_OK)
        connection->ending = true;
    client->busy = false;
    connection->ending |=
        connection->all->draining || stream_saw_eof(connection->stream) || http2_session_is_over(client->session);
    if (client->active)
        dns_connection_restart_timer(connection);
    if (connection->ending && !connection->waiting && !stream_is_full(connection->stream))
        finish(client);
    else if (stream_is_full(connection->stream))
        stream_pause(connection->stream);
    else
        stream_resume(connection->stream);
}

static void on_progress(void *arg)
{
    step(arg);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    dns_connection_cut(arg);
}

static void on_timer(void *arg)
{
    struct dns_connection *connection = arg;
    if (connection->waiting && !connection->ending) /* each has a deadline of its own */
        dns_connection_restart_timer(connection);
    else if (!connection->waiting)
        finish(arg);
}

/* Listening */

enum status dns_doh_new(struct dns_core *core, struct dns_doh **result)
{
    static const struct dns_clients_ops ops = {
        .wait = on_wait, .answer = on_answer, .on_timer = on_timer, .step = step, .release = release};
    struct dns_doh *doh = calloc(1, sizeof *doh);
    if (!doh)
        return ST_NOMEM;
    dns_clients_init(&doh->clients, core, &ops);
    *result = doh;
    return ST_OK;
}

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    static const struct stream_ops stream_ops = {
        .on_data = on_progress, .on_eof = on_progress, .on_drained = on_progress, .on_failed = on_failed};
    static const struct http2_settings settings = {
        .max_requests = MAX_REQUESTS, .max_head_bytes = MAX_HEAD_BYTES, .max_body_bytes = DOH_MESSAGE_MAX};
    static const struct http2_ops ops = {.on_request = on_request, .on_cancelled = on_cancelled};
    struct dns_doh *doh = arg;
    struct dns_core *core = doh->clients.core;
    if (dns_core_standing(core, peer) == DNS_STRANGER) {
        close(fd);
        return;
    }
    struct dns_connection *connection =
        dns_clients_admit_own(&doh->clients, fd, peer, local, true, sizeof(struct doh_client));
    if (!connection)
        return;
    struct doh_client *client = (struct doh_client *)connection;
    client->session = http2_session_new(&settings, &ops, client);
    connection->stream = tls_server_stream_own(core->loop, fd, core->tls, alpn, &stream_ops, connection);
    if (!connection->timer || !client->session || !connection->stream) {
        dns_connection_cut(connection);
        return;
    }
    dns_connection_restart_timer(connection);
}

enum status dns_doh_listen(struct dns_doh *doh, const struct addr *addr, struct fault *fault)
{
    static const struct listener_ops ops = {.on_accept = on_accept};
    if (doh->listener_count == MAX_LISTENERS)
        return fault_set(fault, ST_TOO_LARGE, "more than %d addresses to listen at", MAX_LISTENERS);
    enum status status =
        listener_open(doh->clients.core->loop, addr, &ops, doh, &doh->listeners[doh->listener_count], fault);
    if (status == ST_OK)
        doh->listener_count++;
    return status;
}

struct addr dns_doh_addr(const struct dns_doh *doh, size_t index)
{
    return listener_addr(doh->listeners[index]);
}

static void close_listeners(struct dns_doh *doh)
{
    while (doh->listener_count)
        listener_close(doh->listeners[--doh->listener_count]);
}

void dns_doh_drain(struct dns_doh *doh)
{
    close_listeners(doh);
    dns_clients_drain(&doh->clients);
}

void dns_doh_free(struct dns_doh *doh)
{
    if (!doh)
        return;
    close_listeners(doh);
    dns_clients_cut_all(&doh->clients);
    free(doh);
}

size_t dns_doh_client_count(const struct dns_doh *doh)
{
    return dns_clients_count(&doh->clients);
}
