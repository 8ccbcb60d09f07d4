#include "proxy/http_tunnel.h"

#include <stdlib.h>

/* One side may go on for so long after the other has ended, without a byte. */
enum { HALF_CLOSED_IDLE_MS = 30000, LINGER_MS = 2000 };

struct side {
    struct http_tunnel *tunnel;
    struct stream *stream;
    bool ended;            /* has sent its last byte, and the other side has been told */
    uint64_t passed_bytes; /* besides those that its stream splices */
};

struct http_tunnel {
    struct side client, origin;
    bool held;   /* what the client sends waits until it is known what it is */
    bool broken; /* a side failed: nothing more can come of it */
    const struct http_tunnel_ops *ops;
    void *arg;
};

static void pass(struct side *from, struct side *to)
{
    struct str input = stream_input(from->stream);
    if (input.length && !stream_is_full(to->stream)) {
        bool written = stream_write(to->stream, input.data, input.length) == ST_OK;
        stream_consume(from->stream, input.length);
        from->passed_bytes += input.length;
        if (!written)
            return; /* on_failed() follows */
        stream_flush(to->stream);
    }
    if (from->ended || !stream_saw_eof(from->stream) || stream_input(from->stream).length)
        return;
    from->ended = true;
    stream_shutdown(to->stream);
    stream_set_idle_timeout(to->stream, HALF_CLOSED_IDLE_MS);
}

/* Only now may it be spliced, which passes by pass() and all that holds there. */
static void let_go(struct http_tunnel *tunnel)
{
    tunnel->held = false;
    stream_set_sink(tunnel->client.stream, tunnel->origin.stream);
}

/* False: the tunnel waits, or is no more. */
static bool ask(struct http_tunnel *tunnel)
{
    struct stream *client = tunnel->client.stream;
    struct str first = stream_input(client);
    bool ended = stream_saw_eof(client);
    if ((!first.length && !ended) || !tunnel->ops->may_pass(tunnel->arg, first, ended))
        return false;
    let_go(tunnel);
    return true;
}

static void tunnel_step(struct http_tunnel *tunnel)
{
    if (!tunnel->broken) {
        pass(&tunnel->origin, &tunnel->client);
        if (tunnel->held && !ask(tunnel))
            return;
        pass(&tunnel->client, &tunnel->origin);
    }
    if (tunnel->broken || (tunnel->client.ended && tunnel->origin.ended))
        tunnel->ops->on_end(tunnel->arg);
}

static void on_event(void *arg)
{
    struct side *side = arg;
    tunnel_step(side->tunnel);
}

/* What the side that failed had sent is passed on as far as it was received. */
static void on_failed(void *arg, enum status status)
{
    (void)status;
    struct side *side = arg;
    struct http_tunnel *tunnel = side->tunnel;
    struct side *other = side == &tunnel->client ? &tunnel->origin : &tunnel->client;
    if (side != &tunnel->client || !tunnel->held)
        pass(side, other);
    tunnel->broken = true;
    tunnel_step(tunnel);
}

/* Has ended without a word, and will not be heard of again. */
static bool has_said_all(const struct stream *stream)
{
    return stream_saw_eof(stream) && !stream_input(stream).length;
}

struct http_tunnel *http_tunnel_new_own(struct stream *client, struct stream *origin, int64_t idle_ms,
                                        const struct http_tunnel_ops *ops, void *arg)
{
    static const struct stream_ops stream_ops = {
        .on_data = on_event, .on_eof = on_event, .on_drained = on_event, .on_failed = on_failed};
    struct http_tunnel *tunnel = malloc(sizeof *tunnel);
    if (!tunnel) {
        stream_free(client);
        stream_free(origin);
        return NULL;
    }
    *tunnel = (struct http_tunnel){.client = {.tunnel = tunnel, .stream = client},
                                   .origin = {.tunnel = tunnel, .stream = origin},
                                   .held = ops->may_pass && !has_said_all(client),
                                   .ops = ops,
                                   .arg = arg};
    stream_set_owner(client, &stream_ops, &tunnel->client);
    stream_set_owner(origin, &stream_ops, &tunnel->origin);
    stream_set_sink(origin, client);
    stream_set_idle_timeout(client, idle_ms);
    stream_set_idle_timeout(origin, 0);
    if (tunnel->held) { /* has what waits announced, from the loop */
        stream_pause(client);
        stream_resume(client);
    } else {
        let_go(tunnel);
        pass(&tunnel->client, &tunnel->origin);
    }
    pass(&tunnel->origin, &tunnel->client);
    return tunnel;
}

void http_tunnel_open(struct http_tunnel *tunnel)
{
    let_go(tunnel);
    tunnel_step(tunnel);
}

bool http_tunnel_origin_spoke(const struct http_tunnel *tunnel)
{
    return tunnel->origin.passed_bytes; /* the first of it goes through here */
}

void http_tunnel_bytes(const struct http_tunnel *tunnel, uint64_t *from_client, uint64_t *to_client)
{
    *from_client = tunnel->client.passed_bytes + stream_spliced(tunnel->client.stream);
    *to_client = tunnel->origin.passed_bytes + stream_spliced(tunnel->origin.stream);
}

struct stream *http_tunnel_end(struct http_tunnel *tunnel)
{
    struct stream *client = tunnel->client.stream;
    stream_finish_own(tunnel->origin.stream, LINGER_MS, NULL, NULL);
    free(tunnel);
    return client;
}

void http_tunnel_free(struct http_tunnel *tunnel)
{
    if (tunnel)
        stream_free(http_tunnel_end(tunnel));
}
