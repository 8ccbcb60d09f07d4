/* The writer alone moves `written`, the reader alone `taken`; both only grow, and what lies between them is whole. */
#include "base/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BYTES = 4096, MOST_BYTES = 16 << 20 };

struct ring {
    size_t size; /* a power of two */
    char *data;
    _Alignas(64) atomic_size_t written;
    _Alignas(64) atomic_size_t taken;
    _Alignas(64) atomic_uint_least64_t dropped;
};

struct ring *ring_new(size_t bytes)
{
    struct ring *ring = aligned_alloc(64, sizeof *ring);
    size_t size = LEAST_BYTES;
    while (size < bytes && size < MOST_BYTES)
        size *= 2;
    if (!ring)
        return NULL;
    ring->size = size;
    ring->data = malloc(size);
    atomic_init(&ring->written, 0);
    atomic_init(&ring->taken, 0);
    atomic_init(&ring->dropped, 0);
    if (ring->data)
        return ring;
    free(ring);
    return NULL;
}

void ring_free(struct ring *ring)
{
    if (!ring)
        return;
    free(ring->data);
    free(ring);
}

static size_t until_end(const struct ring *ring, size_t at, size_t n)
{
    size_t left = ring->size - (at & (ring->size - 1));
    return n < left ? n : left;
}

static void copy_in(struct ring *ring, size_t at, const void *data, size_t n)
{
    size_t first = until_end(ring, at, n);
    memcpy(ring->data + (at & (ring->size - 1)), data, first);
    if (first < n)
        memcpy(ring->data, (const char *)data + first, n - first);
}

static void copy_out(const struct ring *ring, size_t at, char *out, size_t n)
{
    size_t first = until_end(ring, at, n);
    memcpy(out, ring->data + (at & (ring->size - 1)), first);
    if (first < n)
        memcpy(out + first, ring->data, n - first);
}

bool ring_put(struct ring *ring, const void *data, size_t n)
{
    size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    size_t used = written - atomic_load_explicit(&ring->taken, memory_order_acquire);
    uint32_t length = (uint32_t)n;
    if (n > ring->size || ring->size - used < sizeof length + n) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return false;
    }
    copy_in(ring, written, &length, sizeof length);
    copy_in(ring, written + sizeof length, data, n);
    atomic_store_explicit(&ring->written, written + sizeof length + n, memory_order_release);
    return true;
}

bool ring_has_any(const struct ring *ring)
{
    return atomic_load_explicit(&ring->taken, memory_order_relaxed) !=
           atomic_load_explicit(&ring->written, memory_order_acquire);
}

bool ring_take(struct ring *ring, struct buf *out)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    uint32_t length;
    if (!ring_has_any(ring))
        return false;
    copy_out(ring, taken, (char *)&length, sizeof length);
    char *room = buf_reserve(out, length);
    if (room) {
        copy_out(ring, taken + sizeof length, room, length);
        out->length += length;
    }
    atomic_store_explicit(&ring->taken, taken + sizeof length + length, memory_order_release);
    return true;
}

uint64_t ring_take_dropped(struct ring *ring)
{
    return atomic_exchange_explicit(&ring->dropped, 0, memory_order_relaxed);
}
