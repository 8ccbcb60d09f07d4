#include "base/cursor.h"

#include <string.h>

#include "base/check.h"

struct cursor cursor_over(const void *data, size_t n)
{
    const uint8_t *bytes = data;
    return (struct cursor){.start = bytes, .at = bytes, .end = bytes ? bytes + n : bytes};
}

uint32_t cursor_u24(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_bytes(cursor, 3);
    return bytes ? (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2] : 0;
}

struct cursor cursor_sub(struct cursor *cursor, size_t n)
{
    const uint8_t *bytes = cursor_bytes(cursor, n);
    struct cursor sub = cursor_over(bytes, bytes ? n : 0);
    sub.failed = cursor->failed;
    return sub;
}

struct wire wire_into(void *memory, size_t size)
{
    uint8_t *bytes = memory;
    return (struct wire){.start = bytes, .at = bytes, .end = bytes + size};
}

size_t wire_length(const struct wire *wire)
{
    return (size_t)(wire->at - wire->start);
}

void wire_bytes(struct wire *wire, const void *data, size_t n)
{
    if (wire->failed || n > (size_t)(wire->end - wire->at)) {
        wire->failed = true;
        return;
    }
    if (n)
        memcpy(wire->at, data, n);
    wire->at += n;
}

void wire_u8(struct wire *wire, uint8_t value)
{
    wire_bytes(wire, &value, 1);
}

void wire_u16(struct wire *wire, uint16_t value)
{
    uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    wire_bytes(wire, bytes, sizeof bytes);
}

void wire_u32(struct wire *wire, uint32_t value)
{
    uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    wire_bytes(wire, bytes, sizeof bytes);
}

void wire_patch_u16(struct wire *wire, size_t offset, uint16_t value)
{
    if (wire->failed)
        return;
    CHECK(offset + 2 <= wire_length(wire));
    wire->start[offset] = (uint8_t)(value >> 8);
    wire->start[offset + 1] = (uint8_t)value;
}
