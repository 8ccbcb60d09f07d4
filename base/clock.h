/* Time. Monotonic for timers and TTLs, wall for people. Tests put both under their own hand. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970, UTC */

int64_t clock_boot_ms(void); /* as mono, but runs on while the machine sleeps; faked: mono */

/* Fixes both clocks at the given times until they are moved; for tests. */
void clock_fake(int64_t mono_ms, int64_t wall_ms);
void clock_fake_advance(int64_t ms);
void clock_real(void);

enum { CLOCK_TEXT_SIZE = 32 };
/* RFC 3339 with milliseconds in UTC: 2026-01-31T12:00:00.000Z. */
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

enum { CLOCK_SPAN_SIZE = 24 };
/* A length of time for people, rounded: "40 s", "15 min", "3 h", "2 d". Negative ones are "0 s". */
void clock_format_span(int64_t s, char out[CLOCK_SPAN_SIZE]);
