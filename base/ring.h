/* Records of bytes from one thread to another, in fixed memory, without a lock or a wait. For what may be dropped and
 * counted when there is too much of it; what may not is counted as it comes (callbacks/recorder.h). */
#pragma once

#include "base/buf.h"

struct ring;

/* Room for BYTES (4 KiB to 16 MiB, rounded up to a power of two); memory is used only as it is written. NULL when out
 * of memory. */
struct ring *ring_new(size_t bytes) MUST_CHECK;
/* After both threads are done with it. NULL is allowed. */
void ring_free(struct ring *ring);

/* The one thread that writes: takes a copy. False: there is no room; the record is counted as dropped. */
bool ring_put(struct ring *ring, const void *data, size_t n);

/* The one thread that reads: appends the next record to OUT; false: there is none. */
bool ring_take(struct ring *ring, struct buf *out) MUST_CHECK;
bool ring_has_any(const struct ring *ring);
/* The reader's: how many were dropped since it asked last. */
uint64_t ring_take_dropped(struct ring *ring);
