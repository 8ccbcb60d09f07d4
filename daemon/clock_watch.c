#include "daemon/clock_watch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

enum { JUMP_MS = 60 * 1000 };

static int64_t offset_ms(void)
{
    return clock_wall_ms() - clock_boot_ms();
}

void clock_watch_start(struct clock_watch *watch)
{
    *watch = (struct clock_watch){.offset_ms = offset_ms()};
}

void clock_watch_step(struct clock_watch *watch)
{
    int64_t now_ms = offset_ms(), jump_ms = now_ms - watch->offset_ms;
    watch->offset_ms = now_ms; /* small steps and drift are how a clock is kept right */
    if (jump_ms >= -JUMP_MS && jump_ms <= JUMP_MS)
        return;
    char span[CLOCK_SPAN_SIZE], when[CLOCK_TEXT_SIZE];
    clock_format_span((jump_ms < 0 ? -jump_ms : jump_ms) / 1000, span);
    clock_format(clock_wall_ms(), when);
    snprintf(watch->note, sizeof watch->note, "the clock was set %s by %s, to %s", jump_ms < 0 ? "back" : "ahead", span,
             when);
    log_warning("%s; entries expire by it", watch->note);
}
