#include "feeds/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "feeds/expiry.h"
#include "feeds/guard_set.h"
#include "feeds/interrupt.h"
#include "feeds/report.h"
#include "feeds/transfer_url.h"
#include "reputation/source_upkeep.h"

/* Longer than any feed takes to be read; no name of a feed starts with a dot. */
enum { TURN_WAIT_MS = 10 * 60 * 1000, TURN_POLL_MS = 50, TURN_TOLD_MS = 1000 };
static const char turn_name[] = ".turn";

static enum status make_directory(const char *path, struct fault *fault)
{
    return !mkdir(path, 0750) || errno == EEXIST ? ST_OK
                                                 : fault_errno(fault, file_status(errno), "can't make %s", path);
}

static enum status prepare(struct feed_work *work, struct fault *fault)
{
    const char *state_dir = work->site->state_dir;
    char folder[WORK_PATH_SIZE];
    enum status st = feed_name_check(work->name, fault);
    if (st != ST_OK)
        return st;
    int n = snprintf(work->store_dir, WORK_PATH_SIZE, "%s/reputation", state_dir);
    if (n < 0 || n >= WORK_PATH_SIZE || feed_state_path(state_dir, "", "", folder, sizeof folder) != ST_OK ||
        feed_state_path(state_dir, work->name, ".part", work->part, WORK_PATH_SIZE) != ST_OK ||
        feed_state_path(state_dir, work->name, ".raw", work->raw, WORK_PATH_SIZE) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    st = make_directory(state_dir, fault);
    return st == ST_OK ? make_directory(folder, fault) : st;
}

static enum status busy(const struct feed_work *work, struct fault *fault)
{
    return fault_set(fault, ST_BUSY, "%s: another process is at work on it", work->name);
}

/* A file that nobody holds was left by a crash. */
static enum status open_part(struct feed_work *work, struct fault *fault)
{
    for (int tries = 0; tries < 3; tries++) {
        int fd = open(work->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
        bool ours = fd >= 0;
        if (!ours && errno != EEXIST)
            return fault_errno(fault, file_status(errno), "can't make %s", work->part);
        if (!ours)
            fd = open(work->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return fault_errno(fault, ST_IO, "can't open %s", work->part);
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            close(fd);
            return busy(work, fault);
        }
        if (ours) {
            work->fd = fd;
            return ST_OK;
        }
        unlink(work->part);
        close(fd);
    }
    return busy(work, fault);
}

enum status work_begin(struct feed_work *work, const struct feed_site *site, const char *name, bool progress,
                       struct fault *fault)
{
    *work = (struct feed_work){.site = site, .name = name, .progress = progress, .fd = -1};
    enum status st = prepare(work, fault);
    if (st == ST_OK)
        st = open_part(work, fault);
    if (st == ST_OK)
        feed_state_load(site->state_dir, name, &work->state);
    return st;
}

void work_end(struct feed_work *work)
{
    if (work->fd < 0)
        return;
    unlink(work->part);
    close(work->fd);
    work->fd = -1;
}

/* Whether entries would be guarded as they were. */
static bool guards_are(const struct feed_work *work, const struct feed *feed)
{
    struct guard_set *guards;
    if (!guard_set_is_for(feed->use))
        return !work->state.guards;
    if (guard_set_new(work->site, &guards, NULL) != ST_OK)
        return false;
    bool same = guard_set_fingerprint(guards) == work->state.guards;
    guard_set_free(guards);
    return same;
}

bool work_is_current(struct feed_work *work, const struct feed *feed)
{
    const struct feed_state *state = &work->state;
    struct source_info *info = &work->in_force;
    return state->generation && !state->outdated && feed_state_matches(state, feed) &&
           source_newest(work->store_dir, work->name, info, NULL) == ST_OK && info->generation == state->generation &&
           expiry_step(feed, expiry_listed_s(feed)) == state->expiry_step && guards_are(work, feed);
}

struct feed_report work_unchanged(const struct feed_work *work)
{
    struct feed_report report = work->state.report;
    report.unchanged = true;
    report.source = work->in_force;
    return report;
}

static enum status take_turn(const struct feed_work *work, int *turn, struct fault *fault)
{
    char path[WORK_PATH_SIZE];
    if (feed_state_path(work->site->state_dir, turn_name, "", path, sizeof path) != ST_OK)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    *turn = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (*turn < 0)
        return fault_errno(fault, file_status(errno), "can't open %s", path);
    for (int waited_ms = 0; flock(*turn, LOCK_EX | LOCK_NB); waited_ms += TURN_POLL_MS) {
        enum status st = errno != EWOULDBLOCK && errno != EINTR ? fault_errno(fault, ST_IO, "can't lock %s", path)
                         : waited_ms >= TURN_WAIT_MS
                             ? fault_set(fault, ST_BUSY, "%s: other feeds are read without end", work->name)
                         : interrupted() ? fault_set(fault, ST_CLOSED, "interrupted")
                                         : ST_OK;
        if (st != ST_OK) {
            close(*turn);
            return st;
        }
        if (waited_ms == TURN_TOLD_MS && work->progress)
            fprintf(stderr, "ccward: %s: waiting for another feed to be read\n", work->name);
        nanosleep(&(struct timespec){.tv_nsec = TURN_POLL_MS * 1000000L}, NULL);
    }
    return ST_OK;
}

/* GATE is asked before equal entries are taken once: the entries of two bodies compare only so. */
struct counting_gate {
    const struct import_gate *gate;
    uint64_t entries;
};

static enum status count_entries(void *user, const struct feed_report *report, struct fault *fault)
{
    struct counting_gate *counting = user;
    counting->entries = report_entries(report);
    return counting->gate ? counting->gate->ask(counting->gate->user, report, fault) : ST_OK;
}

enum status work_publish(struct feed_work *work, const struct work_body *body, struct feed_report *report,
                         struct fault *fault)
{
    struct feed_state *state = &work->state;
    struct counting_gate counting = {.gate = body->gate};
    struct import_gate outer = {count_entries, &counting};
    struct feed feed = *body->feed;
    int turn;
    if (transfer_url_is(str_of(feed.url)) && !strcmp(feed.format, "auto"))
        feed.format = "rpz"; /* which no look at its lines tells as surely */
    if (lseek(body->fd, 0, SEEK_SET))
        return fault_errno(fault, ST_IO, "can't rewind the body of %s", work->name);
    enum status st = take_turn(work, &turn, fault);
    if (st != ST_OK)
        return st;
    st = import_fd(work->site, body->fd, body->name, body->origin, &feed, work->progress, &outer, report, fault);
    close(turn);
    if (st != ST_OK)
        return st;
    if (!report->unchanged && strcmp(state->body, body->digest)) /* read otherwise, it is still the same list */
        state->last_change_ms = clock_wall_ms();
    text_copy(state->body, sizeof state->body, str_of(body->digest));
    state->generation = report->source.generation;
    state->entries = counting.entries;
    state->report = *report;
    state->report.unchanged = false;
    state->guards = report->guards;
    state->expiry_step = expiry_step(body->feed, expiry_listed_s(body->feed));
    state->refused = (struct feed_report){0};
    state->outdated = false;
    feed_state_adopt(state, body->feed);
    return ST_OK;
}

enum status work_keep(struct feed_work *work, struct fault *fault)
{
    if (fsync(work->fd) || rename(work->part, work->raw))
        return fault_errno(fault, file_status(errno), "can't keep %s", work->raw);
    close(work->fd);
    work->fd = -1;
    return ST_OK;
}

enum status work_save(struct feed_work *work, struct fault *fault)
{
    return feed_state_save(work->site->state_dir, work->name, &work->state, fault);
}

enum status work_digest(int fd, char out[DIGEST_TEXT_SIZE], struct fault *fault)
{
    uint8_t digest[DIGEST_BYTES];
    enum status st = digest_file(fd, digest);
    if (st != ST_OK)
        return fault_set(fault, st, "can't read what was fetched: %s", status_text(st));
    digest_format(digest, out);
    return ST_OK;
}
