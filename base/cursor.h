/* Reading and writing outside bytes, bounds-checked, with a sticky failure: after the first fault reads give zeros and
 * writes do nothing; `failed` is looked at once at the end. All parsing of wire bytes goes through these. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *start, *at, *end;
    bool failed;
};

struct cursor cursor_over(const void *data, size_t n);

/* Inline, because every byte from outside comes through here. */
static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static inline size_t cursor_offset(const struct cursor *cursor)
{
    return (size_t)(cursor->at - cursor->start);
}

/* N bytes in place, or NULL and failed. */
static inline const uint8_t *cursor_bytes(struct cursor *cursor, size_t n)
{
    if (cursor->failed || n > cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    if (n)
        cursor->at += n;
    return bytes;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_bytes(cursor, 1);
    return bytes ? bytes[0] : 0;
}

/* Network byte order, as all below. */
static inline uint16_t cursor_u16(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_bytes(cursor, 2);
    return bytes ? (uint16_t)(bytes[0] << 8 | bytes[1]) : 0;
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_bytes(cursor, 4);
    return bytes ? (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3] : 0;
}

uint32_t cursor_u24(struct cursor *cursor);
/* A cursor over the next N bytes, which are taken; failed if they are not there. */
struct cursor cursor_sub(struct cursor *cursor, size_t n);

/* A writer into memory of a fixed size. */
struct wire {
    uint8_t *start, *at, *end;
    bool failed;
};

struct wire wire_into(void *memory, size_t size);
size_t wire_length(const struct wire *wire);
void wire_u8(struct wire *wire, uint8_t value);
void wire_u16(struct wire *wire, uint16_t value);
void wire_u32(struct wire *wire, uint32_t value);
void wire_bytes(struct wire *wire, const void *data, size_t n);
/* Overwrites two bytes written before, at OFFSET from the start. */
void wire_patch_u16(struct wire *wire, size_t offset, uint16_t value);
