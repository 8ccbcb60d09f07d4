#include "net/stream_parts.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/check.h"
#include "net/socket.h"

bool stream_wants_input(const struct stream *stream)
{
    return stream->phase == OPEN && !stream->paused && !stream->saw_eof && stream->input.length < stream->input_limit &&
           !stream->in_pipe;
}

void stream_update_reading(struct stream *stream)
{
    if (!stream_wants_input(stream) || stream->in_callback)
        return;
    stream_set_reading(stream, true);
    if (stream->unread)
        loop_defer(stream->loop, &stream->task);
}

struct str stream_input(const struct stream *stream)
{
    return stream->input;
}

void stream_consume(struct stream *stream, size_t n)
{
    CHECK(n <= stream->input.length);
    stream->input = str_from(stream->input, n);
    if (!stream->input.length && !stream->in_callback)
        buf_free(&stream->held);
    stream_update_reading(stream);
}

void stream_set_input_limit(struct stream *stream, size_t limit_bytes)
{
    stream->input_limit = limit_bytes;
    stream_update_reading(stream);
}

void stream_pause(struct stream *stream)
{
    stream->paused = true;
}

void stream_resume(struct stream *stream)
{
    if (!stream->paused)
        return;
    stream->paused = false;
    stream_update_reading(stream);
    if (stream->input.length) {
        stream->announce = true;
        loop_defer(stream->loop, &stream->task);
    }
}

bool stream_saw_eof(const struct stream *stream)
{
    return stream->saw_eof;
}

bool stream_is_quiet(const struct stream *stream)
{
    char byte;
    return !stream->input.length && !stream->saw_eof && recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           socket_would_block(errno);
}

/* Keeps what the owner left in the scratch or in the middle of the buffer. */
static bool hold_input(struct stream *stream)
{
    if (!stream->input.length)
        buf_free(&stream->held);
    else if (stream->in_scratch)
        buf_add(&stream->held, stream->input.data, stream->input.length);
    else
        buf_consume(&stream->held, stream->held.length - stream->input.length);
    stream->in_scratch = false;
    stream->input = (struct str){stream->held.data, stream->held.length};
    return !stream->held.failed;
}

/* Adds N bytes of the scratch to the input; in place when nothing is held. */
static bool take_input(struct stream *stream, const char *scratch, size_t n)
{
    if (!stream->input.length) {
        buf_free(&stream->held);
        stream->input = (struct str){scratch, n};
        stream->in_scratch = true;
        return true;
    }
    if (!hold_input(stream))
        return false;
    buf_add(&stream->held, scratch, n);
    stream->input = (struct str){stream->held.data, stream->held.length};
    return !stream->held.failed;
}

void stream_announce_input(struct stream *stream)
{
    stream_enter(stream);
    stream->ops->on_data(stream->arg);
    if (!stream_leave(stream))
        return;
    if (!hold_input(stream))
        stream_fail(stream, ST_NOMEM);
    stream_update_reading(stream);
}

static void end_input(struct stream *stream)
{
    stream->saw_eof = true;
    stream_set_reading(stream, false);
    if (stream->output_failed != ST_OK) {
        stream_fail(stream, stream->output_failed);
        return;
    }
    stream_enter(stream);
    if (stream->ops->on_eof)
        stream->ops->on_eof(stream->arg);
    stream_leave(stream);
}

/* As recv(); STATUS: why it failed, ST_OK where there is nothing now. */
static ssize_t receive(struct stream *stream, char *data, size_t n, enum status *status)
{
    if (stream->ssl)
        return stream_tls_receive(stream, data, n, status);
    ssize_t got = recv(stream->fd, data, n, 0);
    *status = got >= 0 || socket_would_block(errno) ? ST_OK : socket_status(errno);
    return got;
}

void stream_on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream *stream = arg;
    enum status status;
    if (!stream_wants_input(stream)) {
        stream_set_reading(stream, false);
        if (stream->output_failed != ST_OK)
            stream_fail(stream, stream->output_failed);
        return;
    }
    stream->unread = false;
    ssize_t n;
    if (stream_splice_is_due(stream) && stream_splice_fill(stream, &n, &status)) {
        if (n == 0)
            end_input(stream);
        else if (status != ST_OK)
            stream_fail(stream, status);
        return;
    }
    char *scratch = (char *)loop_scratch(stream->loop);
    size_t room = stream->input_limit - stream->input.length;
    n = receive(stream, scratch, room < LOOP_SCRATCH_BYTES ? room : LOOP_SCRATCH_BYTES, &status);
    if (n > 0) {
        stream->active_ms = loop_now_ms(stream->loop);
        stream_splice_note(stream, (size_t)n);
        if (take_input(stream, scratch, (size_t)n))
            stream_announce_input(stream);
        else
            stream_fail(stream, ST_NOMEM);
    } else if (n == 0) {
        end_input(stream);
    } else if (status != ST_OK) {
        stream_fail(stream, status);
    }
}
