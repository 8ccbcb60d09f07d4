/* The timers of one loop: a binary heap by due time, so that the clock that tests fake moves them too. For loop.c
 * alone; others use timer_new() and its kin of net/loop.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;

struct timers {
    struct timer **heap; /* the running ones, soonest first */
    size_t running, capacity;
    size_t made; /* heap has room for so many, so that starting a timer can't fail */
};

void timers_fini(struct timers *timers);
/* Whether a timer runs, and when the soonest is due. */
bool timers_next(const struct timers *timers, int64_t *due_ms);
/* Calls those due at NOW_MS; each at most once, also when it starts itself again. */
void timers_run(struct timers *timers, int64_t now_ms);

struct loop;
struct timers *loop_timers(struct loop *loop);
