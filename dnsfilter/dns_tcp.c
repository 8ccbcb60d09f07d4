#include "dnsfilter/dns_tcp.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/listener.h"

enum {
    MAX_LISTENERS = 128,
    PREFIX_BYTES = 2,
    MAX_WAITING = 256,          /* of one client; then its next queries stay unread */
    MAX_QUEUED_BYTES = 1 << 20, /* answers that a client doesn't read; then it is cut off */
    MESSAGE_MS = 2000,          /* from a message's first bytes to its last */
    LINGER_MS = 1000,
};

static const char alpn[] = "dot"; /* RFC 7858 section 3.1, IANA's registry */

struct dns_tcp_client {
    struct dns_carrier carrier; /* first: a pointer to it is one to the client */
    struct dns_tcp *tcp;
    struct dns_seat seat;
    struct stream *stream;
    struct dns_client who;
    struct timer *timer; /* restarted by whole messages and by answers, so that bytes that trickle in don't count */
    size_t waiting;
    bool begun;     /* a part of a message has come, and the rest is being waited for */
    bool ending;    /* nothing more is read; closed once nothing waits */
    bool lingering; /* counts in the limits until its stream is closed, and does no more */
    TAILQ_HEAD(, dns_query) queries;
    TAILQ_ENTRY(dns_tcp_client) entry;
};

struct place {
    struct dns_tcp *tcp;
    struct listener *listener;
    bool encrypted;
};

struct dns_tcp {
    struct dns_core *core;
    struct place places[MAX_LISTENERS];
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
    dns_seats_leave(&client->tcp->core->seats, &client->seat);
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
    const uint8_t prefix[PREFIX_BYTES] = {(uint8_t)(n >> 8), (uint8_t)n};
    if (!n)
        return;
    if (stream_queued(client->stream) > MAX_QUEUED_BYTES)
        stream_flush(client->stream); /* many have got ready in one round, and it has had no chance to read */
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

/* Time runs anew with each whole message. One that has begun has less, unless it is we who do not read it. */
static void watch_time(struct dns_tcp_client *client, bool served)
{
    int64_t idle_ms = client->tcp->core->settings->tcp_idle_ms;
    bool part = stream_input(client->stream).length && client->waiting < MAX_WAITING && !stream_is_full(client->stream);
    if (part && (served || !client->begun))
        timer_start(client->timer, idle_ms < MESSAGE_MS ? idle_ms : MESSAGE_MS);
    else if (!part && served)
        timer_start(client->timer, idle_ms);
    client->begun = part;
}

/* Serves what has come in as far as it may. May free the client. */
static void step(struct dns_tcp_client *client)
{
    bool served = false;
    while (serve_next(client))
        served = true;
    watch_time(client, served);
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
    client->ending |= client->begun;
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

static void on_wait(struct dns_carrier *carrier, struct dns_query *query)
{
    struct dns_tcp_client *client = (struct dns_tcp_client *)carrier;
    TAILQ_INSERT_TAIL(&client->queries, query, of_client);
    client->waiting++;
}

static void on_answer(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n)
{
    struct dns_tcp_client *client = (struct dns_tcp_client *)carrier;
    TAILQ_REMOVE(&client->queries, query, of_client);
    client->waiting--;
    put_message(client, reply, n);
    timer_start(client->timer, client->ending && !client->waiting ? 0 : client->tcp->core->settings->tcp_idle_ms);
    stream_resume(client->stream); /* on_data() follows if there is more to read */
}

static struct stream *make_stream(const struct place *place, int fd, struct dns_tcp_client *client)
{
    const struct dns_core *core = place->tcp->core;
    if (place->encrypted)
        return tls_server_stream_own(core->loop, fd, core->tls, alpn, &stream_ops, client);
    return stream_new_own(core->loop, fd, &stream_ops, client);
}

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    struct place *place = arg;
    struct dns_tcp *tcp = place->tcp;
    struct dns_tcp_client *client = dns_core_admits(tcp->core, peer) ? calloc(1, sizeof *client) : NULL;
    if (!client || !dns_seats_take(&tcp->core->seats, &client->seat, peer)) {
        free(client);
        close(fd);
        return;
    }
    client->carrier = (struct dns_carrier){.wait = on_wait, .answer = on_answer};
    client->tcp = tcp;
    client->who = (struct dns_client){.peer = {.remote = *peer, .local = *local},
                                      .standing = dns_core_standing(tcp->core, peer),
                                      .encrypted = place->encrypted,
                                      .carrier = &client->carrier};
    TAILQ_INIT(&client->queries);
    client->timer = timer_new(tcp->core->loop, on_timer, client);
    client->stream = make_stream(place, fd, client);
    TAILQ_INSERT_TAIL(&tcp->clients, client, entry);
    tcp->client_count++;
    if (!client->timer || !client->stream) {
        client_cut(client);
        return;
    }
    stream_set_input_limit(client->stream, PREFIX_BYTES + DNS_MESSAGE_MAX);
    timer_start(client->timer, tcp->core->settings->tcp_idle_ms);
}

enum status dns_tcp_listen(struct dns_tcp *tcp, const struct addr *addr, bool encrypted, struct fault *fault)
{
    static const struct listener_ops ops = {.on_accept = on_accept};
    if (tcp->listener_count == MAX_LISTENERS)
        return fault_set(fault, ST_TOO_LARGE, "more than %d addresses to listen at", MAX_LISTENERS);
    struct place *place = &tcp->places[tcp->listener_count];
    *place = (struct place){.tcp = tcp, .encrypted = encrypted};
    enum status status = listener_open(tcp->core->loop, addr, &ops, place, &place->listener, fault);
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
