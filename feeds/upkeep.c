/* Going back to the list before, and building again from the copies that were kept. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "feeds/interrupt.h"
#include "feeds/web_url.h"
#include "feeds/work.h"
#include "reputation/source_upkeep.h"
#include "reputation/source_writer.h"

/* --- Back. --- */

/* The list that is given up: by what it is known again. */
static void reject(struct feed_work *work)
{
    struct feed_state *state = &work->state;
    int fd = open(work->raw, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (!state->body[0] && fd >= 0 && work_digest(fd, state->body, NULL) != ST_OK)
        state->body[0] = '\0';
    if (fd >= 0)
        close(fd);
    memcpy(state->rejected, state->body, sizeof state->rejected);
    state->rejected_ms = clock_wall_ms();
    state->rejected_serial = state->zone.known ? (int64_t)state->zone.serial : -1;
}

/* What is known of the generation before: hardly anything, but that the list is to be fetched in full. */
static void forget_body(struct feed_work *work, const struct source_info *info)
{
    struct feed_state *state = &work->state;
    state->body[0] = state->from[0] = state->reason[0] = '\0';
    state->validators = (struct fetch_validators){0};
    state->zone = (struct feed_zone){0};
    state->held = (struct feed_held){0};
    state->report = state->refused = (struct feed_report){0};
    state->held_back = false;
    state->failures = 0;
    state->entries = 0;
    state->generation = info->generation;
    text_copy(state->report.format, sizeof state->report.format, str_of(info->format));
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        state->report.entries[kind] = info->counts[kind];
}

static enum status roll_back(struct feed_work *work, struct source_info *info, struct fault *fault)
{
    int lock;
    enum status st = import_lock(work->store_dir, &lock, fault);
    if (st != ST_OK)
        return st;
    st = source_rollback(work->store_dir, work->name, info, fault);
    store_unlock(lock);
    if (st != ST_OK)
        return st;
    reject(work);
    forget_body(work, info);
    unlink(work->raw); /* or it would be built again */
    work->state.last_change_ms = clock_wall_ms();
    return work_save(work, fault);
}

enum status feed_rollback(const struct feed_site *site, const char *name, struct source_info *info, struct fault *fault)
{
    struct feed_work work;
    interrupt_begin();
    enum status st = work_begin(&work, site, name, false, fault);
    if (st == ST_OK) {
        st = roll_back(&work, info, fault);
        work_end(&work);
    }
    interrupt_end();
    return st;
}

/* --- Again. --- */

static enum status check_copy(const struct feed_work *work, const char *digest, struct fault *fault)
{
    const struct feed_state *state = &work->state;
    if (state->rejected[0] && !strcmp(digest, state->rejected))
        return fault_set(fault, ST_DENIED, "%s: the copy is of the list that was rolled back", work->name);
    if (state->body[0] && strcmp(digest, state->body))
        return fault_set(fault, ST_CORRUPT,
                         "%s: the copy %s is not what was taken: it is damaged or was changed; "
                         "fetch or import the list anew",
                         work->name, work->raw);
    return ST_OK;
}

/* Whether the body came from where FEED comes from now. */
static bool is_address(const struct feed *feed, const char *from)
{
    char shown[FEED_URL_SIZE];
    for (size_t i = 0; i <= feed->mirror_count; i++) {
        web_url_shown(i ? feed->mirrors[i - 1] : feed->url, shown, sizeof shown);
        if (!strcmp(shown, from))
            return true;
    }
    return false;
}

static enum status rebuild(struct feed_work *work, int fd, struct feed_report *report, struct fault *fault)
{
    const struct feed *configured = feed_find(work->site, work->name);
    struct feed_state before = work->state;
    struct feed feed = configured ? *configured : feed_state_feed(&before, work->name);
    char digest[DIGEST_TEXT_SIZE], origin[FEED_URL_SIZE];
    if (!feed.format || !feed.format[0])
        return fault_set(fault, ST_NOT_FOUND, "%s: nothing is known of how it was read; import it again", work->name);
    enum status st = work_digest(fd, digest, fault);
    if (st == ST_OK)
        st = check_copy(work, digest, fault);
    if (st != ST_OK)
        return st;
    feed.listed_ms = before.last_success_ms;
    web_url_shown(configured ? feed.url : before.from, origin, sizeof origin);
    struct work_body body = {
        .fd = fd, .digest = digest, .name = configured ? work->name : before.from, .origin = origin, .feed = &feed};
    st = work_publish(work, &body, report, fault);
    if (st != ST_OK)
        return st;
    if (configured && !is_address(configured, before.from)) { /* another list of that name: it is still to be fetched */
        memcpy(work->state.settings.url, before.settings.url, sizeof before.settings.url);
        work->state.outdated = true;
    }
    return work_save(work, fault);
}

enum status feed_rebuild(const struct feed_site *site, const char *name, bool progress, struct feed_report *report,
                         struct fault *fault)
{
    struct feed_work work;
    *report = (struct feed_report){0};
    interrupt_begin();
    enum status st = work_begin(&work, site, name, progress, fault);
    if (st == ST_OK) {
        int fd = open(work.raw, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        st = fd >= 0           ? rebuild(&work, fd, report, fault)
             : errno == ENOENT ? fault_set(fault, ST_NOT_FOUND, "%s: no copy of its list is kept", name)
                               : fault_errno(fault, file_status(errno), "can't open %s", work.raw);
        if (fd >= 0)
            close(fd);
        work_end(&work);
    }
    interrupt_end();
    return st;
}

static int is_copy(const struct dirent *entry)
{
    struct str name = str_of(entry->d_name), suffix = STR(".raw");
    return name.length > suffix.length && str_eq(str_from(name, name.length - suffix.length), suffix) &&
           source_name_valid((struct str){name.data, name.length - suffix.length});
}

enum status feeds_kept(const struct feed_site *site, feed_named_fn *tell, void *user, struct fault *fault)
{
    char folder[WORK_PATH_SIZE];
    struct dirent **entries = NULL;
    if (feed_state_path(site->state_dir, "", "", folder, sizeof folder) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    int count = scandir(folder, &entries, is_copy, alphasort);
    if (count < 0)
        return errno == ENOENT ? ST_OK : fault_errno(fault, file_status(errno), "can't read %s", folder);
    for (int i = 0; i < count; i++) {
        char name[SOURCE_NAME_SIZE];
        struct str file = str_of(entries[i]->d_name);
        text_copy(name, sizeof name, (struct str){file.data, file.length - 4});
        tell(user, name);
        free(entries[i]);
    }
    free(entries);
    return ST_OK;
}
