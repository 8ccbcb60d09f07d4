#include "feeds/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { REDRAW_MS = 100, BAR_WIDTH = 24 };

void progress_init(struct progress *progress, bool wanted, const char *name, uint64_t total_bytes)
{
    *progress = (struct progress){.total_bytes = total_bytes, .started_ms = clock_mono_ms()};
    if (wanted && isatty(STDERR_FILENO))
        progress->name = name;
}

void progress_show(struct progress *progress, uint64_t bytes, uint64_t entries)
{
    if (!progress->name)
        return;
    int64_t now_ms = clock_mono_ms();
    if (progress->shown && now_ms - progress->shown_ms < REDRAW_MS)
        return;
    progress->shown = true;
    progress->shown_ms = now_ms;
    char bar[BAR_WIDTH + 1];
    uint64_t total = progress->total_bytes;
    unsigned done = total && bytes < total ? (unsigned)(bytes * BAR_WIDTH / total) : total ? BAR_WIDTH : 0;
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < done ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    double seconds = (double)(now_ms - progress->started_ms + 1) / 1000;
    fprintf(stderr, "\r\033[K%.20s [%s] %.1f MB, %.1f MB/s", progress->name, bar, (double)bytes / 1e6,
            (double)bytes / 1e6 / seconds);
    if (entries)
        fprintf(stderr, ", %llu entries", (unsigned long long)entries);
    fflush(stderr);
}

void progress_fini(struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r\033[K");
    progress->shown = false;
}
