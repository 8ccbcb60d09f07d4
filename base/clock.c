#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static bool faked;
static int64_t fake_mono, fake_wall;

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return faked ? fake_mono : read_ms(CLOCK_MONOTONIC);
}

int64_t clock_mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return faked ? fake_mono * 1000 : (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_boot_ms(void)
{
    return faked ? fake_mono : read_ms(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    return faked ? fake_wall : read_ms(CLOCK_REALTIME);
}

void clock_fake(int64_t mono_ms, int64_t wall_ms)
{
    faked = true;
    fake_mono = mono_ms;
    fake_wall = wall_ms;
}

void clock_fake_advance(int64_t ms)
{
    fake_mono += ms;
    fake_wall += ms;
}

void clock_real(void)
{
    faked = false;
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    int ms = (int)(wall_ms % 1000);
    if (ms < 0) {
        ms += 1000;
        seconds -= 1;
    }
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    char text[24];
    if (!strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
        text[0] = '\0';
    snprintf(out, CLOCK_TEXT_SIZE, "%s.%03dZ", text, ms);
}

void clock_format_span(int64_t s, char out[CLOCK_SPAN_SIZE])
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
    s = s > 0 ? s : 0;
    if (s < 2 * MINUTE)
        snprintf(out, CLOCK_SPAN_SIZE, "%lld s", (long long)s);
    else if (s < 2 * HOUR)
        snprintf(out, CLOCK_SPAN_SIZE, "%lld min", (long long)(s + MINUTE / 2) / MINUTE);
    else if (s < 2 * DAY)
        snprintf(out, CLOCK_SPAN_SIZE, "%lld h", (long long)(s + HOUR / 2) / HOUR);
    else
        snprintf(out, CLOCK_SPAN_SIZE, "%lld d", (long long)(s / DAY + (s % DAY >= DAY / 2)));
}
