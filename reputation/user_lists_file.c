#include "reputation/user_lists_file.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"

enum { MAX_BYTES = 128 << 20, LOCK_WAIT_MS = 30 * 1000, LOCK_POLL_MS = 20 };

struct places {
    char file[PATH_MAX], store[PATH_MAX];
};

static enum status places_of(const char *state_dir, struct places *places, struct fault *fault)
{
    int file = snprintf(places->file, PATH_MAX, "%s/" USER_LISTS_FILE, state_dir);
    int store = snprintf(places->store, PATH_MAX, "%s/reputation", state_dir);
    return file > 0 && file < PATH_MAX && store > 0 && store < PATH_MAX
               ? ST_OK
               : fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
}

static enum status read_file(const char *file, struct user_lists **out, struct fault *fault)
{
    struct buf text = {0};
    struct user_lists *lists = user_lists_new();
    if (!lists)
        return fault_set(fault, ST_NOMEM, "out of memory");
    struct fault missing = {0};
    enum status status = file_read(file, MAX_BYTES, &text, &missing);
    if (status == ST_OK)
        status = user_lists_parse(lists, (struct str){text.data, text.length}, file, fault);
    else if (status == ST_NOT_FOUND)
        status = ST_OK;
    else
        fault_set(fault, status, "%s", missing.text);
    buf_free(&text);
    if (status == ST_OK)
        *out = lists;
    else
        user_lists_free(lists);
    return status;
}

enum status user_lists_read(const char *state_dir, struct user_lists **lists, struct fault *fault)
{
    struct places places;
    enum status status = places_of(state_dir, &places, fault);
    return status == ST_OK ? read_file(places.file, lists, fault) : status;
}

static enum status wait_for_lock(const char *store, int *lock, struct fault *fault)
{
    for (int waited_ms = 0;; waited_ms += LOCK_POLL_MS) {
        struct fault busy = {0};
        enum status status = store_lock_user(store, lock, &busy);
        if (status != ST_BUSY || waited_ms >= LOCK_WAIT_MS)
            return status == ST_OK ? ST_OK : fault_set(fault, status, "%s", busy.text);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
    }
}

enum status user_lists_open(const char *state_dir, struct user_lists **lists, int *lock, struct fault *fault)
{
    struct places places;
    enum status status = places_of(state_dir, &places, fault);
    if (status == ST_OK)
        status = wait_for_lock(places.store, lock, fault);
    if (status != ST_OK)
        return status;
    status = read_file(places.file, lists, fault);
    if (status != ST_OK)
        store_unlock(*lock);
    return status;
}

void user_lists_close(struct user_lists *lists, int lock)
{
    user_lists_free(lists);
    store_unlock(lock);
}

/* No entries, no source. */
static enum status take_away(const char *store, struct fault *fault)
{
    struct fault why = {0};
    enum status status = source_remove(store, SOURCE_USER, &why);
    return status == ST_OK || status == ST_NOT_FOUND ? ST_OK : fault_set(fault, status, "%s", why.text);
}

/* The caller holds the lock. */
static enum status publish(const char *store, const struct user_lists *lists, struct fault *fault)
{
    static const struct source_writer_settings settings = {
        .name = SOURCE_USER, .format = "user", .category = CATEGORY_OTHER, .origin = USER_LISTS_FILE};
    struct source_writer *writer;
    if (!user_lists_count(lists))
        return take_away(store, fault);
    enum status status = source_writer_new(&settings, &writer);
    if (status != ST_OK)
        return fault_set(fault, status, "out of memory");
    status = user_lists_add_to(lists, writer, fault);
    if (status == ST_OK)
        status = source_writer_publish(writer, store, NULL, NULL, fault);
    source_writer_free(writer);
    return status;
}

enum status user_lists_save(const char *state_dir, struct user_lists *lists, struct fault *fault)
{
    struct places places;
    struct buf text = {0};
    struct fault why = {0};
    enum status status = places_of(state_dir, &places, fault);
    user_lists_prune(lists, clock_wall_ms() / 1000);
    if (status == ST_OK && (status = user_lists_build(lists, &text)) != ST_OK)
        fault_set(fault, status, "out of memory");
    if (status == ST_OK)
        status = file_replace(places.file, (struct str){text.data, text.length}, fault);
    buf_free(&text);
    if (status != ST_OK)
        return status;
    status = publish(places.store, lists, &why);
    return status == ST_OK ? ST_OK
                           : fault_set(fault, status, "kept in %s, but not in force yet: %s", places.file, why.text);
}

enum status user_lists_publish(const char *state_dir, struct fault *fault)
{
    struct places places;
    struct user_lists *lists;
    int lock;
    enum status status = places_of(state_dir, &places, fault);
    if (status == ST_OK)
        status = store_lock_user(places.store, &lock, fault);
    if (status != ST_OK)
        return status;
    status = read_file(places.file, &lists, fault);
    if (status == ST_OK) {
        user_lists_prune(lists, clock_wall_ms() / 1000);
        status = publish(places.store, lists, fault);
        user_lists_free(lists);
    }
    store_unlock(lock);
    return status;
}
