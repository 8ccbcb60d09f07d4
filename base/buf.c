#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max_bytes = buf->max_bytes};
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    buf->failed = false;
}

char *buf_reserve(struct buf *buf, size_t n)
{
    size_t limit = buf->max_bytes ? buf->max_bytes : SIZE_MAX / 2;
    if (buf->failed || n > limit - (buf->length < limit ? buf->length : limit)) {
        buf->failed = true;
        return NULL;
    }
    size_t need = buf->length + n + 1; /* one more for buf_text() */
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 64;
        while (capacity < need)
            capacity *= 2;
        char *data = realloc(buf->data, capacity);
        if (!data) {
            buf->failed = true;
            return NULL;
        }
        buf->data = data;
        buf->capacity = capacity;
    }
    return buf->data + buf->length;
}

void buf_add(struct buf *buf, const void *data, size_t n)
{
    char *room = buf_reserve(buf, n);
    if (!room)
        return;
    if (n)
        memcpy(room, data, n);
    buf->length += n;
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = n < 0 ? NULL : buf_reserve(buf, (size_t)n);
    if (room) {
        vsnprintf(room, (size_t)n + 1, format, again);
        buf->length += (size_t)n;
    }
    va_end(again);
}

void buf_consume(struct buf *buf, size_t n)
{
    CHECK(n <= buf->length);
    buf->length -= n;
    if (buf->length)
        memmove(buf->data, buf->data + n, buf->length);
}

const char *buf_text(struct buf *buf)
{
    if (!buf->data)
        return "";
    buf->data[buf->length] = '\0';
    return buf->data;
}
