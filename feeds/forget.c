/* `feeds disable`: a feed and all that was kept of it. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "feeds/collection.h"
#include "feeds/interrupt.h"
#include "feeds/work.h"

enum { WAIT_MS = 30 * 1000, POLL_MS = 50 };

/* A refresh under way would bring back what is taken away: waits until it has ended. */
static enum status begin(struct feed_work *work, const struct feed_site *site, const char *name, struct fault *fault)
{
    for (int waited_ms = 0;; waited_ms += POLL_MS) {
        struct fault why = {0};
        enum status st = work_begin(work, site, name, false, &why);
        if (st != ST_BUSY || waited_ms >= WAIT_MS || interrupted())
            return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", why.text);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
}

static enum status remove_source(const struct feed_work *work, bool *was_there, struct fault *fault)
{
    int lock;
    enum status st = import_lock(work->store_dir, &lock, fault);
    if (st != ST_OK)
        return st;
    struct fault why = {0};
    st = source_remove(work->store_dir, work->name, &why);
    store_unlock(lock);
    *was_there = st == ST_OK;
    return st == ST_OK || st == ST_NOT_FOUND ? ST_OK : fault_set(fault, st, "%s", why.text);
}

enum status feed_forget(const struct feed_site *site, const char *name, bool *was_there, struct fault *fault)
{
    static const char *const suffixes[] = {".raw", ".json"};
    struct feed_work work;
    char path[WORK_PATH_SIZE];
    enum status st = begin(&work, site, name, fault);
    if (st != ST_OK)
        return st;
    st = remove_source(&work, was_there, fault);
    for (size_t i = 0; st == ST_OK && i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (feed_state_path(site->state_dir, name, suffixes[i], path, sizeof path) == ST_OK && unlink(path) &&
            errno != ENOENT)
            st = fault_errno(fault, file_status(errno), "can't remove %s", path);
    if (st == ST_OK && feed_state_path(site->state_dir, name, ".d", path, sizeof path) == ST_OK)
        st = collection_remove(path, fault);
    work_end(&work);
    return st;
}
