#include "net/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "net/socket.h"

enum {
    DEFAULT_INPUT_LIMIT = 64 << 10,
    OUTPUT_HIGH = 64 << 10,
    OUTPUT_LOW = 16 << 10,
    OUTPUT_MAX = 16 << 20,
    DIRECT_BYTES = 16 << 10, /* from here on, sending at once is cheaper than a copy */
};

enum phase { CONNECTING, OPEN, FAILED };

struct stream {
    struct loop *loop;
    int fd;
    enum phase phase;
    const struct stream_ops *ops;
    void *arg;
    struct event read_event, write_event;
    bool reading, writing; /* the events are added */
    unsigned in_callback;
    bool gone; /* freed by its owner from within a callback */

    /* Input: a view of the loop's scratch while on_data() runs, else of what is held. */
    struct str input;
    bool in_scratch;
    struct buf held;
    size_t input_limit;
    bool paused, saw_eof, announce;

    /* Output: queued.data + sent is what comes next. */
    struct buf queued;
    size_t sent;
    bool unsettled; /* written to or shut since it was last sent from */
    bool was_full, drained, shut_wanted, shut;
    enum status output_failed; /* to be told once the input that came before it was announced */

    enum status failure; /* of the phase FAILED */
    bool failure_told;
    struct loop_task task;

    int64_t idle_ms, linger_ms, active_ms;
    struct timer *timer; /* of connecting, of idleness, or of lingering */
    struct loop_orphan orphan;
};

static void on_task(void *arg);
static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* Callbacks are called between these two; when leave() says false the stream is no more. */
static void enter(struct stream *stream)
{
    stream->in_callback++;
}

static void release(struct stream *stream)
{
    buf_free(&stream->held);
    buf_free(&stream->queued);
    free(stream);
}

static bool leave(struct stream *stream)
{
    stream->in_callback--;
    if (!stream->gone)
        return true;
    if (!stream->in_callback)
        release(stream);
    return false;
}

static void set_reading(struct stream *stream, bool on)
{
    if (stream->reading == on)
        return;
    if (on)
        stream->reading = event_add(&stream->read_event, NULL) == 0;
    else
        stream->reading = event_del(&stream->read_event) != 0;
}

static void set_writing(struct stream *stream, bool on)
{
    if (stream->writing == on)
        return;
    if (on)
        stream->writing = event_add(&stream->write_event, NULL) == 0;
    else
        stream->writing = event_del(&stream->write_event) != 0;
}

static bool wants_input(const struct stream *stream)
{
    return stream->phase == OPEN && !stream->paused && !stream->saw_eof && stream->input.length < stream->input_limit;
}

/* Starts reading where it is wanted; on_readable() stops it where it is not, so that a pause that ends before anything
 * comes costs nothing. */
static void update_reading(struct stream *stream)
{
    if (wants_input(stream) && !stream->in_callback)
        set_reading(stream, true);
}

/* The failure is told from the loop. */
static void fail(struct stream *stream, enum status status)
{
    if (stream->phase == FAILED)
        return;
    stream->phase = FAILED;
    stream->failure = status;
    set_reading(stream, false);
    set_writing(stream, false);
    buf_free(&stream->queued);
    stream->sent = 0;
    loop_defer(stream->loop, &stream->task);
}

static struct stream *stream_make(struct loop *loop, int fd, enum phase phase, const struct stream_ops *ops, void *arg)
{
    struct stream *stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    *stream = (struct stream){
        .loop = loop, .fd = fd, .phase = phase, .ops = ops, .arg = arg, .input_limit = DEFAULT_INPUT_LIMIT};
    stream->queued.max_bytes = OUTPUT_MAX;
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
    set_reading(stream, true);
    if (!stream->reading) {
        stream_free(stream);
        return NULL;
    }
    return stream;
}

static void on_connect_timeout(void *arg)
{
    fail(arg, ST_TIMEOUT);
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
        fail(stream, socket_status(error));
        return stream;
    }
    set_writing(stream, true);
    if (!stream->timer || !stream->writing)
        fail(stream, ST_NOMEM);
    else
        timer_start(stream->timer, timeout_ms);
    return stream;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    CHECK(!stream->gone);
    set_reading(stream, false);
    set_writing(stream, false);
    loop_task_cancel(stream->loop, &stream->task);
    timer_free(stream->timer);
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

/* Input */

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
    update_reading(stream);
}

void stream_set_input_limit(struct stream *stream, size_t limit_bytes)
{
    stream->input_limit = limit_bytes;
    update_reading(stream);
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
    update_reading(stream);
    if (stream->input.length) {
        stream->announce = true;
        loop_defer(stream->loop, &stream->task);
    }
}

bool stream_saw_eof(const struct stream *stream)
{
    return stream->saw_eof;
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

/* Calls on_data(); false when the stream is no more. */
static bool announce_input(struct stream *stream)
{
    enter(stream);
    stream->ops->on_data(stream->arg);
    if (!leave(stream))
        return false;
    if (!hold_input(stream))
        fail(stream, ST_NOMEM);
    update_reading(stream);
    return true;
}

static void end_input(struct stream *stream)
{
    stream->saw_eof = true;
    set_reading(stream, false);
    if (stream->output_failed != ST_OK) {
        fail(stream, stream->output_failed);
        return;
    }
    enter(stream);
    if (stream->ops->on_eof)
        stream->ops->on_eof(stream->arg);
    leave(stream);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct stream *stream = arg;
    if (!wants_input(stream)) {
        set_reading(stream, false);
        if (stream->output_failed != ST_OK)
            fail(stream, stream->output_failed);
        return;
    }
    char *scratch = (char *)loop_scratch(stream->loop);
    size_t room = stream->input_limit - stream->input.length;
    ssize_t n = recv(fd, scratch, room < LOOP_SCRATCH_BYTES ? room : LOOP_SCRATCH_BYTES, 0);
    if (n > 0) {
        stream->active_ms = loop_now_ms(stream->loop);
        if (take_input(stream, scratch, (size_t)n))
            announce_input(stream);
        else
            fail(stream, ST_NOMEM);
    } else if (n == 0) {
        end_input(stream);
    } else if (!socket_would_block(errno)) {
        fail(stream, socket_status(errno));
    }
}

/* Output */

size_t stream_queued(const struct stream *stream)
{
    return stream->queued.length - stream->sent;
}

bool stream_is_full(const struct stream *stream)
{
    return stream_queued(stream) > OUTPUT_HIGH;
}

/* After a failed send the peer's last words may still wait to be read, so reading goes on to its end first. */
static void fail_output(struct stream *stream, enum status status)
{
    stream->output_failed = status;
    set_writing(stream, false);
    buf_free(&stream->queued);
    stream->sent = 0;
    if (!wants_input(stream) || status == ST_NOMEM)
        fail(stream, status);
}

/* Sends what is queued and then DATA as far as the socket takes it, and drops what went out from the queue. *TAKEN is
 * how much of DATA went out. */
static void send_now(struct stream *stream, const void *data, size_t n, size_t *taken)
{
    size_t queued = stream_queued(stream);
    struct iovec iov[2] = {{queued ? stream->queued.data + stream->sent : NULL, queued},
                           {(void *)(uintptr_t)data, n}}; /* sendmsg() does not write to it */
    struct msghdr both = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t sent = 0;
    *taken = 0;
    if (queued && n)
        sent = sendmsg(stream->fd, &both, MSG_NOSIGNAL);
    else if (queued || n)
        sent = send(stream->fd, queued ? iov[0].iov_base : data, queued + n, MSG_NOSIGNAL);
    if (sent < 0) {
        if (!socket_would_block(errno))
            fail_output(stream, socket_status(errno));
        return;
    }
    if (sent)
        stream->active_ms = loop_now_ms(stream->loop);
    *taken = (size_t)sent > queued ? (size_t)sent - queued : 0;
    stream->sent += (size_t)sent - *taken;
    if (stream->sent == stream->queued.length) {
        buf_free(&stream->queued);
        stream->sent = 0;
    }
}

/* What follows sending: whether to wait for the socket, to tell the owner, to end our direction. */
static void settle_output(struct stream *stream)
{
    if (stream->phase != OPEN || stream->output_failed != ST_OK)
        return;
    size_t left = stream_queued(stream);
    set_writing(stream, left > 0);
    if (left && !stream->writing) {
        fail(stream, ST_NOMEM);
        return;
    }
    stream->was_full |= left > OUTPUT_HIGH;
    if (!left || (stream->was_full && left <= OUTPUT_LOW)) {
        stream->was_full = false;
        stream->drained = true;
    }
    if (!left && stream->shut_wanted && !stream->shut) {
        stream->shut = true;
        shutdown(stream->fd, SHUT_WR);
    }
}

/* Sends unless on_writable() is waited for. */
static void send_queued(struct stream *stream)
{
    size_t taken;
    if (stream->phase != OPEN || stream->writing || stream->output_failed != ST_OK)
        return;
    stream->unsettled = false;
    if (stream_queued(stream))
        send_now(stream, NULL, 0, &taken);
    settle_output(stream);
}

/* False when the stream is no more. */
static bool tell_drained(struct stream *stream)
{
    bool drained = stream->drained;
    stream->drained = false;
    enter(stream);
    if (drained && stream->ops->on_drained)
        stream->ops->on_drained(stream->arg);
    return leave(stream);
}

void stream_flush(struct stream *stream)
{
    if (stream->unsettled)
        send_queued(stream);
    if (stream->drained)
        loop_defer(stream->loop, &stream->task);
}

enum status stream_write(struct stream *stream, const void *data, size_t n)
{
    if (stream->phase == FAILED || stream->output_failed != ST_OK || stream->shut_wanted)
        return ST_CLOSED;
    if (!n)
        return ST_OK;
    size_t taken = 0;
    if (n >= DIRECT_BYTES && stream->phase == OPEN && !stream->writing) {
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
        fail(stream, ST_NOMEM);
        return ST_NOMEM;
    }
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

static void finish_connecting(struct stream *stream)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error) {
        fail(stream, socket_status(error));
        return;
    }
    stream->phase = OPEN;
    stream->active_ms = loop_now_ms(stream->loop);
    timer_free(stream->timer);
    stream->timer = NULL;
    stream_set_idle_timeout(stream, stream->idle_ms);
    set_reading(stream, wants_input(stream));
    set_writing(stream, false);
    if (stream->unsettled)
        loop_defer(stream->loop, &stream->task);
    enter(stream);
    if (stream->ops->on_connected)
        stream->ops->on_connected(stream->arg);
    if (leave(stream))
        update_reading(stream);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct stream *stream = arg;
    size_t taken;
    if (stream->phase == CONNECTING) {
        finish_connecting(stream);
        return;
    }
    send_now(stream, NULL, 0, &taken);
    settle_output(stream);
    tell_drained(stream);
}

/* The end of the round: output goes out, and what happened outside of callbacks is told. */
static void on_task(void *arg)
{
    struct stream *stream = arg;
    if (stream->phase == FAILED) {
        if (stream->failure_told)
            return;
        stream->failure_told = true;
        enter(stream);
        stream->ops->on_failed(stream->arg, stream->failure);
        leave(stream);
        return;
    }
    if (stream->unsettled)
        send_queued(stream);
    if (!tell_drained(stream))
        return;
    bool announce = stream->announce && !stream->paused && stream->input.length && stream->phase == OPEN;
    stream->announce = false;
    if (announce)
        announce_input(stream);
}

/* Time */

/* Activity only notes the time; the timer finds out how much is left. */
static void on_idle_timer(void *arg)
{
    struct stream *stream = arg;
    int64_t left_ms = stream->active_ms + stream->idle_ms - loop_now_ms(stream->loop);
    if (left_ms > 0)
        timer_start(stream->timer, left_ms);
    else
        fail(stream, ST_TIMEOUT);
}

void stream_set_idle_timeout(struct stream *stream, int64_t timeout_ms)
{
    stream->idle_ms = timeout_ms;
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
        fail(stream, ST_NOMEM);
}

/* Lingering: the loop owns the stream, these callbacks throw away what comes. */

static void linger_end(void *arg)
{
    struct stream *stream = arg;
    loop_orphan_gone(&stream->orphan);
    stream_free(stream);
}

static void on_linger_data(void *arg)
{
    struct stream *stream = arg;
    stream_consume(stream, stream->input.length);
}

static void on_linger_eof(void *arg)
{
    struct stream *stream = arg;
    if (stream->shut)
        linger_end(stream);
}

static void on_linger_drained(void *arg)
{
    struct stream *stream = arg;
    if (!stream->shut)
        return;
    timer_free(stream->timer); /* of idleness: from now on time runs whatever the peer sends */
    stream->timer = stream->saw_eof ? NULL : timer_new(stream->loop, linger_end, stream);
    if (stream->timer)
        timer_start(stream->timer, stream->linger_ms);
    else
        linger_end(stream);
}

static void on_linger_failed(void *arg, enum status status)
{
    (void)status;
    linger_end(arg);
}

static void free_orphan(void *arg)
{
    stream_free(arg);
}

void stream_finish_own(struct stream *stream, int64_t linger_ms)
{
    static const struct stream_ops ops = {.on_data = on_linger_data,
                                          .on_eof = on_linger_eof,
                                          .on_drained = on_linger_drained,
                                          .on_failed = on_linger_failed};
    if (stream->phase != OPEN) {
        stream_free(stream);
        return;
    }
    stream_set_owner(stream, &ops, stream);
    stream->linger_ms = linger_ms;
    stream->orphan = (struct loop_orphan){.free = free_orphan, .arg = stream};
    loop_adopt(stream->loop, &stream->orphan);
    stream->paused = false;
    stream_consume(stream, stream->input.length);
    stream_shutdown(stream);
    if (!stream->idle_ms)
        stream_set_idle_timeout(stream, linger_ms);
}

struct addr stream_peer(const struct stream *stream)
{
    return socket_peer(stream->fd);
}

struct addr stream_local(const struct stream *stream)
{
    return socket_local(stream->fd);
}

struct loop *stream_loop(const struct stream *stream)
{
    return stream->loop;
}
