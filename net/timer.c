#include "net/timer.h"

#include <stdlib.h>

#include "net/loop.h"

enum { TIMERS_FIRST_ROOM = 32 };
static const size_t IDLE = SIZE_MAX;

struct timer {
    struct loop *loop;
    void (*on_timer)(void *arg);
    void *arg;
    int64_t due_ms;
    size_t place; /* in the heap, or IDLE */
};

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

/* Moves TIMER from PLACE, which is free, to where it belongs. */
static void sift(struct timers *timers, size_t place, struct timer *timer)
{
    while (place > 0 && timers->heap[(place - 1) / 2]->due_ms > timer->due_ms) {
        put(timers, place, timers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= timers->running)
            break;
        if (child + 1 < timers->running && timers->heap[child + 1]->due_ms < timers->heap[child]->due_ms)
            child++;
        if (timers->heap[child]->due_ms >= timer->due_ms)
            break;
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

struct timer *timer_new(struct loop *loop, void (*on_timer)(void *arg), void *arg)
{
    struct timers *timers = loop_timers(loop);
    if (timers->made == timers->capacity) {
        size_t capacity = timers->capacity ? 2 * timers->capacity : TIMERS_FIRST_ROOM;
        struct timer **heap = realloc(timers->heap, capacity * sizeof *heap);
        if (!heap)
            return NULL;
        timers->heap = heap;
        timers->capacity = capacity;
    }
    struct timer *timer = malloc(sizeof *timer);
    if (!timer)
        return NULL;
    *timer = (struct timer){.loop = loop, .on_timer = on_timer, .arg = arg, .place = IDLE};
    timers->made++;
    return timer;
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    timer_stop(timer);
    loop_timers(timer->loop)->made--;
    free(timer);
}

void timer_start(struct timer *timer, int64_t after_ms)
{
    struct timers *timers = loop_timers(timer->loop);
    timer->due_ms = loop_now_ms(timer->loop) + after_ms;
    sift(timers, timer->place == IDLE ? timers->running++ : timer->place, timer);
}

void timer_stop(struct timer *timer)
{
    struct timers *timers = loop_timers(timer->loop);
    if (timer->place == IDLE)
        return;
    struct timer *last = timers->heap[--timers->running];
    if (last != timer)
        sift(timers, timer->place, last);
    timer->place = IDLE;
}

void timers_fini(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){0};
}

bool timers_next(const struct timers *timers, int64_t *due_ms)
{
    if (!timers->running)
        return false;
    *due_ms = timers->heap[0]->due_ms;
    return true;
}

void timers_run(struct timers *timers, int64_t now_ms)
{
    for (size_t left = timers->running; left && timers->running && timers->heap[0]->due_ms <= now_ms; left--) {
        struct timer *timer = timers->heap[0];
        timer_stop(timer);
        timer->on_timer(timer->arg);
    }
}
