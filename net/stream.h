/* A TCP connection with buffered input, queued output and back-pressure.
 *
 * Owned by one object (a transaction, a tunnel); all callbacks go to it, each from the loop and never from within a
 * call of a function here. A callback may free the stream. An idle stream holds no buffers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/status.h"
#include "base/text.h"
#include "net/loop.h"

struct stream;

/* All but on_data() and on_failed() may be NULL. */
struct stream_ops {
    void (*on_connected)(void *arg);                  /* of stream_connect(): it may be written to now */
    void (*on_data)(void *arg);                       /* stream_input() has grown */
    void (*on_eof)(void *arg);                        /* the peer sends no more; all input was announced before */
    void (*on_drained)(void *arg);                    /* queued output fell to the low mark or to nothing */
    void (*on_failed)(void *arg, enum status status); /* reset, refused, unreachable, timed out; free the stream */
};

/* Takes FD over (also on failure, where it is closed and NULL returned). Reading starts at once. */
struct stream *stream_new_own(struct loop *loop, int fd, const struct stream_ops *ops, void *arg) MUST_CHECK;

/* Starts a connection to exactly ADDR; on_connected() or on_failed() follows, never from within this call. */
struct stream *stream_connect(struct loop *loop, const struct addr *addr, int64_t timeout_ms,
                              const struct stream_ops *ops, void *arg) MUST_CHECK;

/* Closes; queued output is lost. Use stream_finish_own() to let it drain. NULL is allowed. */
void stream_free(struct stream *stream);

/* Hands the stream to the loop: queued output is sent (given up after LINGER_MS without progress), then the write side
 * is shut, input is read and thrown away for at most LINGER_MS (so that no reset eats the last answer), then it is
 * closed; all this within 10 s, whatever the peer does. ON_GONE(ARG) follows when it is closed, which may be within
 * this call or that of loop_free(): until then it takes a descriptor and counts in the limits of who handed it over.
 * NULL: nobody counts. Until then the caller may use it for stream_free() alone, after which ON_GONE is not called. */
void stream_finish_own(struct stream *stream, int64_t linger_ms, void (*on_gone)(void *arg), void *arg);

/* Moves the stream to another owner (a CONNECT that becomes a tunnel, a connection that goes to a pool). Input that is
 * waiting is not announced to it: look at stream_input(). */
void stream_set_owner(struct stream *stream, const struct stream_ops *ops, void *arg);

/* What was received and not consumed yet; valid until the next call on this stream. */
struct str stream_input(const struct stream *stream);
void stream_consume(struct stream *stream, size_t n);

/* Bounds the unconsumed input; reading pauses when it is reached. Default 64 KiB. */
void stream_set_input_limit(struct stream *stream, size_t limit_bytes);
void stream_pause(struct stream *stream);  /* stops reading: back-pressure */
void stream_resume(struct stream *stream); /* also announces input that is waiting, from the loop */
bool stream_saw_eof(const struct stream *stream);
/* Whether the peer of a plain stream has neither said anything that was not consumed nor ended, by the socket itself:
 * the loop tells of it later. */
bool stream_is_quiet(const struct stream *stream);

/* Queues output. Sent by stream_flush(), or at the end of this round of the loop; much output at once is sent right
 * away. ST_CLOSED after stream_shutdown() or a failure that on_failed() is about to tell; ST_NOMEM also when over 16
 * MiB would be queued. */
enum status stream_write(struct stream *stream, const void *data, size_t n) MUST_CHECK;
void stream_flush(struct stream *stream);
/* Over TLS: what is written next begins a record of its own. */
void stream_cut(struct stream *stream);
size_t stream_queued(const struct stream *stream);
/* Whether the system has sent all output of a plain TCP stream. */
bool stream_is_sent(const struct stream *stream);
/* Whether more is queued than a producer should add to (64 KiB): pause it until on_drained(). */
bool stream_is_full(const struct stream *stream);
/* After what is queued, ends our direction (FIN). */
void stream_shutdown(struct stream *stream);

/* Lets what FROM receives go to TO without a copy (splice(2)) while much of it comes, unseen by on_data(). What
 * on_data() announces is passed on by the owner as before; on_eof() comes when all has been sent. Both are plain (no
 * TLS), each has one sink and is the sink of one at most; it ends when either is finished or freed, and what is on the
 * way then is still sent. SIGPIPE must be blocked or ignored. */
void stream_set_sink(struct stream *from, struct stream *to);
uint64_t stream_spliced(const struct stream *from); /* bytes that went so */

/* on_failed(ST_TIMEOUT) when nothing was received or sent for so long; 0 turns it off. */
void stream_set_idle_timeout(struct stream *stream, int64_t timeout_ms);
