/* The end of a stream whose owner has gone on: the loop owns it, and what still comes is thrown away. */
#include "net/stream_parts.h"

enum { DEADLINE_MS = 10000 };

static void linger_end(void *arg)
{
    struct stream *stream = arg;
    void (*on_gone)(void *arg) = stream->on_gone;
    void *gone_arg = stream->gone_arg;
    stream_free(stream);
    if (on_gone)
        on_gone(gone_arg);
}

static void wait_at_most(struct stream *stream, int64_t ms)
{
    int64_t left_ms = stream->deadline_ms - loop_now_ms(stream->loop);
    timer_start(stream->timer, ms < left_ms ? ms : left_ms);
}

/* Progress counts as long as there is something to send. Once all is sent time runs whatever the peer does. */
static void on_linger_timer(void *arg)
{
    struct stream *stream = arg;
    int64_t now_ms = loop_now_ms(stream->loop);
    stream_note_progress(stream);
    int64_t idle_at_ms = stream->active_ms + stream->linger_ms;
    if (stream->shut || now_ms >= idle_at_ms || now_ms >= stream->deadline_ms)
        linger_end(stream);
    else
        wait_at_most(stream, idle_at_ms - now_ms);
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
    if (stream->saw_eof)
        linger_end(stream);
    else
        wait_at_most(stream, stream->linger_ms);
}

static void on_linger_failed(void *arg, enum status status)
{
    (void)status;
    linger_end(arg);
}

/* The loop goes and has let go of it. */
static void free_orphan(void *arg)
{
    struct stream *stream = arg;
    stream->lingers = false;
    linger_end(stream);
}

void stream_finish_own(struct stream *stream, int64_t linger_ms, void (*on_gone)(void *arg), void *arg)
{
    static const struct stream_ops ops = {.on_data = on_linger_data,
                                          .on_eof = on_linger_eof,
                                          .on_drained = on_linger_drained,
                                          .on_failed = on_linger_failed};
    stream_splice_part(stream);
    stream_set_owner(stream, &ops, stream);
    stream->on_gone = on_gone;
    stream->gone_arg = arg;
    stream->linger_ms = linger_ms;
    stream_note_progress(stream);
    stream->active_ms = loop_now_ms(stream->loop);
    stream->deadline_ms = stream->active_ms + DEADLINE_MS;
    timer_free(stream->timer); /* of idleness: that was the owner's patience */
    stream->timer = timer_new(stream->loop, on_linger_timer, stream);
    if (stream->phase != OPEN || stream->output_failed != ST_OK || !stream->timer) {
        linger_end(stream);
        return;
    }
    stream->lingers = true;
    stream->orphan = (struct loop_orphan){.free = free_orphan, .arg = stream};
    loop_adopt(stream->loop, &stream->orphan);
    stream->paused = false;
    stream_consume(stream, stream->input.length);
    stream->shut_wanted = true;
    stream->unsettled = true; /* so that on_linger_drained() is called, also when all has been sent before */
    loop_defer(stream->loop, &stream->task);
    wait_at_most(stream, linger_ms);
}
