#include "net/stream_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/socket.h"

enum {
    OUTPUT_HIGH = 64 << 10,
    OUTPUT_LOW = 16 << 10,
    DIRECT_BYTES = 16 << 10, /* from here on, sending at once is cheaper than a copy */
};

void stream_note_progress(struct stream *stream)
{
    int unread;
    if (ioctl(stream->fd, SIOCOUTQ, &unread) != 0)
        return;
    if (unread < stream->unread_bytes)
        stream->active_ms = loop_now_ms(stream->loop);
    stream->unread_bytes = unread;
}

size_t stream_queued(const struct stream *stream)
{
    return stream->queued.length - stream->sent + stream->sealed.length;
}

bool stream_is_sent(const struct stream *stream)
{
    int unsent = 0;
    return !stream_queued(stream) && ioctl(stream->fd, SIOCOUTQNSD, &unsent) == 0 && !unsent;
}

bool stream_is_full(const struct stream *stream)
{
    return stream_queued(stream) > OUTPUT_HIGH;
}

/* After a failed send the peer's last words may still wait to be read, so reading goes on to its end first. */
void stream_fail_output(struct stream *stream, enum status status)
{
    stream->output_failed = status;
    stream_set_writing(stream, false);
    buf_free(&stream->queued);
    buf_free(&stream->sealed);
    stream->sent = 0;
    if (!stream_wants_input(stream) || status == ST_NOMEM)
        stream_fail(stream, status);
}

/* As sendmsg(); STATUS: why it failed, ST_OK where the socket takes nothing now. */
static ssize_t send_plain(struct stream *stream, struct iovec iov[2], enum status *status)
{
    struct msghdr both = {.msg_iov = iov, .msg_iovlen = 2};
    const struct iovec *one = &iov[iov[0].iov_len ? 0 : 1];
    ssize_t sent = 0;
    if (iov[0].iov_len && iov[1].iov_len)
        sent = sendmsg(stream->fd, &both, MSG_NOSIGNAL);
    else if (one->iov_len)
        sent = send(stream->fd, one->iov_base, one->iov_len, MSG_NOSIGNAL);
    *status = sent >= 0 || socket_would_block(errno) ? ST_OK : socket_status(errno);
    return sent;
}

/* Sends what is queued and then DATA (of a plain stream) as far as the socket takes it, and drops what went out from
 * the queue. *TAKEN is how much of DATA went out. */
static void send_now(struct stream *stream, const void *data, size_t n, size_t *taken)
{
    size_t queued = stream->queued.length - stream->sent;
    struct iovec iov[2] = {{queued ? stream->queued.data + stream->sent : NULL, queued},
                           {(void *)(uintptr_t)data, n}}; /* sendmsg() does not write to it */
    enum status status = ST_OK;
    *taken = 0;
    ssize_t sent =
        stream->ssl ? stream_tls_send(stream, iov[0].iov_base, queued, &status) : send_plain(stream, iov, &status);
    if (status != ST_OK)
        stream_fail_output(stream, status);
    if (sent < 0 || status != ST_OK)
        return;
    if (sent)
        stream->active_ms = loop_now_ms(stream->loop);
    *taken = (size_t)sent > queued ? (size_t)sent - queued : 0;
    stream->sent += (size_t)sent - *taken;
    if (stream->sent == stream->queued.length) {
        buf_free(&stream->queued);
        buf_free(&stream->cuts);
        stream->sent = 0;
    }
}

/* What follows sending: whether to wait for the socket, to tell the owner, to end our direction. */
static void settle_output(struct stream *stream)
{
    if (stream->phase != OPEN || stream->output_failed != ST_OK)
        return;
    size_t left = stream_queued(stream);
    stream_set_writing(stream, left > 0 || stream->blocked);
    if (left && !stream->writing) {
        stream_fail(stream, ST_NOMEM);
        return;
    }
    stream->was_full |= left > OUTPUT_HIGH;
    if (!left || (stream->was_full && left <= OUTPUT_LOW)) {
        stream->was_full = false;
        stream->drained = true;
    }
    if (!left && stream->shut_wanted && !stream->shut) {
        if (stream->ssl)
            stream_tls_end(stream);
        stream->shut = true;
        shutdown(stream->fd, SHUT_WR);
    }
}

void stream_send_queued(struct stream *stream)
{
    size_t taken;
    if (stream->phase != OPEN || stream->writing || stream->output_failed != ST_OK)
        return;
    stream->unsettled = false;
    if (stream_queued(stream))
        send_now(stream, NULL, 0, &taken);
    settle_output(stream);
}

bool stream_tell_drained(struct stream *stream)
{
    bool drained = stream->drained;
    stream->drained = false;
    stream_enter(stream);
    if (drained && stream->ops->on_drained)
        stream->ops->on_drained(stream->arg);
    return stream_leave(stream);
}

void stream_flush(struct stream *stream)
{
    if (stream->unsettled)
        stream_send_queued(stream);
    if (stream->drained)
        loop_defer(stream->loop, &stream->task);
}

void stream_cut(struct stream *stream)
{
    if (stream->ssl && stream_queued(stream))
        buf_add(&stream->cuts, &stream->written, sizeof stream->written);
}

enum status stream_write(struct stream *stream, const void *data, size_t n)
{
    if (stream->phase == FAILED || stream->output_failed != ST_OK || stream->shut_wanted)
        return ST_CLOSED;
    if (!n)
        return ST_OK;
    size_t taken = 0;
    if (stream->source)
        stream_splice_unload(stream->source); /* came first */
    if (n >= DIRECT_BYTES && stream->phase == OPEN && !stream->writing && !stream->ssl) {
        send_now(stream, data, n, &taken);
        if (stream->output_failed != ST_OK)
            return ST_CLOSED;
    }
    if (stream->sent > stream->queued.length / 2) { /* seldom, so that a long queue is not moved with each write */
        buf_consume(&stream->queued, stream->sent);
        stream->sent = 0;
    }
    buf_add(&stream->queued, (const char *)data + taken, n - taken);
    if (stream->queued.failed) {
        stream_fail(stream, ST_NOMEM);
        return ST_NOMEM;
    }
    stream->written += n;
    stream->was_full |= stream_is_full(stream);
    stream->unsettled = true;
    loop_defer(stream->loop, &stream->task);
    return ST_OK;
}

void stream_shutdown(struct stream *stream)
{
    if (stream->shut_wanted)
        return;
    stream->shut_wanted = true;
    stream->unsettled = true;
    loop_defer(stream->loop, &stream->task);
}

void stream_on_writable(struct stream *stream)
{
    size_t taken;
    if (stream->blocked) {
        stream->blocked = false;
        stream->unread = true;
        stream_update_reading(stream);
    }
    if (stream->source && stream->source->in_pipe && !stream_splice_empty(stream->source))
        return;
    send_now(stream, NULL, 0, &taken);
    settle_output(stream);
    stream_tell_drained(stream);
}
