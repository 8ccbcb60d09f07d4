/* Much from one stream to another without a copy: from its socket into a pipe, and from the pipe into the other's
 * socket, by splice(2). The pipe is taken empty and given back empty, so that "would block" is never said of two things
 * at once: filling, it is the sender who has no more; emptying, the receiver who takes no more. */
#include "net/stream_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "net/socket.h"

enum {
    BULK_BYTES = 64 << 10, /* received in a row, in pieces of no less than the next */
    BULK_PIECE = 4 << 10,
};

void stream_set_sink(struct stream *from, struct stream *to)
{
    CHECK(!from->ssl && !to->ssl && !from->sink && !to->source);
    from->sink = to;
    from->run_bytes = 0; /* of another purpose */
    to->source = from;
}

uint64_t stream_spliced(const struct stream *from)
{
    return from->spliced_bytes;
}

void stream_splice_note(struct stream *from, size_t received)
{
    from->run_bytes = received < BULK_PIECE ? 0 : from->run_bytes + received;
}

/* All that came before has to have gone out. */
bool stream_splice_is_due(const struct stream *from)
{
    const struct stream *to = from->sink;
    return to && from->run_bytes >= BULK_BYTES && !from->input.length && to->phase == OPEN && !stream_queued(to) &&
           to->output_failed == ST_OK && !to->shut_wanted;
}

static void give_pipe_back(struct stream *from)
{
    pipe_pool_put_own(loop_pipes(from->loop), &from->pipe, !from->in_pipe);
    from->in_pipe = 0;
    stream_update_reading(from);
}

bool stream_splice_empty(struct stream *from)
{
    struct stream *to = from->sink;
    while (from->in_pipe) {
        ssize_t n = splice(from->pipe.out, NULL, to->fd, NULL, from->in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n > 0) {
            from->in_pipe -= (size_t)n;
            to->active_ms = loop_now_ms(to->loop);
            continue;
        }
        bool waits = n < 0 && socket_would_block(errno);
        enum status status = waits ? ST_NOMEM : socket_status(errno);
        if (waits)
            stream_set_writing(to, true);
        if (waits && to->writing)
            return false;
        give_pipe_back(from);
        stream_fail_output(to, status);
        return false;
    }
    give_pipe_back(from);
    return true;
}

bool stream_splice_fill(struct stream *from, ssize_t *received, enum status *status)
{
    if (!pipe_pool_take(loop_pipes(from->loop), &from->pipe)) {
        from->run_bytes = 0; /* to try again when that much has been copied */
        return false;
    }
    *received = splice(from->fd, NULL, from->pipe.in, NULL, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    *status = *received >= 0 || socket_would_block(errno) ? ST_OK : socket_status(errno);
    if (*received <= 0) {
        give_pipe_back(from);
        return true;
    }
    from->active_ms = loop_now_ms(from->loop);
    if (*received < BULK_PIECE)
        from->run_bytes = 0;
    from->in_pipe = (size_t)*received;
    from->spliced_bytes += (size_t)*received;
    stream_splice_empty(from);
    return true;
}

void stream_splice_unload(struct stream *from)
{
    struct stream *to = from->sink;
    if (!from->in_pipe)
        return;
    bool is_taken = to->phase == OPEN && to->output_failed == ST_OK && !to->shut;
    char *room = is_taken ? buf_reserve(&to->queued, from->in_pipe) : NULL;
    ssize_t n = room ? read(from->pipe.out, room, from->in_pipe) : 0;
    if (n > 0) {
        to->queued.length += (size_t)n;
        from->in_pipe -= (size_t)n;
        to->unsettled = true;
        loop_defer(to->loop, &to->task);
    }
    if (is_taken && from->in_pipe)
        stream_fail(to, ST_NOMEM);
    give_pipe_back(from);
}

void stream_splice_part(struct stream *stream)
{
    if (stream->sink) {
        stream_splice_unload(stream);
        stream->sink->source = NULL;
        stream->sink = NULL;
    }
    if (stream->source) {
        stream_splice_unload(stream->source);
        stream->source->sink = NULL;
        stream->source = NULL;
    }
}
