/* The event loop of one thread: one libevent base, without locks. Everything made from a loop belongs to its thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/status.h"

struct loop;
struct timer;
struct event_base;

struct loop *loop_new(void); /* NULL when out of memory or file descriptors */
void loop_free(struct loop *loop);

/* Runs until loop_stop(), which another thread reaches by loop_call(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* One round: events, then due timers, then tasks. Without WAIT only what is ready; for tests and drains. */
void loop_run_once(struct loop *loop, bool wait);

/* Monotonic milliseconds of clock_mono_ms() as of the start of this round; cheap. */
int64_t loop_now_ms(struct loop *loop);

/* From any thread: calls FN(ARG) in the loop's thread, soon. Calls are kept in order. ST_NOMEM if it can't be queued.
 */
enum status loop_call(struct loop *loop, void (*fn)(void *arg), void *arg) MUST_CHECK;

/* A one-shot timer, made idle. timer_free(NULL) is allowed; timer_start() on a running one moves it. */
struct timer *timer_new(struct loop *loop, void (*on_timer)(void *arg), void *arg);
void timer_free(struct timer *timer);
void timer_start(struct timer *timer, int64_t after_ms);
void timer_stop(struct timer *timer);

/* Work put off to the end of this round, embedded in the object that it is for. */
struct loop_task {
    void (*run)(void *arg);
    void *arg;
    bool queued;
    uint64_t round;
    TAILQ_ENTRY(loop_task) entry;
};
/* Runs the task once after the events of this round; one put off by a task waits for the next round. Nothing when it is
 * queued already. loop_task_cancel() must be called before the object goes. */
void loop_defer(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop *loop, struct loop_task *task);

/* An object that nobody but the loop owns any more (a stream that lingers): loop_free() frees it. */
struct loop_orphan {
    void (*free)(void *arg);
    void *arg;
    LIST_ENTRY(loop_orphan) entry;
};
void loop_adopt(struct loop *loop, struct loop_orphan *orphan);
void loop_orphan_gone(struct loop_orphan *orphan);

/* For net/ alone: what must not wait for its turn while a round has much else to do (datagrams). RUN looks by itself
 * whether there is anything, takes a little of it, and may remove this entry but no other. */
struct loop_urgent {
    void (*run)(void *arg);
    void *arg;
    LIST_ENTRY(loop_urgent) entry;
};
void loop_urgent_add(struct loop *loop, struct loop_urgent *urgent);
void loop_urgent_remove(struct loop_urgent *urgent);
/* Called before an event of a stream or listener is seen to, where nothing of it is on the stack that could not go: has
 * a look at what is urgent when LOOP_LOOK_US of other work have gone by. */
void loop_look(struct loop *loop);
enum { LOOP_LOOK_US = 100 };

/* For net/ alone: the libevent base, and 64 KiB of scratch to receive into. */
struct event_base *loop_event_base(struct loop *loop);
enum { LOOP_SCRATCH_BYTES = 65536 };
uint8_t *loop_scratch(struct loop *loop);
