#include "dnsfilter/dns_tcp.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/stream.h"

enum {
    MAX_LISTENERS = 64,
    PREFIX_BYTES = 2,
    MAX_WAITING = 256,            /* of one client; then its next queries stay unread */
    MAX_QUEUED_BYTES = 1 << 20,   /* answers that a client doesn't read; then it is cut off */
    MAX_PART_OF_ONE_ADDRESS = 10, /* one address may hold a tenth of all connections */
    LINGER_MS = 1000,
};

struct dns_tcp_client {
    struct dns_tcp *tcp;
    struct stream *stream;
    struct dns_client who;
    struct timer *timer; /* restarted by whole messages and by answers, so that bytes that trickle in don't count */
    size_t waiting;
    bool ending;    /* nothing more is read; closed once nothing waits */
    bool lingering; /* counts in the limits until its stream is closed, and does no more */
    TAILQ_HEAD(, dns_query) queries;
    TAILQ_ENTRY(dns_tcp_client) entry;
};

struct dns_tcp {
    struct dns_core *core;
    struct listener *listeners[MAX_LISTENERS];
    size_t listener_count, client_count;
    size_t lingering_count; /* of the clients */
    bool draining;
    TAILQ_HEAD(, dns_tcp_client) clients;
};

enum status dns_tcp_new(struct dns_core *core, struct dns_tcp **result)
{
    struct dns_tcp *tcp = calloc(1, sizeof *tcp);
    if (!tcp)
        return ST_NOMEM;
    tcp->core = core;
    TAILQ_INIT(&tcp->clients);
    *result = tcp;
    return ST_OK;
}

/* All but the stream. */
static void client_free(struct dns_tcp_client *client)
{
    while (!TAILQ_EMPTY(&client->queries)) {
        struct dns_query *query = TAILQ_FIRST(&client->queries);
        TAILQ_REMOVE(&client->queries, query, of_client);
        dns_query_cancel(query);
    }
    TAILQ_REMOVE(&client->tcp->clients, client, entry);
    client->tcp->client_count--;
    client->tcp->lingering_count -= client->lingering;
    timer_free(client->timer);
    free(client);
}

static void client_cut(struct dns_tcp_client *client)
{
    stream_free(client->stream);
    client_free(client);
}

static void on_stream_gone(void *arg)
{
    client_free(arg);
}

/* Closes once all answers are out. */
static void client_finish(struct dns_tcp_client *client)
{
    client->lingering = true;
    client->tcp->lingering_count++;
    timer_stop(client->timer);
    stream_finish_own(client->stream, LINGER_MS, on_stream_gone, client);
}

/* Never frees the client: it is called on the way of a query, which may be this client's own. */
static void put_message(struct dns_tcp_client *client, const uint8_t *reply, size_t n)
{
    uint8_t prefix[PREFIX_BYTES] = {(uint8_t)(n >> 8), (uint8_t)n};
    if (!n)
        return;
    if (stream_queued(client->stream) > MAX_QUEUED_BYTES ||
        stream_write(client->stream, prefix, sizeof prefix) != ST_OK || stream_write(client->stream, reply, n) != ST_OK)
        client->ending = true;
}

/* Takes the next whole message off the input and serves it; false: there is none, or not now. */
static bool serve_next(struct dns_tcp_client *client)
{
    if (client->ending || client->waiting >= MAX_WAITING || stream_is_full(client->stream))
        return false;
    struct str input = stream_input(client->stream);
    struct cursor cursor = cursor_over(input.data, input.length);
    uint16_t length = cursor_u16(&cursor);
    if (cursor.failed)
        return false;
    if (length < DNS_HEADER_BYTES) { /* RFC 7766 section 8: the framing is lost */
        client->ending = true;
        return false;
    }
    const uint8_t *packet = cursor_bytes(&cursor, length);
    if (!packet)
        return false;
    struct dns_core *core = client->tcp->core;
    size_t n = dns_query_receive(core, &client->who, packet, length);
    stream_consume(client->stream, PREFIX_BYTES + length);
    put_message(client, core->out, n);
    return true;
}

/* Serves what has come in as far as it may. May free the client. */
static void step(struct dns_tcp_client *client)
{
    bool served = false;
    while (serve_next(client))
        served = true;
    if (served)
        timer_start(client->timer, client->tcp->core->settings->tcp_idle_ms);
    if (stream_saw_eof(client->stream) && client->waiting < MAX_WAITING && !stream_is_full(client->stream))
        client->ending = true; /* what may be left of the input is no whole message */
    if (client->tcp->draining)
        client->ending = true;
    if (client->ending && !client->waiting)
        client_finish(client);
    else if (client->waiting >= MAX_WAITING || stream_is_full(client->stream))
        stream_pause(client->stream);
    else
        stream_resume(client->stream);
}

static void on_progress(void *arg)
{
    step(arg);
}

static void on_failed(void *arg, enum status status)
{
    (void)status;
    client_cut(arg);
}

static void on_timer(void *arg)
{
    struct dns_tcp_client *client = arg;
    if (client->ending && !client->waiting)
        client_finish(client);
    else if (client->waiting) /* each has a deadline of its own */
        timer_start(client->timer, client->tcp->core->settings->tcp_idle_ms);
    else
        client_cut(client);
}

static const struct stream_ops stream_ops = {
    .on_data = on_progress,
    .on_eof = on_progress,
    .on_drained = on_progress,
    .on_failed = on_failed,
};

void dns_tcp_add_waiting(struct dns_tcp_client *client, struct dns_query *query)
{
    TAILQ_INSERT_TAIL(&client->queries, query, of_client);
    client->waiting++;
}

void dns_tcp_answer(struct dns_tcp_client *client, struct dns_query *query, const uint8_t *reply, size_t n)
{
    TAILQ_REMOVE(&client->queries, query, of_client);
    client->waiting--;
    put_message(client, reply, n);
    timer_start(client->timer, client->ending && !client->waiting ? 0 : client->tcp->core->settings->tcp_idle_ms);
    stream_resume(client->stream); /* on_data() follows if there is more to read */
}

/* One address must not keep all others out. Loopback is everyone on this machine. */
static bool has_room_for(const struct dns_tcp *tcp, const struct addr *peer)
{
    size_t max = tcp->core->settings->max_tcp_clients, same = 0;
    if (tcp->client_count >= max)
        return false;
    if (addr_is_loopback(peer))
        return true;
    struct dns_tcp_client *client;
    TAILQ_FOREACH(client, &tcp->clients, entry)
    same += addr_same_ip(&client->who.peer.remote, peer);
    return same <= max / MAX_PART_OF_ONE_ADDRESS;
}

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    struct dns_tcp *tcp = arg;
    struct dns_tcp_client *client = NULL;
    if (has_room_for(tcp, peer))
        client = calloc(1, sizeof *client);
    if (!client) {
        close(fd);
        return;
    }
    client->tcp = tcp;
    client->who = (struct dns_client){.peer = {.remote = *peer, .local = *local}, .tcp = client};
    TAILQ_INIT(&client->queries);
    client->timer = timer_new(tcp->core->loop, on_timer, client);
    client->stream = stream_new_own(tcp->core->loop, fd, &stream_ops, client);
    TAILQ_INSERT_TAIL(&tcp->clients, client, entry);
    tcp->client_count++;
    if (!client->timer || !client->stream) {
        client_cut(client);
        return;
    }
    stream_set_input_limit(client->stream, PREFIX_BYTES + DNS_MESSAGE_MAX);
    timer_start(client->timer, tcp->core->settings->tcp_idle_ms);
}

enum status dns_tcp_listen(struct dns_tcp *tcp, const struct addr *addr, struct fault *fault)
{
    static const struct listener_ops ops = {.on_accept = on_accept};
    if (tcp->listener_count == MAX_LISTENERS)
        return fault_set(fault, ST_TOO_LARGE, "more than %d addresses to listen at", MAX_LISTENERS);
    enum status status = listener_open(tcp->core->loop, addr, &ops, tcp, &tcp->listeners[tcp->listener_count], fault);
    if (status == ST_OK)
        tcp->listener_count++;
    return status;
}

static void close_listeners(struct dns_tcp *tcp)
{
    while (tcp->listener_count)
        listener_close(tcp->listeners[--tcp->listener_count]);
}

void dns_tcp_drain(struct dns_tcp *tcp)
{
    close_listeners(tcp);
    tcp->draining = true;
    struct dns_tcp_client *client, *next;
    for (client = TAILQ_FIRST(&tcp->clients); client; client = next) {
        next = TAILQ_NEXT(client, entry);
        if (!client->lingering)
            step(client);
    }
}

void dns_tcp_free(struct dns_tcp *tcp)
{
    if (!tcp)
        return;
    close_listeners(tcp);
    while (!TAILQ_EMPTY(&tcp->clients))
        client_cut(TAILQ_FIRST(&tcp->clients));
    free(tcp);
}

size_t dns_tcp_client_count(const struct dns_tcp *tcp)
{
    return tcp->client_count - tcp->lingering_count;
}
