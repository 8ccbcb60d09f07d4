#include "dnsfilter/dns_tcp.h"

#include <stdlib.h>
#include <unistd.h>

#include "dnsfilter/dns_clients.h"
#include "net/listener.h"

enum {
    MAX_LISTENERS = 128,
    PREFIX_BYTES = 2,
    MAX_WAITING = 256,          /* of one client; then its next queries stay unread */
    MAX_QUEUED_BYTES = 1 << 20, /* answers that a client doesn't read; then it is cut off */
    MESSAGE_MS = 2000,          /* from a message's first bytes to its last */
};

static const char alpn[] = "dot"; /* RFC 7858 section 3.1, IANA's registry */

/* The timer is restarted by whole messages and by answers, so that bytes that trickle in don't count. */
struct tcp_client {
    struct dns_connection connection;
    bool begun; /* a part of a message has come, and the rest is being waited for */
};

struct place {
    struct dns_tcp *tcp;
    struct listener *listener;
    bool encrypted;
};

struct dns_tcp {
    struct dns_clients clients;
    struct place places[MAX_LISTENERS];
    size_t listener_count;
};

/* Never frees the connection: it is called on the way of a query, which may be this one's own. */
static void put_message(struct dns_connection *connection, const uint8_t *reply, size_t n)
{
    const uint8_t prefix[PREFIX_BYTES] = {(uint8_t)(n >> 8), (uint8_t)n};
    struct stream *stream = connection->stream;
    if (!n)
        return;
    if (stream_queued(stream) > MAX_QUEUED_BYTES)
        stream_flush(stream); /* many have got ready in one round, and it has had no chance to read */
    if (stream_queued(stream) > MAX_QUEUED_BYTES || stream_write(stream, prefix, sizeof prefix) != ST_OK ||
        stream_write(stream, reply, n) != ST_OK)
        connection->ending = true;
}

/* It is we who do not read. */
static bool is_held(const struct dns_connection *connection)
{
    return connection->waiting >= MAX_WAITING || stream_is_full(connection->stream);
}

/* Takes the next whole message off the input and serves it; false: there is none, or not now. */
static bool serve_next(struct dns_connection *connection)
{
    if (connection->ending || is_held(connection))
        return false;
    struct str input = stream_input(connection->stream);
    struct cursor cursor = cursor_over(input.data, input.length);
    uint16_t length = cursor_u16(&cursor);
    if (cursor.failed)
        return false;
    if (length < DNS_HEADER_BYTES) { /* RFC 7766 section 8: the framing is lost */
        connection->ending = true;
        return false;
    }
    const uint8_t *packet = cursor_bytes(&cursor, length);
    if (!packet)
        return false;
    struct dns_core *core = connection->all->core;
    size_t n = dns_query_receive(core, &connection->who, packet, length);
    stream_consume(connection->stream, PREFIX_BYTES + length);
    put_message(connection, core->out, n);
    return true;
}

/* Time runs anew with each whole message. One that has begun has less, unless it is we who do not read it. */
static void watch_time(struct tcp_client *client, bool served)
{
    struct dns_connection *connection = &client->connection;
    int64_t idle_ms = connection->all->core->settings->tcp_idle_ms;
    bool part = stream_input(connection->stream).length && !is_held(connection);
    if (part && (served || !client->begun))
        timer_start(connection->timer, idle_ms < MESSAGE_MS ? idle_ms : MESSAGE_MS);
    else if (!part && served)
        timer_start(connection->timer, idle_ms);
    client->begun = part;
}

/* Serves what has come in as far as it may. */
static void step(struct dns_connection *connection)
{
    bool served = false;
    while (serve_next(connection))
        served = true;
    watch_time((struct tcp_client *)connection, served);
    if (stream_saw_eof(connection->stream) && !is_held(connection))
        connection->ending = true; /* what may be left of the input is no whole message */
    if (connection->all->draining)
        connection->ending = true;
    if (connection->ending && !connection->waiting)
        dns_connection_finish(connection);
    else if (is_held(connection))
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
    connection->ending |= ((struct tcp_client *)connection)->begun;
    if (connection->ending && !connection->waiting)
        dns_connection_finish(connection);
    else if (connection->waiting) /* each has a deadline of its own */
        dns_connection_restart_timer(connection);
    else
        dns_connection_cut(connection);
}

static void on_wait(struct dns_carrier *carrier, struct dns_query *query)
{
    dns_connection_keep((struct dns_connection *)carrier, query);
}

static void on_answer(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n)
{
    struct dns_connection *connection = (struct dns_connection *)carrier;
    dns_connection_drop(connection, query);
    put_message(connection, reply, n);
    if (connection->ending && !connection->waiting)
        timer_start(connection->timer, 0);
    else
        dns_connection_restart_timer(connection);
    stream_resume(connection->stream); /* on_data() follows if there is more to read */
}

static const struct dns_clients_ops clients_ops = {
    .wait = on_wait, .answer = on_answer, .on_timer = on_timer, .step = step};

enum status dns_tcp_new(struct dns_core *core, struct dns_tcp **result)
{
    struct dns_tcp *tcp = calloc(1, sizeof *tcp);
    if (!tcp)
        return ST_NOMEM;
    dns_clients_init(&tcp->clients, core, &clients_ops);
    *result = tcp;
    return ST_OK;
}

static struct stream *make_stream(const struct place *place, int fd, struct dns_connection *connection)
{
    static const struct stream_ops ops = {
        .on_data = on_progress, .on_eof = on_progress, .on_drained = on_progress, .on_failed = on_failed};
    const struct dns_core *core = place->tcp->clients.core;
    if (place->encrypted)
        return tls_server_stream_own(core->loop, fd, core->tls, alpn, &ops, connection);
    return stream_new_own(core->loop, fd, &ops, connection);
}

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    struct place *place = arg;
    struct dns_clients *clients = &place->tcp->clients;
    if (!dns_core_admits(clients->core, peer)) {
        close(fd);
        return;
    }
    struct dns_connection *connection =
        dns_clients_admit_own(clients, fd, peer, local, place->encrypted, sizeof(struct tcp_client));
    if (!connection)
        return;
    connection->stream = make_stream(place, fd, connection);
    if (!connection->timer || !connection->stream) {
        dns_connection_cut(connection);
        return;
    }
    stream_set_input_limit(connection->stream, PREFIX_BYTES + DNS_MESSAGE_MAX);
    dns_connection_restart_timer(connection);
}

enum status dns_tcp_listen(struct dns_tcp *tcp, const struct addr *addr, bool encrypted, struct fault *fault)
{
    static const struct listener_ops ops = {.on_accept = on_accept};
    if (tcp->listener_count == MAX_LISTENERS)
        return fault_set(fault, ST_TOO_LARGE, "more than %d addresses to listen at", MAX_LISTENERS);
    struct place *place = &tcp->places[tcp->listener_count];
    *place = (struct place){.tcp = tcp, .encrypted = encrypted};
    enum status status = listener_open(tcp->clients.core->loop, addr, &ops, place, &place->listener, fault);
    if (status == ST_OK)
        tcp->listener_count++;
    return status;
}

struct addr dns_tcp_addr(const struct dns_tcp *tcp, size_t index)
{
    return listener_addr(tcp->places[index].listener);
}

static void close_listeners(struct dns_tcp *tcp)
{
    while (tcp->listener_count)
        listener_close(tcp->places[--tcp->listener_count].listener);
}

void dns_tcp_drain(struct dns_tcp *tcp)
{
    close_listeners(tcp);
    dns_clients_drain(&tcp->clients);
}

void dns_tcp_free(struct dns_tcp *tcp)
{
    if (!tcp)
        return;
    close_listeners(tcp);
    dns_clients_cut_all(&tcp->clients);
    free(tcp);
}

size_t dns_tcp_client_count(const struct dns_tcp *tcp)
{
    return dns_clients_count(&tcp->clients);
}
