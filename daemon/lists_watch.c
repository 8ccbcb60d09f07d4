#include "daemon/lists_watch.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    GRACE_MS = 1000, /* a command publishes what it has written by itself */
    RETRY_MS = 5000,
};

static struct timespec file_time(const char *state_dir)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/" USER_LISTS_FILE, state_dir);
    return stat(path, &st) ? (struct timespec){0} : st.st_mtim;
}

static void publish(struct lists_watch *watch, const char *state_dir)
{
    struct fault fault = {0};
    watch->seen = file_time(state_dir);
    watch->due_ms = 0;
    enum status status = user_lists_publish(state_dir, &fault);
    if (status == ST_BUSY) {
        watch->due_ms = clock_mono_ms() + GRACE_MS;
        return;
    }
    if (status != ST_OK) {
        watch->due_ms = clock_mono_ms() + RETRY_MS;
        if (strcmp(fault.text, watch->fault.text))
            log_error("%s; of your own entries what was in force stays in force", fault.text);
    } else if (watch->fault.text[0]) {
        log_info("your own entries are in force again as " USER_LISTS_FILE " has them");
    }
    watch->fault = fault;
}

void lists_watch_start(struct lists_watch *watch, const char *state_dir)
{
    *watch = (struct lists_watch){0};
    publish(watch, state_dir);
}

void lists_watch_step(struct lists_watch *watch, const char *state_dir)
{
    struct timespec now = file_time(state_dir);
    if (now.tv_sec != watch->seen.tv_sec || now.tv_nsec != watch->seen.tv_nsec) {
        watch->seen = now;
        watch->due_ms = clock_mono_ms() + GRACE_MS;
    }
    if (watch->due_ms && clock_mono_ms() >= watch->due_ms)
        publish(watch, state_dir);
}
