#include "daemon/store_watch.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "config/site.h"

enum { SETTLE_MS = 50 };

static int64_t age_ms(struct timespec time)
{
    return clock_wall_ms() - ((int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000);
}

struct timespec store_watch_time(const struct config *config)
{
    struct stat status;
    return stat(store_dir(config), &status) == 0 ? status.st_mtim : (struct timespec){0};
}

/* The clock of file times ticks slowly: of a directory that was changed only just before it was read, a further change
 * in the same tick cannot be seen, so it is read once more. */
bool store_watch_changed(const struct store_watch *watch, const struct config *config)
{
    struct timespec now = store_watch_time(config);
    if (now.tv_sec != watch->seen.tv_sec || now.tv_nsec != watch->seen.tv_nsec)
        return true;
    return watch->unsettled && age_ms(now) > SETTLE_MS;
}

void store_watch_note(struct store_watch *watch, struct timespec seen)
{
    int64_t age = age_ms(seen);
    *watch = (struct store_watch){seen, age >= 0 && age <= SETTLE_MS};
}
