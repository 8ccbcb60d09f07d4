#include "callbacks/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { PATH_ROOM = 16 }; /* for ".4294967295" */

/* A crash of the machine may have left half a line: it is ended, so that it damages no line of ours. */
static void end_last_line(const char *path, int fd)
{
    char last = '\n';
    off_t size = lseek(fd, 0, SEEK_END);
    if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n' && write(fd, "\n", 1) != 1)
        log_warning("%s: can't end the last line: %s", path, strerror(errno));
}

static enum status cannot_open(const char *path, struct fault *fault)
{
    if (errno == ENOENT)
        return fault_set(fault, ST_IO, "%s: its folder is not there; make it, or name another file", path);
    if (errno == ELOOP)
        return fault_set(fault, ST_IO, "%s is a link, which is not followed; name the file itself", path);
    return fault_errno(fault, ST_IO, "%s cannot be written", path);
}

static int open_path(const char *path)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd >= 0)
        end_last_line(path, fd);
    return fd;
}

enum status log_file_open(const char *dir, uint64_t rotate_bytes, unsigned rotate_keep, struct log_file *file,
                          struct fault *fault)
{
    *file = (struct log_file){.fd = -1,
                              .what = "callbacks",
                              .rotate_bytes = rotate_bytes,
                              .rotate_keep = rotate_keep,
                              .backlog.max_bytes = LOG_FILE_BACKLOG_BYTES};
    if (mkdir(dir, 0750) < 0 && errno != EEXIST)
        return fault_errno(fault, ST_IO, "%s", dir);
    if (asprintf(&file->path, "%s/%s", dir, LOG_FILE_NAME) < 0) {
        file->path = NULL;
        return ST_NOMEM;
    }
    file->fd = open_path(file->path);
    return file->fd >= 0 ? ST_OK : cannot_open(file->path, fault);
}

enum status log_file_open_at(const char *path, const char *what, struct log_file *file, struct fault *fault)
{
    *file = (struct log_file){.fd = -1, .what = what, .backlog.max_bytes = LOG_FILE_BACKLOG_BYTES};
    if (!(file->path = strdup(path)))
        return ST_NOMEM;
    file->fd = open_path(file->path);
    return file->fd >= 0 ? ST_OK : cannot_open(file->path, fault);
}

enum status log_file_check(const char *path, struct fault *fault)
{
    int fd = open(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        close(fd);
        return ST_OK;
    }
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, slash > path ? (size_t)(slash - path) : 1);
    bool can_be_made = folder && errno == ENOENT && !access(folder, W_OK | X_OK);
    free(folder);
    return can_be_made ? ST_OK : cannot_open(path, fault);
}

void log_file_close(struct log_file *file)
{
    if (file->backlog.length)
        log_file_flush(file);
    if (file->backlog.length)
        log_error("%s: %zu bytes of %s could not be written", file->path, file->backlog.length, file->what);
    if (file->fd >= 0)
        close(file->fd);
    buf_free(&file->backlog);
    free(file->path);
    *file = (struct log_file){.fd = -1};
}

bool log_file_has_room(const struct log_file *file)
{
    return file->backlog.length + LOG_FILE_LINE_BYTES <= LOG_FILE_BACKLOG_BYTES;
}

void log_file_add(struct log_file *file, const char *line, size_t length)
{
    buf_add(&file->backlog, line, length);
    buf_add_char(&file->backlog, '\n');
}

static void old_path(const struct log_file *file, unsigned number, char *out, size_t size)
{
    snprintf(out, size, "%s.%u", file->path, number);
}

/* callbacks.jsonl becomes .1, .1 becomes .2, and so on; what is past the number kept goes. */
static void rotate(struct log_file *file)
{
    size_t size = strlen(file->path) + PATH_ROOM;
    char *from = malloc(size), *to = malloc(size);
    if (!from || !to)
        goto out;
    for (unsigned number = file->rotate_keep + 1;; number++) {
        old_path(file, number, to, size);
        if (unlink(to) < 0)
            break;
    }
    for (unsigned number = file->rotate_keep; number > 1; number--) {
        old_path(file, number - 1, from, size);
        old_path(file, number, to, size);
        if (rename(from, to) < 0 && errno != ENOENT)
            log_warning("%s: can't be renamed: %s", from, strerror(errno));
    }
    old_path(file, 1, to, size);
    if (file->rotate_keep ? rename(file->path, to) : unlink(file->path))
        log_warning("%s: can't be rotated: %s", file->path, strerror(errno));
    close(file->fd);
    file->fd = -1;
out:
    free(from);
    free(to);
}

static void note_failure(struct log_file *file, int error)
{
    file->write_errors++;
    if (!file->failing)
        log_error("%s: can't be written, %s wait in memory: %s", file->path, file->what, strerror(error));
    file->failing = true;
}

static void note_success(struct log_file *file)
{
    if (file->failing)
        log_info("%s: is written again", file->path);
    file->failing = false;
}

/* How many of the N bytes written end in a whole line. */
static size_t whole_lines(const struct buf *backlog, size_t n)
{
    const char *last = n ? memrchr(backlog->data, '\n', n) : NULL;
    return last ? (size_t)(last - backlog->data) + 1 : 0;
}

static void write_backlog(struct log_file *file, off_t size)
{
    ssize_t n = write(file->fd, file->backlog.data, file->backlog.length);
    int error = n < 0 ? errno : ENOSPC;
    if (n == (ssize_t)file->backlog.length) {
        buf_clear(&file->backlog);
        note_success(file);
        return;
    }
    if (n > 0) {
        size_t whole = whole_lines(&file->backlog, (size_t)n);
        if (whole < (size_t)n && ftruncate(file->fd, size + (off_t)whole) < 0)
            end_last_line(file->path, file->fd); /* the damaged line is told by readers; its whole copy follows */
        buf_consume(&file->backlog, whole);
    }
    note_failure(file, error);
}

/* Nobody would find what is written to a file without its name. A name that can't be looked up may still be ours. */
static bool is_gone(const struct log_file *file)
{
    struct stat ours, named;
    if (fstat(file->fd, &ours) < 0)
        return false;
    if (stat(file->path, &named) < 0)
        return errno == ENOENT || errno == ENOTDIR;
    return named.st_dev != ours.st_dev || named.st_ino != ours.st_ino;
}

static void start_anew_if_gone(struct log_file *file)
{
    if (file->fd < 0 || !is_gone(file))
        return;
    log_warning("%s: was removed or moved away, a new one is started", file->path);
    close(file->fd);
    file->fd = -1;
}

void log_file_flush(struct log_file *file)
{
    struct stat stat;
    start_anew_if_gone(file);
    if (file->backlog.length && file->fd >= 0 && file->rotate_bytes && !fstat(file->fd, &stat) &&
        (uint64_t)stat.st_size >= file->rotate_bytes)
        rotate(file);
    if (file->fd < 0)
        file->fd = open_path(file->path);
    if (file->fd < 0 || fstat(file->fd, &stat) < 0)
        note_failure(file, errno);
    else if (file->backlog.length)
        write_backlog(file, stat.st_size);
    else
        note_success(file);
}

void log_file_reopen(struct log_file *file)
{
    int fd = open_path(file->path);
    if (fd < 0) {
        note_failure(file, errno);
        return;
    }
    if (file->fd >= 0)
        close(file->fd);
    file->fd = fd;
}
