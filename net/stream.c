#include "net/stream_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/socket.h"

enum { DEFAULT_INPUT_LIMIT = 64 << 10 };

void stream_enter(struct stream *stream)
{
    stream->in_callback++;
}

static void release(struct stream *stream)
{
    buf_free(&stream->held);
    buf_free(&stream->queued);
    buf_free(&stream->cuts);
    buf_free(&stream->sealed);
    buf_free(&stream->early);
    free(stream);
}

bool stream_leave(struct stream *stream)
{
    stream->in_callback--;
    if (!stream->gone)
        return true;
    if (!stream->in_callback)
        release(stream);
    return false;
}

void stream_set_reading(struct stream *stream, bool on)
{
    if (stream->reading == on)
        return;
    if (on)
        stream->reading = event_add(&stream->read_event, NULL) == 0;
    else
        stream->reading = event_del(&stream->read_event) != 0;
}

void stream_set_writing(struct stream *stream, bool on)
{
    if (stream->writing == on)
        return;
    if (on)
        stream->writing = event_add(&stream->write_event, NULL) == 0;
    else
        stream->writing = event_del(&stream->write_event) != 0;
}

void stream_fail(struct stream *stream, enum status status)
{
    if (stream->phase == FAILED)
        return;
    stream->phase = FAILED;
    stream->failure = status;
    stream_set_reading(stream, false);
    stream_set_writing(stream, false);
    buf_free(&stream->queued);
    buf_free(&stream->sealed);
    stream->sent = 0;
    loop_defer(stream->loop, &stream->task);
}

static void finish_connecting(struct stream *stream)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error) {
        stream_fail(stream, socket_status(error));
        return;
    }
    stream->phase = OPEN;
    stream->active_ms = loop_now_ms(stream->loop);
    timer_free(stream->timer);
    stream->timer = NULL;
    stream_set_idle_timeout(stream, stream->idle_ms);
    stream_set_reading(stream, stream_wants_input(stream));
    stream_set_writing(stream, false);
    if (stream->unsettled)
        loop_defer(stream->loop, &stream->task);
    stream_enter(stream);
    if (stream->ops->on_connected)
        stream->ops->on_connected(stream->arg);
    if (stream_leave(stream))
        stream_update_reading(stream);
}

/* Lets urgent work go first, which may do anything to this stream. False: there is nothing left to do for it. */
static bool look_first(struct stream *stream, const bool *wanted)
{
    stream_enter(stream);
    loop_look(stream->loop);
    if (!stream_leave(stream))
        return false;
    stream_update_reading(stream);
    return *wanted;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;
    if (look_first(stream, &stream->reading))
        stream_on_readable(fd, what, stream);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream *stream = arg;
    if (!look_first(stream, &stream->writing))
        return;
    if (stream->phase == CONNECTING)
        finish_connecting(stream);
    else
        stream_on_writable(stream);
}

/* The end of the round: output goes out, and what happened outside of callbacks is told. */
static void on_task(void *arg)
{
    struct stream *stream = arg;
    if (stream->phase == FAILED) {
        if (stream->failure_told)
            return;
        stream->failure_told = true;
        stream_enter(stream);
        stream->ops->on_failed(stream->arg, stream->failure);
        stream_leave(stream);
        return;
    }
    if (stream->unsettled)
        stream_send_queued(stream);
    if (!stream_tell_drained(stream))
        return;
    bool announce = stream->announce && !stream->paused && stream->input.length && stream->phase == OPEN;
    stream->announce = false;
    if (announce)
        stream_announce_input(stream);
    else if (stream->unread && stream_wants_input(stream))
        stream_on_readable(stream->fd, 0, stream);
}

static struct stream *stream_make(struct loop *loop, int fd, enum phase phase, const struct stream_ops *ops, void *arg)
{
    struct stream *stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    *stream = (struct stream){
        .loop = loop, .fd = fd, .phase = phase, .ops = ops, .arg = arg, .input_limit = DEFAULT_INPUT_LIMIT};
    stream->queued.max_bytes = STREAM_OUTPUT_MAX;
    stream->task = (struct loop_task){.run = on_task, .arg = stream};
    stream->active_ms = loop_now_ms(loop);
    struct event_base *base = loop_event_base(loop);
    event_assign(&stream->read_event, base, fd, EV_READ | EV_PERSIST, on_readable, stream);
    event_assign(&stream->write_event, base, fd, EV_WRITE | EV_PERSIST, on_writable, stream);
    return stream;
}

struct stream *stream_new_own(struct loop *loop, int fd, const struct stream_ops *ops, void *arg)
{
    struct stream *stream = stream_make(loop, fd, OPEN, ops, arg);
    if (!stream) {
        close(fd);
        return NULL;
    }
    stream_set_reading(stream, true);
    if (!stream->reading) {
        stream_free(stream);
        return NULL;
    }
    return stream;
}

static void on_connect_timeout(void *arg)
{
    stream_fail(arg, ST_TIMEOUT);
}

struct stream *stream_connect(struct loop *loop, const struct addr *addr, int64_t timeout_ms,
                              const struct stream_ops *ops, void *arg)
{
    static const int on = 1;
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : 0;
    struct stream *stream = stream_make(loop, fd, CONNECTING, ops, arg);
    if (!stream) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!error && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        error = errno;
    if (!error && connect(fd, (struct sockaddr *)&sa, length) != 0 && errno != EINPROGRESS)
        error = errno;
    stream->timer = timer_new(loop, on_connect_timeout, stream);
    if (error) {
        stream_fail(stream, socket_status(error));
        return stream;
    }
    stream_set_writing(stream, true);
    if (!stream->timer || !stream->writing)
        stream_fail(stream, ST_NOMEM);
    else
        timer_start(stream->timer, timeout_ms);
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    CHECK(!stream->gone);
    stream_splice_part(stream);
    stream_set_reading(stream, false);
    stream_set_writing(stream, false);
    loop_task_cancel(stream->loop, &stream->task);
    timer_free(stream->timer);
    if (stream->lingers)
        loop_orphan_gone(&stream->orphan);
    stream_tls_free(stream);
    if (stream->fd >= 0)
        close(stream->fd);
    stream->gone = true;
    if (!stream->in_callback)
        release(stream);
}

void stream_set_owner(struct stream *stream, const struct stream_ops *ops, void *arg)
{
    stream->ops = ops;
    stream->arg = arg;
}

/* Activity only notes the time; the timer finds out how much is left. */
static void on_idle_timer(void *arg)
{
    struct stream *stream = arg;
    if (stream_queued(stream))
        stream_note_progress(stream);
    int64_t left_ms = stream->active_ms + stream->idle_ms - loop_now_ms(stream->loop);
    if (left_ms > 0)
        timer_start(stream->timer, left_ms);
    else
        stream_fail(stream, ST_TIMEOUT);
}

void stream_set_idle_timeout(struct stream *stream, int64_t timeout_ms)
{
    stream->idle_ms = timeout_ms;
    if (timeout_ms && stream_queued(stream))
        stream_note_progress(stream); /* from here on */
    stream->active_ms = loop_now_ms(stream->loop);
    if (stream->phase != OPEN)
        return;
    if (!timeout_ms) {
        timer_free(stream->timer);
        stream->timer = NULL;
        return;
    }
    if (!stream->timer)
        stream->timer = timer_new(stream->loop, on_idle_timer, stream);
    if (stream->timer)
        timer_start(stream->timer, timeout_ms);
    else
        stream_fail(stream, ST_NOMEM);
}
