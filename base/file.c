#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

enum status file_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return ST_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
        return ST_DENIED;
    case ENOSPC:
    case EDQUOT:
        return ST_FULL;
    case EEXIST:
        return ST_EXISTS;
    default:
        return ST_IO;
    }
}

static enum status read_all(int fd, size_t max_bytes, struct buf *out)
{
    for (size_t got = 0;;) {
        char *room = buf_reserve(out, READ_BYTES);
        if (!room)
            return ST_NOMEM;
        ssize_t n = read(fd, room, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? file_status(errno) : ST_OK;
        out->length += (size_t)n;
        got += (size_t)n;
        if (got > max_bytes)
            return ST_TOO_LARGE;
    }
}

enum status file_read(const char *path, size_t max_bytes, struct buf *out, struct fault *fault)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return fault_errno(fault, file_status(errno), "%s", path);
    enum status status = !fstat(fd, &st) && S_ISREG(st.st_mode) ? ST_OK : ST_INVALID;
    if (status == ST_INVALID)
        fault_set(fault, status, "%s is no plain file", path);
    else if ((status = read_all(fd, max_bytes, out)) == ST_TOO_LARGE)
        fault_set(fault, status, "%s is larger than %zu bytes", path, max_bytes);
    else if (status == ST_NOMEM)
        fault_set(fault, status, "%s: out of memory", path);
    else if (status != ST_OK)
        fault_errno(fault, status, "%s", path);
    close(fd);
    return status;
}

static enum status write_aside(const char *aside, struct str bytes, mode_t mode)
{
    (void)unlink(aside); /* of one who was killed */
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return file_status(errno);
    enum status status = ST_OK;
    while (status == ST_OK && bytes.length) {
        ssize_t n = write(fd, bytes.data, bytes.length);
        if (n > 0)
            bytes = str_from(bytes, (size_t)n);
        else if (n < 0 && errno != EINTR)
            status = file_status(errno);
    }
    if (status == ST_OK && fsync(fd))
        status = file_status(errno);
    int error = errno;
    close(fd);
    errno = error;
    return status;
}

/* A new name is there for certain once its directory is synced. */
static enum status sync_parent(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    text_copy(parent, sizeof parent, slash ? (struct str){path, (size_t)(slash - path)} : STR("."));
    int fd = open(slash == path ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_status(errno);
    enum status status = fsync(fd) ? file_status(errno) : ST_OK;
    close(fd);
    return status;
}

static enum status replace(const char *path, struct str bytes, mode_t mode, struct fault *fault)
{
    char aside[PATH_MAX];
    int n = snprintf(aside, sizeof aside, "%s.part", path);
    if (n < 0 || (size_t)n >= sizeof aside)
        return fault_set(fault, ST_TOO_LARGE, "the path is too long: %s", path);
    enum status status = write_aside(aside, bytes, mode);
    if (status == ST_OK && rename(aside, path))
        status = file_status(errno);
    if (status != ST_OK) {
        fault_errno(fault, status, "%s cannot be written", path);
        (void)unlink(aside);
        return status;
    }
    status = sync_parent(path);
    return status == ST_OK ? ST_OK : fault_errno(fault, status, "the folder of %s", path);
}

enum status file_replace(const char *path, struct str bytes, struct fault *fault)
{
    return replace(path, bytes, 0640, fault);
}

enum status file_replace_private(const char *path, struct str bytes, struct fault *fault)
{
    return replace(path, bytes, 0600, fault);
}

enum status file_replace_public(const char *path, struct str bytes, struct fault *fault)
{
    return replace(path, bytes, 0644, fault);
}
