/* A feed from a file: as a refresh, but of what a person has at hand and believes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "feeds/interrupt.h"
#include "feeds/work.h"

enum { COPY_BYTES = 256 * 1024 };
static const uint64_t max_bytes = UINT64_C(4) << 30; /* of a list; a device may have no end */

static enum status write_whole(int fd, const char *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t written = write(fd, data + done, n - done);
        if (written < 0 && errno != EINTR)
            return file_status(errno);
        if (written > 0)
            done += (size_t)written;
    }
    return ST_OK;
}

/* So that the feed can be built again without the file. */
static enum status copy(const struct feed_work *work, int from, const char *path, struct fault *fault)
{
    static char block[COPY_BYTES];
    for (uint64_t copied = 0;;) {
        ssize_t n = read(from, block, sizeof block);
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_errno(fault, ST_IO, "can't read %s", path);
        if (!n)
            return ST_OK;
        copied += (uint64_t)n;
        if (copied > max_bytes)
            return fault_set(fault, ST_TOO_LARGE, "%s is larger than a list may be", path);
        enum status st = write_whole(work->fd, block, (size_t)n);
        if (st != ST_OK)
            return fault_errno(fault, st, "can't write %s", work->part);
    }
}

static enum status take_copy(struct feed_work *work, const char *path, const struct feed *feed,
                             struct feed_report *report, struct fault *fault)
{
    struct feed_state *state = &work->state;
    char digest[DIGEST_TEXT_SIZE];
    enum status st = work_digest(work->fd, digest, fault);
    if (st != ST_OK)
        return st;
    if (!strcmp(digest, state->body) && !strcmp(path, state->from) && work_is_current(work, feed)) {
        *report = work_unchanged(work);
        return ST_OK;
    }
    struct work_body body = {.fd = work->fd, .digest = digest, .name = path, .origin = path, .feed = feed};
    st = work_publish(work, &body, report, fault);
    if (st == ST_OK)
        st = work_keep(work, fault);
    if (st != ST_OK)
        return st;
    text_copy(state->from, sizeof state->from, str_of(path));
    state->validators = (struct fetch_validators){0};
    state->failures = 0;
    state->reason[0] = '\0';
    state->held_back = false;
    state->held = (struct feed_held){0};
    state->last_success_ms = clock_wall_ms();
    return work_save(work, fault);
}

static enum status import_open(const struct feed_site *site, int fd, const char *path, const struct feed *feed,
                               bool progress, struct feed_report *report, struct fault *fault)
{
    struct feed_work work;
    enum status st = work_begin(&work, site, feed->name, progress, fault);
    if (st != ST_OK)
        return st;
    st = copy(&work, fd, path, fault);
    if (st == ST_OK)
        st = take_copy(&work, path, feed, report, fault);
    work_end(&work);
    return st;
}

enum status feed_import(const struct feed_site *site, const char *path, const struct feed *feed, bool progress,
                        struct feed_report *report, struct fault *fault)
{
    *report = (struct feed_report){0};
    /* Who has become another user may not open what was opened before. */
    bool standard = !strcmp(path, "/dev/stdin");
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_errno(fault, ST_IO, "can't open %s", path);
    interrupt_begin();
    enum status st = import_open(site, fd, path, feed, progress, report, fault);
    interrupt_end();
    close(fd);
    return st;
}
