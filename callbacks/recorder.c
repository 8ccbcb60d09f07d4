/* Counters that a worker adds to and the control thread takes from, in fixed memory and without a lock.
 *
 * The worker alone writes a slot's callback, and only while the slot's `pending` is 0. The control thread reads the
 * callback only while `pending` is not 0, and takes the count by swapping it for 0. A hit that comes in between is in
 * the count just taken or in the next one: never in both, never in none. */
#include "callbacks/recorder.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "callbacks/drain.h"

/* Slots of one level stand in sets, and what may flood stays in the two sets of its next level: the subjects of one
 * client and indicator share two sets, so that they fold among themselves, and hardly anyone else has the same two.
 * The last level has a way for each action, so that there is always a place. */
struct shape {
    unsigned sets, ways;
};
static const struct shape shapes[FOLD_LEVELS] = {
    [FOLD_NONE] = {64, 8},
    [FOLD_SUBJECTS] = {64, 4},
    [FOLD_INDICATORS] = {32, 4},
    [FOLD_CLIENTS] = {1, 3},
};
enum { SLOTS = 64 * 8 + 64 * 4 + 32 * 4 + 1 * 3 };

struct recorder {
    uint64_t seed;
    uint64_t keys[SLOTS]; /* the worker's alone; 0: never used */
    _Alignas(64) _Atomic uint64_t pending[SLOTS];
    _Atomic int64_t last_ms[SLOTS];
    struct callback callbacks[SLOTS];
};

struct recorder *recorder_new(uint64_t seed)
{
    struct recorder *recorder = aligned_alloc(64, (sizeof *recorder + 63) / 64 * 64);
    if (!recorder)
        return NULL;
    recorder->seed = seed;
    for (unsigned i = 0; i < SLOTS; i++) {
        recorder->keys[i] = 0;
        atomic_init(&recorder->pending[i], 0);
        atomic_init(&recorder->last_ms[i], 0);
    }
    return recorder; /* callbacks stay untouched, so that memory is used only for what happens */
}

void recorder_free(struct recorder *recorder)
{
    free(recorder);
}

static void slot_fill(struct recorder *recorder, unsigned slot, uint64_t key, const struct callback *callback)
{
    recorder->keys[slot] = key;
    recorder->callbacks[slot] = *callback;
    atomic_store_explicit(&recorder->last_ms[slot], callback->time_ms, memory_order_relaxed);
    atomic_store_explicit(&recorder->pending[slot], callback->count ? callback->count : 1, memory_order_release);
}

static void slot_add(struct recorder *recorder, unsigned slot, const struct callback *callback)
{
    atomic_store_explicit(&recorder->last_ms[slot], callback->time_ms, memory_order_relaxed);
    /* Should the count have been taken just now, the callback is still that of this key: nobody else writes it. */
    atomic_fetch_add_explicit(&recorder->pending[slot], callback->count ? callback->count : 1, memory_order_release);
}

/* False: every way of the set counts something else. */
static bool count_in_set(struct recorder *recorder, unsigned first, unsigned ways, uint64_t key,
                         const struct callback *callback)
{
    unsigned end = first + ways, empty = end;
    for (unsigned slot = first; slot < end; slot++) {
        bool counting = atomic_load_explicit(&recorder->pending[slot], memory_order_acquire) != 0;
        if (recorder->keys[slot] == key && counting) {
            slot_add(recorder, slot, callback);
            return true;
        }
        if (!counting && empty == end)
            empty = slot;
    }
    if (empty == end)
        return false;
    slot_fill(recorder, empty, key, callback);
    return true;
}

static bool count_at_level(struct recorder *recorder, unsigned first, const struct shape *shape, uint64_t home,
                           uint64_t key, const struct callback *callback)
{
    unsigned one = (unsigned)(home % shape->sets), other = (unsigned)((home >> 32) % shape->sets);
    return count_in_set(recorder, first + one * shape->ways, shape->ways, key, callback) ||
           count_in_set(recorder, first + other * shape->ways, shape->ways, key, callback);
}

void recorder_record(struct recorder *recorder, const struct callback *callback)
{
    unsigned first = 0;
    if (!recorder)
        return;
    uint64_t key = fold_key(recorder->seed, FOLD_NONE, callback);
    for (enum fold level = FOLD_NONE; level < FOLD_LEVELS; level++) {
        uint64_t next_key = level < FOLD_CLIENTS ? fold_key(recorder->seed, level + 1, callback) : 0;
        uint64_t home = level < FOLD_INDICATORS ? next_key : key;
        if (count_at_level(recorder, first, &shapes[level], home, key, callback))
            return;
        first += shapes[level].sets * shapes[level].ways;
        key = next_key;
    }
    CHECK(false); /* the last level has a place for every action */
}

void recorder_drain(struct recorder *recorder, recorder_take take, void *context)
{
    unsigned slot = 0;
    for (enum fold level = FOLD_NONE; level < FOLD_LEVELS; level++)
        for (unsigned i = 0; i < shapes[level].sets * shapes[level].ways; i++, slot++) {
            if (!atomic_load_explicit(&recorder->pending[slot], memory_order_acquire))
                continue;
            struct callback callback = recorder->callbacks[slot];
            callback.count = atomic_exchange_explicit(&recorder->pending[slot], 0, memory_order_acq_rel);
            int64_t last_ms = atomic_load_explicit(&recorder->last_ms[slot], memory_order_relaxed);
            take(context, level, &callback, last_ms);
        }
}
