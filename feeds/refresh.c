/* One feed's refresh: fetch to a file aside, import, keep the body as the last good one, remember how it went. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "feeds/feed_state.h"
#include "feeds/import.h"
#include "feeds/interrupt.h"
#include "feeds/transfer_feed.h"
#include "feeds/transfer_url.h"
#include "reputation/source_upkeep.h"

enum { PATH_SIZE = 4096 };

struct refresh {
    const struct feed_site *site;
    const char *state_dir;
    const struct feed *feed;
    bool progress;
    char store_dir[PATH_SIZE], part[PATH_SIZE], raw[PATH_SIZE];
    int fd; /* of part; -1: none */
    struct feed_state state;
    struct feed_zone zone; /* that was fetched, or found to be the same */
};

static enum status make_directory(const char *path, struct fault *fault)
{
    return !mkdir(path, 0750) || errno == EEXIST ? ST_OK : fault_errno(fault, ST_IO, "can't make %s", path);
}

static enum status prepare(struct refresh *refresh, struct fault *fault)
{
    const char *name = refresh->feed->name;
    char folder[PATH_SIZE];
    enum status st = feed_name_check(name, fault);
    if (st != ST_OK)
        return st;
    if (!refresh->feed->url || !refresh->feed->url[0] || strlen(refresh->feed->url) >= FEED_URL_SIZE)
        return fault_set(fault, ST_INVALID, "%s: it has no URL to be fetched from", name);
    int n = snprintf(refresh->store_dir, PATH_SIZE, "%s/reputation", refresh->state_dir);
    if (n < 0 || n >= PATH_SIZE || feed_state_path(refresh->state_dir, "", "", folder, sizeof folder) != ST_OK ||
        feed_state_path(refresh->state_dir, name, ".part", refresh->part, PATH_SIZE) != ST_OK ||
        feed_state_path(refresh->state_dir, name, ".raw", refresh->raw, PATH_SIZE) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    st = make_directory(refresh->state_dir, fault);
    return st == ST_OK ? make_directory(folder, fault) : st;
}

/* The file that the body goes to, locked: whoever holds it is at work; one that nobody holds was left by a crash. */
static enum status open_part(struct refresh *refresh, struct fault *fault)
{
    for (int tries = 0; tries < 3; tries++) {
        int fd = open(refresh->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
        bool ours = fd >= 0;
        if (!ours && errno != EEXIST)
            return fault_errno(fault, errno == ENOSPC ? ST_FULL : ST_IO, "can't make %s", refresh->part);
        if (!ours)
            fd = open(refresh->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return fault_errno(fault, ST_IO, "can't open %s", refresh->part);
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            close(fd);
            return fault_set(fault, ST_BUSY, "%s: another refresh of it is under way", refresh->feed->name);
        }
        if (ours) {
            refresh->fd = fd;
            return ST_OK;
        }
        unlink(refresh->part);
        close(fd);
    }
    return fault_set(fault, ST_BUSY, "%s: another refresh of it is under way", refresh->feed->name);
}

/* Whether the source of the feed is in the store, whole. */
static bool source_in_store(const struct refresh *refresh)
{
    struct source_info info;
    return source_newest(refresh->store_dir, refresh->feed->name, &info, NULL) == ST_OK;
}

static enum status transfer_part(struct refresh *refresh, bool anew, struct progress *bar, bool *not_modified,
                                 struct fault *fault)
{
    struct transfer_result result;
    const struct feed *feed = refresh->feed;
    enum status st =
        transfer_feed(refresh->site, feed, feed->url, anew ? NULL : refresh->raw, refresh->fd, bar, &result, fault);
    if (st != ST_OK)
        return st;
    *not_modified = result.not_modified;
    refresh->zone =
        (struct feed_zone){true, result.soa.serial, result.soa.refresh_s, result.soa.retry_s, result.soa.expire_s};
    return ST_OK;
}

static enum status fetch_part(struct refresh *refresh, struct fetch_validators *validators, bool *not_modified,
                              struct fault *fault)
{
    struct progress bar;
    struct fault why = {0};
    bool anew = !feed_state_matches(&refresh->state, refresh->feed) || !source_in_store(refresh);
    bool transfer = transfer_url_is(str_of(refresh->feed->url));
    anew = anew || (transfer && !refresh->state.zone.known);
    if (anew)
        *validators = (struct fetch_validators){0};
    progress_init(&bar, refresh->progress, refresh->feed->name, 0);
    struct fetch_request request = {.url = refresh->feed->url, .site = refresh->site, .limits = &fetch_default_limits};
    struct fetch_result result = {0};
    enum status st = transfer ? transfer_part(refresh, anew, &bar, &result.not_modified, &why)
                              : fetch(&request, refresh->fd, &bar, validators, &result, &why);
    *not_modified = result.not_modified;
    progress_fini(&bar);
    return st == ST_OK ? ST_OK : fault_set(fault, st, "%s: %s", refresh->feed->name, why.text);
}

static enum status import_part(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    struct feed feed = *refresh->feed;
    if (transfer_url_is(str_of(feed.url)) && !strcmp(feed.format, "auto"))
        feed.format = "rpz"; /* which no look at its lines tells as surely */
    if (lseek(refresh->fd, 0, SEEK_SET))
        return fault_errno(fault, ST_IO, "can't rewind %s", refresh->part);
    enum status st =
        import_fd(refresh->site, refresh->fd, feed.name, feed.url, &feed, refresh->progress, report, fault);
    if (st != ST_OK)
        return st;
    if (fsync(refresh->fd) || rename(refresh->part, refresh->raw))
        return fault_errno(fault, ST_IO, "can't keep %s", refresh->raw);
    close(refresh->fd);
    refresh->fd = -1;
    return ST_OK;
}

static enum status fetch_and_import(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    struct fetch_validators validators = refresh->state.validators;
    bool not_modified = false;
    enum status st = fetch_part(refresh, &validators, &not_modified, fault);
    if (st == ST_OK && not_modified)
        report->unchanged = true;
    else if (st == ST_OK)
        st = import_part(refresh, report, fault);
    if (st != ST_OK)
        return st;
    refresh->state.validators = validators;
    refresh->state.zone = refresh->zone;
    feed_state_adopt(&refresh->state, refresh->feed);
    return ST_OK;
}

/* Takes an expired zone out of force. Where the store is in use it is done at the next try. */
static void withdraw(struct refresh *refresh, struct feed_report *report, struct fault *fault)
{
    struct fault whole = {0};
    int lock;
    if (store_lock(refresh->store_dir, &lock, NULL) != ST_OK)
        return;
    report->expired = source_remove(refresh->store_dir, refresh->feed->name, NULL) == ST_OK;
    store_unlock(lock);
    if (!report->expired)
        return;
    unlink(refresh->raw); /* or the next zone would be built on it, and it could be put back in force */
    fault_set(&whole, ST_OK, "%s; the zone has expired and is not in force any more", fault->text);
    *fault = whole;
}

static enum status remember(struct refresh *refresh, enum status st, struct feed_report *report, struct fault *fault)
{
    struct feed_state *state = &refresh->state;
    state->last_try_ms = clock_wall_ms();
    if (st == ST_OK) {
        state->last_success_ms = state->last_try_ms;
        if (!report->unchanged)
            state->last_change_ms = state->last_try_ms;
        state->failures = 0;
        state->reason[0] = '\0';
    } else {
        if (!feed_state_matches(state, refresh->feed)) {
            /* It failed with new settings: wait for them, but fetch in full then. */
            feed_state_adopt(state, refresh->feed);
            state->validators = (struct fetch_validators){0};
            state->zone = (struct feed_zone){0};
        }
        state->failures++;
        if (feed_state_zone_expired(state) && source_in_store(refresh))
            withdraw(refresh, report, fault);
        text_printable(state->reason, sizeof state->reason, str_of(fault->text));
    }
    struct fault why = {0};
    enum status saved = feed_state_save(refresh->state_dir, refresh->feed->name, state, &why);
    return st == ST_OK && saved != ST_OK ? fault_set(fault, saved, "%s", why.text) : st;
}

enum status feed_refresh(const struct feed_site *site, const struct feed *feed, bool progress,
                         struct feed_report *report, struct fault *fault)
{
    struct fault own = {0};
    struct refresh refresh = {.site = site, .state_dir = site->state_dir, .feed = feed, .progress = progress, .fd = -1};
    *report = (struct feed_report){0};
    interrupt_begin();
    enum status st = prepare(&refresh, &own);
    if (st == ST_OK)
        st = open_part(&refresh, &own);
    if (st != ST_OK)
        goto out;
    feed_state_load(site->state_dir, feed->name, &refresh.state);
    st = fetch_and_import(&refresh, report, &own);
    if (st != ST_CLOSED) /* interrupted: as if it had not been tried */
        st = remember(&refresh, st, report, &own);
    if (refresh.fd >= 0) {
        unlink(refresh.part);
        close(refresh.fd);
    }
out:
    interrupt_end();
    return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", own.text);
}
