#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/pipe_pool.h"
#include "net/timer.h"

/* One loop_call() on its way to the loop's thread. */
struct call {
    void (*fn)(void *arg);
    void *arg;
    STAILQ_ENTRY(call) entry;
};
STAILQ_HEAD(calls, call);

struct loop {
    struct event_base *base;
    bool stopping;

    bool now_known;
    int64_t now_ms;

    struct timers timers;
    struct event *wakeup; /* ends the wait for events when a timer is due */
    bool wakeup_armed;
    int64_t wakeup_ms;

    uint64_t round;
    TAILQ_HEAD(, loop_task) tasks;
    LIST_HEAD(, loop_orphan) orphans;

    LIST_HEAD(, loop_urgent) urgent;
    bool look_timed, looking; /* look_timed: since_us is of this round */
    int64_t since_us;         /* when other work began, or went on after the last look */

    int mailbox_fd; /* eventfd */
    struct event *mailbox_event;
    pthread_mutex_t mailbox_lock;
    struct calls calls; /* under mailbox_lock */

    uint8_t *scratch;
    struct pipe_pool pipes;
};

static void on_wakeup(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    ((struct loop *)arg)->wakeup_armed = false;
}

static void on_mailbox(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct loop *loop = arg;
    uint64_t count;
    if (read(fd, &count, sizeof count) < 0)
        CHECK(errno == EAGAIN || errno == EINTR);
    struct calls calls = STAILQ_HEAD_INITIALIZER(calls);
    pthread_mutex_lock(&loop->mailbox_lock);
    STAILQ_CONCAT(&calls, &loop->calls);
    pthread_mutex_unlock(&loop->mailbox_lock);
    while (!STAILQ_EMPTY(&calls)) {
        struct call *call = STAILQ_FIRST(&calls);
        STAILQ_REMOVE_HEAD(&calls, entry);
        call->fn(call->arg);
        free(call);
    }
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    TAILQ_INIT(&loop->tasks);
    LIST_INIT(&loop->orphans);
    LIST_INIT(&loop->urgent);
    STAILQ_INIT(&loop->calls);
    CHECK(pthread_mutex_init(&loop->mailbox_lock, NULL) == 0);
    loop->mailbox_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->scratch = malloc(LOOP_SCRATCH_BYTES);
    struct event_config *config = event_config_new();
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        loop->base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    if (loop->base && loop->mailbox_fd >= 0) {
        loop->wakeup = evtimer_new(loop->base, on_wakeup, loop);
        loop->mailbox_event = event_new(loop->base, loop->mailbox_fd, EV_READ | EV_PERSIST, on_mailbox, loop);
    }
    if (!loop->scratch || !loop->wakeup || !loop->mailbox_event || event_add(loop->mailbox_event, NULL) != 0) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (!LIST_EMPTY(&loop->orphans)) {
        struct loop_orphan *orphan = LIST_FIRST(&loop->orphans);
        LIST_REMOVE(orphan, entry);
        orphan->free(orphan->arg);
    }
    while (!STAILQ_EMPTY(&loop->calls)) {
        struct call *call = STAILQ_FIRST(&loop->calls);
        STAILQ_REMOVE_HEAD(&loop->calls, entry);
        free(call);
    }
    timers_fini(&loop->timers);
    pipe_pool_fini(&loop->pipes);
    if (loop->mailbox_event)
        event_free(loop->mailbox_event);
    if (loop->wakeup)
        event_free(loop->wakeup);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->mailbox_fd >= 0)
        close(loop->mailbox_fd);
    pthread_mutex_destroy(&loop->mailbox_lock);
    free(loop->scratch);
    free(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopping)
        loop_run_once(loop, true);
    loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

/* Sees to it that the wait ends when the soonest timer is due; false when one is due already. */
static bool arm_wakeup(struct loop *loop)
{
    int64_t due_ms;
    if (!timers_next(&loop->timers, &due_ms))
        return true;
    int64_t now_ms = loop_now_ms(loop);
    if (due_ms <= now_ms)
        return false;
    if (!loop->wakeup_armed || due_ms < loop->wakeup_ms) {
        int64_t wait_ms = due_ms - now_ms;
        struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
        loop->wakeup_armed = event_add(loop->wakeup, &wait) == 0;
        loop->wakeup_ms = due_ms;
        return loop->wakeup_armed;
    }
    return true;
}

static void run_tasks(struct loop *loop)
{
    uint64_t round = loop->round++;
    struct loop_task *task;
    while ((task = TAILQ_FIRST(&loop->tasks)) && task->round <= round) {
        loop_task_cancel(loop, task);
        task->run(task->arg);
        loop_look(loop);
    }
}

void loop_run_once(struct loop *loop, bool wait)
{
    bool idle = arm_wakeup(loop) && TAILQ_EMPTY(&loop->tasks);
    loop->now_known = false;
    loop->look_timed = false;
    event_base_loop(loop->base, EVLOOP_ONCE | (wait && idle ? 0 : EVLOOP_NONBLOCK));
    if (loop->timers.running)
        timers_run(&loop->timers, loop_now_ms(loop));
    run_tasks(loop);
    loop->now_known = false;
}

int64_t loop_now_ms(struct loop *loop)
{
    /* Asked for after the wait, not before it: libevent has no hook in between. */
    if (!loop->now_known) {
        loop->now_ms = clock_mono_ms();
        loop->now_known = true;
    }
    return loop->now_ms;
}

enum status loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct call *call = malloc(sizeof *call);
    if (!call)
        return ST_NOMEM;
    *call = (struct call){.fn = fn, .arg = arg};
    pthread_mutex_lock(&loop->mailbox_lock);
    bool was_empty = STAILQ_EMPTY(&loop->calls);
    STAILQ_INSERT_TAIL(&loop->calls, call, entry);
    /* Under the lock: once it is released the loop may take the call, end, and close the descriptor. */
    uint64_t one = 1;
    if (was_empty)
        CHECK(write(loop->mailbox_fd, &one, sizeof one) == sizeof one);
    pthread_mutex_unlock(&loop->mailbox_lock);
    return ST_OK;
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (task->queued)
        return;
    task->queued = true;
    task->round = loop->round;
    TAILQ_INSERT_TAIL(&loop->tasks, task, entry);
}

void loop_task_cancel(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        return;
    task->queued = false;
    TAILQ_REMOVE(&loop->tasks, task, entry);
}

void loop_adopt(struct loop *loop, struct loop_orphan *orphan)
{
    LIST_INSERT_HEAD(&loop->orphans, orphan, entry);
}

void loop_orphan_gone(struct loop_orphan *orphan)
{
    LIST_REMOVE(orphan, entry);
}

void loop_urgent_add(struct loop *loop, struct loop_urgent *urgent)
{
    LIST_INSERT_HEAD(&loop->urgent, urgent, entry);
}

void loop_urgent_remove(struct loop_urgent *urgent)
{
    LIST_REMOVE(urgent, entry);
}

/* The first call of a round finds the urgent events among those that the round began with. */
void loop_look(struct loop *loop)
{
    if (loop->looking || LIST_EMPTY(&loop->urgent))
        return;
    int64_t now_us = clock_mono_us();
    if (loop->look_timed && now_us < loop->since_us + LOOP_LOOK_US)
        return;
    bool is_due = loop->look_timed;
    loop->look_timed = true;
    loop->since_us = now_us;
    if (!is_due)
        return;
    loop->looking = true;
    for (struct loop_urgent *urgent = LIST_FIRST(&loop->urgent), *next; urgent; urgent = next) {
        next = LIST_NEXT(urgent, entry);
        urgent->run(urgent->arg);
    }
    loop->looking = false;
    loop->since_us = clock_mono_us(); /* so that in a flood the others have their time as well */
}

struct event_base *loop_event_base(struct loop *loop)
{
    return loop->base;
}

uint8_t *loop_scratch(struct loop *loop)
{
    return loop->scratch;
}

struct pipe_pool *loop_pipes(struct loop *loop)
{
    return &loop->pipes;
}

struct timers *loop_timers(struct loop *loop)
{
    return &loop->timers;
}
