#include "dnsfilter/dns_doh.h"

#include <stdlib.h>
#include <unistd.h>

#include "dnsfilter/doh_request.h"
#include "message/dns_opt.h"
#include "net/listener.h"

enum {
    MAX_LISTENERS = 64,
    MAX_REQUESTS = 100, /* of one client at once; RFC 9113 section 6.5.2 wants no less */
    MAX_HEAD_BYTES = 16 << 10,
    LINGER_MS = 1000,
};

static const char alpn[] = "h2";

struct doh_client {
    struct dns_carrier carrier; /* first: a pointer to it is one to the client */
    struct dns_doh *doh;
    struct dns_seat seat;
    struct stream *stream;
    struct http2_session *session;
    struct dns_client who;
    struct timer *timer; /* restarted by requests and by answers */
    size_t waiting;
    bool busy;      /* within its session, which sends afterwards */
    bool active;    /* a request has come in this step */
    bool kept;      /* the query that was received last waits */
    bool ending;    /* nothing more is read; closed once nothing waits */
    bool lingering; /* counts in the limits until its stream is closed, and does no more */
    TAILQ_HEAD(, dns_query) queries;
    TAILQ_ENTRY(doh_client) entry;
};

struct dns_doh {
    struct dns_core *core;
    struct listener *listeners[MAX_LISTENERS];
    size_t listener_count, client_count, lingering_count;
    bool draining;
    TAILQ_HEAD(, doh_client) clients;
    uint8_t message[DOH_MESSAGE_MAX]; /* of the one request that is read */
};

enum status dns_doh_new(struct dns_core *core, struct dns_doh **result)
{
    struct dns_doh *doh = calloc(1, sizeof *doh);
    if (!doh)
        return ST_NOMEM;
    doh->core = core;
    TAILQ_INIT(&doh->clients);
    *result = doh;
    return ST_OK;
}

/* The end of a client */

static void forget(struct doh_client *client, struct dns_query *query)
{
    TAILQ_REMOVE(&client->queries, query, of_client);
    client->waiting--;
    dns_query_cancel(query);
}

/* All but the stream. */
static void client_free(struct doh_client *client)
{
    while (!TAILQ_EMPTY(&client->queries))
        forget(client, TAILQ_FIRST(&client->queries));
    TAILQ_REMOVE(&client->doh->clients, client, entry);
    dns_seats_leave(&client->doh->core->seats, &client->seat);
    client->doh->client_count--;
    client->doh->lingering_count -= client->lingering;
    http2_session_free(client->session);
    timer_free(client->timer);
    free(client);
}

static void client_cut(struct doh_client *client)
{
    stream_free(client->stream);
    client_free(client);
}

static void on_stream_gone(void *arg)
{
    client_free(arg);
}

static void client_finish(struct doh_client *client)
{
    client->lingering = true;
    client->doh->lingering_count++;
    timer_stop(client->timer);
    http2_session_end(client->session);
    if (http2_session_send(client->session, client->stream) != ST_OK)
        client_cut(client);
    else
        stream_finish_own(client->stream, LINGER_MS, on_stream_gone, client);
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
    struct dns_core *core = client->doh->core;
    struct str message = {0};
    unsigned status = doh_request_read(request, client->doh->message, &message);
    client->active = true;
    if (status != 200) {
        http2_session_answer(
            client->session, request->id,
            &(struct http2_answer){.status = status, .allow = status == 405 ? "GET, POST" : NULL, .max_age_s = -1});
        return;
    }
    struct dns_client who = client->who;
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
    TAILQ_FOREACH(query, &client->queries, of_client)
    {
        if (query->client.request != id)
            continue;
        forget(client, query);
        return;
    }
}

static void on_wait(struct dns_carrier *carrier, struct dns_query *query)
{
    struct doh_client *client = (struct doh_client *)carrier;
    TAILQ_INSERT_TAIL(&client->queries, query, of_client);
    client->waiting++;
    client->kept = true;
}

/* Never frees the client: it is called on the way of a query, which may be this client's own. */
static void on_answer(struct dns_carrier *carrier, struct dns_query *query, const uint8_t *reply, size_t n)
{
    struct doh_client *client = (struct doh_client *)carrier;
    TAILQ_REMOVE(&client->queries, query, of_client);
    client->waiting--;
    answer(client, query->client.request, reply, n);
    if (!client->busy && http2_session_send(client->session, client->stream) != ST_OK)
        client->ending = true;
    timer_start(client->timer, client->ending && !client->waiting ? 0 : client->doh->core->settings->tcp_idle_ms);
}

/* Reads what has come and sends what is ready. May free the client. */
static void step(struct doh_client *client)
{
    struct str input = stream_input(client->stream);
    client->active = false;
    client->busy = true;
    if (!client->ending && input.length && http2_session_receive(client->session, input.data, input.length) != ST_OK)
        client->ending = true;
    stream_consume(client->stream, input.length);
    if (http2_session_send(client->session, client->stream) != ST_OK)
        client->ending = true;
    client->busy = false;
    client->ending |= client->doh->draining || stream_saw_eof(client->stream) || http2_session_is_over(client->session);
    if (client->active)
        timer_start(client->timer, client->doh->core->settings->tcp_idle_ms);
    if (client->ending && !client->waiting && !stream_is_full(client->stream))
        client_finish(client);
    else if (stream_is_full(client->stream))
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
    struct doh_client *client = arg;
    if (client->waiting && !client->ending) /* each has a deadline of its own */
        timer_start(client->timer, client->doh->core->settings->tcp_idle_ms);
    else if (!client->waiting)
        client_finish(client);
}

/* Listening */

static void on_accept(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
    static const struct stream_ops stream_ops = {
        .on_data = on_progress, .on_eof = on_progress, .on_drained = on_progress, .on_failed = on_failed};
    static const struct http2_settings settings = {
        .max_requests = MAX_REQUESTS, .max_head_bytes = MAX_HEAD_BYTES, .max_body_bytes = DOH_MESSAGE_MAX};
    static const struct http2_ops ops = {.on_request = on_request, .on_cancelled = on_cancelled};
    struct dns_doh *doh = arg;
    struct dns_core *core = doh->core;
    enum dns_standing standing = dns_core_standing(core, peer);
    struct doh_client *client = standing == DNS_STRANGER ? NULL : calloc(1, sizeof *client);
    if (!client || !dns_seats_take(&core->seats, &client->seat, peer)) {
        free(client);
        close(fd);
        return;
    }
    client->carrier = (struct dns_carrier){.wait = on_wait, .answer = on_answer};
    client->doh = doh;
    client->who = (struct dns_client){.peer = {.remote = *peer, .local = *local},
                                      .standing = standing,
                                      .encrypted = true,
                                      .carrier = &client->carrier};
    TAILQ_INIT(&client->queries);
    client->timer = timer_new(core->loop, on_timer, client);
    client->session = http2_session_new(&settings, &ops, client);
    client->stream = tls_server_stream_own(core->loop, fd, core->tls, alpn, &stream_ops, client);
    TAILQ_INSERT_TAIL(&doh->clients, client, entry);
    doh->client_count++;
    if (!client->timer || !client->session || !client->stream) {
        client_cut(client);
        return;
    }
    timer_start(client->timer, core->settings->tcp_idle_ms);
}

enum status dns_doh_listen(struct dns_doh *doh, const struct addr *addr, struct fault *fault)
{
    static const struct listener_ops ops = {.on_accept = on_accept};
    if (doh->listener_count == MAX_LISTENERS)
        return fault_set(fault, ST_TOO_LARGE, "more than %d addresses to listen at", MAX_LISTENERS);
    enum status status = listener_open(doh->core->loop, addr, &ops, doh, &doh->listeners[doh->listener_count], fault);
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
    doh->draining = true;
    struct doh_client *client, *next;
    for (client = TAILQ_FIRST(&doh->clients); client; client = next) {
        next = TAILQ_NEXT(client, entry);
        if (!client->lingering)
            step(client);
    }
}

void dns_doh_free(struct dns_doh *doh)
{
    if (!doh)
        return;
    close_listeners(doh);
    while (!TAILQ_EMPTY(&doh->clients))
        client_cut(TAILQ_FIRST(&doh->clients));
    free(doh);
}

size_t dns_doh_client_count(const struct dns_doh *doh)
{
    return doh->client_count - doh->lingering_count;
}
