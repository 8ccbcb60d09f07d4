/* The control thread's side of a recorder. */
#pragma once

#include "callbacks/fold.h"
#include "callbacks/recorder.h"

/* NULL when out of memory. */
struct recorder *recorder_new(uint64_t seed);
/* After its worker has stopped. */
void recorder_free(struct recorder *recorder);

/* TAKE gets each counter that grew since the last time: the first hit behind it, with what is to be added as its count,
 * the level at which it was counted, and the wall time of the last hit. */
typedef void (*recorder_take)(void *context, enum fold level, const struct callback *callback, int64_t last_ms);
void recorder_drain(struct recorder *recorder, recorder_take take, void *context);
