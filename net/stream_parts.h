/* The inside of a stream, for the files that it is made of: stream.c (its life), stream_input.c, stream_output.c and
 * stream_linger.c (its end), stream_splice.c (much to another stream), stream_tls.c (over TLS). */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/types.h>

#include "base/buf.h"
#include "net/pipe_pool.h"
#include "net/stream.h"

enum { STREAM_OUTPUT_MAX = 16 << 20 }; /* queued bytes */

enum phase { CONNECTING, OPEN, FAILED };

struct stream {
    struct loop *loop;
    int fd;
    enum phase phase;
    const struct stream_ops *ops;
    void *arg;
    struct ssl_st *ssl; /* NULL: a plain one */
    struct buf early;   /* TLS: its first bytes, received before it began */
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
    bool unread;       /* TLS: there is more to receive without the socket becoming readable */
    bool blocked;      /* TLS: it must send before it goes on */
    bool broken;       /* TLS: nothing more goes */
    bool more;         /* TLS: another record follows at once, with which this one is to be sent */
    struct buf sealed; /* TLS: records that are ready and not sent yet */

    /* Output: queued.data + sent is what comes next. */
    struct buf queued;
    size_t sent;
    uint64_t written; /* TLS: bytes that were ever queued */
    struct buf cuts;  /* TLS: of those to be sent, after which a record ends (uint64_t each, as `written`) */
    bool unsettled;   /* written to or shut since it was last sent from */
    bool was_full, drained, shut_wanted, shut;
    enum status output_failed; /* to be told once the input that came before it was announced */

    /* Where what is received may go without a copy, and from where it comes so; see stream_set_sink(). */
    struct stream *sink, *source;
    size_t run_bytes;
    struct pipe pipe; /* of what is on its way to the sink, while in_pipe is not 0 */
    size_t in_pipe;
    uint64_t spliced_bytes; /* so far, into the pipe */

    enum status failure; /* of the phase FAILED */
    bool failure_told;
    struct loop_task task;

    int64_t idle_ms, active_ms;
    struct timer *timer; /* of connecting, of idleness, or of lingering */

    /* The end; nothing of it is set before stream_finish_own(). */
    int64_t linger_ms, deadline_ms;
    int unread_bytes; /* of the socket's buffer, not taken by the peer when it was last looked at */
    bool lingers;     /* the loop owns it */
    struct loop_orphan orphan;
    void (*on_gone)(void *arg);
    void *gone_arg;
};

/* stream.c */

/* Callbacks are called between these two; when stream_leave() says false the stream is no more. */
void stream_enter(struct stream *stream);
bool stream_leave(struct stream *stream);
/* The failure is told from the loop. */
void stream_fail(struct stream *stream, enum status status);
void stream_set_reading(struct stream *stream, bool on);
void stream_set_writing(struct stream *stream, bool on);

/* stream_input.c */

bool stream_wants_input(const struct stream *stream);
/* Starts reading where it is wanted; stream_on_readable() stops it where it is not, so that a pause that ends before
 * anything comes costs nothing. */
void stream_update_reading(struct stream *stream);
void stream_on_readable(evutil_socket_t fd, short what, void *arg);
/* Calls on_data(). */
void stream_announce_input(struct stream *stream);

/* stream_output.c */

/* Counts as activity that the peer has taken some of the socket's buffer since the last call: a slow reader takes
 * minutes to empty it so far that it can be written to again. */
void stream_note_progress(struct stream *stream);
/* Nothing more can be sent. */
void stream_fail_output(struct stream *stream, enum status status);

/* Sends what was written since the last time, unless the socket is being waited for. */
void stream_send_queued(struct stream *stream);
void stream_on_writable(struct stream *stream);
/* Calls on_drained() where it is due; false when the stream is no more. */
bool stream_tell_drained(struct stream *stream);

/* stream_splice.c */

/* So many bytes came in one piece. */
void stream_splice_note(struct stream *from, size_t received);
bool stream_splice_is_due(const struct stream *from);
/* As receive(), but what came is on its way to the sink. False: there is no pipe, so it has to be copied. */
bool stream_splice_fill(struct stream *from, ssize_t *received, enum status *status) MUST_CHECK;
/* Sends what is in the pipe. False when some of it has to wait for the socket, or cannot be sent. */
bool stream_splice_empty(struct stream *from);
/* Queues what is in the pipe at the sink instead. */
void stream_splice_unload(struct stream *from);
/* Ends what stream_set_sink() began, for STREAM in both roles. */
void stream_splice_part(struct stream *stream);

/* stream_tls.c, for streams over TLS; the numbers as those of recv() and send(), where STATUS is ST_OK to wait for the
 * socket. */

/* Puts SSL, which is the stream's then (freed on failure), between it and its socket. */
bool stream_tls_start_own(struct stream *stream, struct ssl_st *ssl) MUST_CHECK;
/* The same from the first byte on that was not consumed yet. */
bool stream_tls_go_on_own(struct stream *stream, struct ssl_st *ssl) MUST_CHECK;
ssize_t stream_tls_receive(struct stream *stream, char *data, size_t n, enum status *status);
ssize_t stream_tls_send(struct stream *stream, const char *data, size_t n, enum status *status);
/* Says that nothing more is sent. */
void stream_tls_end(struct stream *stream);
void stream_tls_free(struct stream *stream);
