#include "proxy/http_relay.h"

#include <stdio.h>

void http_relay_init(struct http_relay *relay, const struct http_head *head, enum http_framing to)
{
    *relay = (struct http_relay){.chunk = to == HTTP_BODY_CHUNKED};
    http_body_init(&relay->body, head);
}

static enum status write_payload(struct http_relay *relay, struct stream *to, struct str data)
{
    char size[24];
    relay->passed_bytes += data.length;
    if (!relay->chunk)
        return stream_write(to, data.data, data.length);
    int n = snprintf(size, sizeof size, "%zx\r\n", data.length);
    enum status status = stream_write(to, size, (size_t)n);
    if (status == ST_OK)
        status = stream_write(to, data.data, data.length);
    if (status == ST_OK)
        status = stream_write(to, "\r\n", 2);
    return status;
}

/* Trailers are not passed on (RFC 9112 section 7.1.2 allows it), so the last chunk is always the same. */
static enum status end(struct http_relay *relay, struct stream *to)
{
    relay->ended = true;
    return relay->chunk ? stream_write(to, "0\r\n\r\n", 5) : ST_OK;
}

enum status http_relay_step(struct http_relay *relay, struct stream *from, struct stream *to)
{
    enum status status = ST_OK;
    while (!relay->body.done && !stream_is_full(to)) {
        size_t taken;
        struct str data;
        status = http_body_take(&relay->body, stream_input(from), &taken, &data);
        if (status != ST_OK)
            return status;
        if (!taken)
            return ST_OK;
        if (data.length)
            status = write_payload(relay, to, data);
        stream_consume(from, taken);
        relay->taken += taken;
        if (status != ST_OK)
            return status;
    }
    return relay->body.done && !relay->ended ? end(relay, to) : ST_OK;
}

enum status http_relay_eof(struct http_relay *relay, struct stream *to)
{
    if (relay->ended)
        return ST_OK;
    if (relay->body.framing != HTTP_BODY_UNTIL_CLOSE)
        return ST_TRUNCATED;
    relay->body.done = true;
    return end(relay, to);
}
