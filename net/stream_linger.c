/* The end of a stream whose owner has gone on: the loop owns it, and what still comes is thrown away. */
#include "net/stream_parts.h"

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
    if (stream->phase != OPEN || stream->output_failed != ST_OK) {
        stream_free(stream);
        return;
    }
    stream_set_owner(stream, &ops, stream);
    stream->linger_ms = linger_ms;
    stream->orphan = (struct loop_orphan){.free = free_orphan, .arg = stream};
    loop_adopt(stream->loop, &stream->orphan);
    stream->paused = false;
    stream_consume(stream, stream->input.length);
    stream->shut_wanted = true;
    stream->unsettled = true; /* so that on_linger_drained() is called, also when all has been sent before */
    loop_defer(stream->loop, &stream->task);
    if (!stream->idle_ms)
        stream_set_idle_timeout(stream, linger_ms);
}
