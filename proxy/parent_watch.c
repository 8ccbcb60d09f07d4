#include "proxy/parent_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/siphash.h"

struct parent_watch {
    atomic_bool noted; /* there is trouble, or may be: only then success takes the lock */
    pthread_mutex_t lock;
    enum origin_result trouble;
    enum parent_progress ends_with;     /* of the trouble */
    uint64_t hosts[PARENT_WATCH_HOSTS]; /* that were not served, in a row, by their hash */
    size_t host_count;
};

struct parent_watch *parent_watch_new(void)
{
    struct parent_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    atomic_init(&watch->noted, false);
    pthread_mutex_init(&watch->lock, NULL);
    watch->trouble = ORIGIN_CONNECTED;
    return watch;
}

void parent_watch_free(struct parent_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

/* Whether HOST makes the row long enough. */
static bool add_host(struct parent_watch *watch, struct str host)
{
    static const uint8_t key[SIPHASH_KEY_BYTES]; /* whoever finds two that look the same has nothing from it */
    uint64_t hash = siphash(key, host.data, host.length);
    bool known = false;
    for (size_t i = 0; i < watch->host_count; i++)
        known = known || watch->hosts[i] == hash;
    if (!known && watch->host_count < PARENT_WATCH_HOSTS)
        watch->hosts[watch->host_count++] = hash;
    return watch->host_count == PARENT_WATCH_HOSTS;
}

static bool is_trouble(enum origin_result result)
{
    return result != ORIGIN_CONNECTED && result != ORIGIN_UNREACHABLE;
}

static void note(struct parent_watch *watch, enum parent_progress progress, enum origin_result result, struct str host)
{
    bool is_sure = progress == PARENT_SILENT || result == ORIGIN_PARENT_LOGIN;
    if (progress >= watch->ends_with)
        watch->trouble = ORIGIN_CONNECTED;
    if (progress == PARENT_SERVED)
        watch->host_count = 0;
    if (is_trouble(result) && (is_sure || add_host(watch, host))) {
        watch->trouble = result;
        watch->ends_with = is_sure ? progress + 1 : PARENT_SERVED;
    }
}

void parent_watch_note(struct parent_watch *watch, enum parent_progress progress, enum origin_result result,
                       struct str host)
{
    if (!watch || result == ORIGIN_NO_MEMORY || (!is_trouble(result) && !atomic_load(&watch->noted)))
        return;
    pthread_mutex_lock(&watch->lock);
    note(watch, progress, result, host);
    atomic_store(&watch->noted, is_trouble(watch->trouble) || watch->host_count);
    pthread_mutex_unlock(&watch->lock);
}

enum origin_result parent_watch_trouble(struct parent_watch *watch)
{
    enum origin_result trouble = ORIGIN_CONNECTED;
    if (!watch || !atomic_load(&watch->noted))
        return trouble;
    pthread_mutex_lock(&watch->lock);
    trouble = watch->trouble;
    pthread_mutex_unlock(&watch->lock);
    return trouble;
}
