/* A growable byte buffer with a sticky failure: append freely, look at `failed` once at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* `{0}` is an empty buffer without a bound; set max_bytes to bound it. */
struct buf {
    char *data;
    size_t length, capacity;
    size_t max_bytes; /* 0: no bound */
    bool failed;      /* an append did not fit or memory ran out; the buffer holds what was there before */
};

void buf_free(struct buf *buf);  /* frees the memory, leaves `{0}` with the same bound */
void buf_clear(struct buf *buf); /* length 0 and not failed; memory kept */

/* Room for N more bytes at data + length, or NULL and failed. The caller adds to length what it wrote. */
char *buf_reserve(struct buf *buf, size_t n) MUST_CHECK;

void buf_add(struct buf *buf, const void *data, size_t n);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops the first N bytes (N <= length). */
void buf_consume(struct buf *buf, size_t n);

/* The bytes as a C string: a NUL is kept after the last byte (not counted). Never NULL. */
const char *buf_text(struct buf *buf);
