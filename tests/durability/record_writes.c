/* Preloaded into a program, logs in order what it does to the files of one directory, for a simulator of power losses.
 * Writes through a mapping are not seen: the simulator finds out that its log does not lead to what is on the disk. */
#include "tests/durability/record_writes.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_fd = -1;
static struct stat directory;

/* The function of the same name that would be called without this library. dlsym() gives an object pointer (POSIX lets
 * it be converted, ISO C does not). */
#define REAL(name)                                                                                                     \
    static typeof(name) *real;                                                                                         \
    if (!real)                                                                                                         \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

static void write_log(const void *data, size_t n)
{
    REAL(write);
    if (real(log_fd, data, n) != (ssize_t)n)
        abort();
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv(RECORD_DIRECTORY_VARIABLE), *log = getenv(RECORD_LOG_VARIABLE);
    if (!path || !log || stat(path, &directory))
        abort();
    log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log_fd < 0)
        abort();
}

static void record(struct recorded recorded, const void *data)
{
    write_log(&recorded, sizeof recorded);
    if (recorded.length)
        write_log(data, recorded.length);
}

/* Something done to the file behind FD, if that can be one of the directory's, or it. */
static void record_fd(int fd, struct recorded recorded, const void *data)
{
    struct stat st;
    if (fd == log_fd || log_fd < 0 || fstat(fd, &st) || st.st_dev != directory.st_dev ||
        !(S_ISREG(st.st_mode) || st.st_ino == directory.st_ino))
        return;
    recorded.inode = st.st_ino;
    record(recorded, data);
}

/* PATH's last part if it lies in the directory, else NULL. */
static const char *name_in_directory(int dirfd, const char *path)
{
    char parent[4096] = ".";
    struct stat st;
    const char *slash = strrchr(path, '/');
    if (slash && (size_t)(slash - path) < sizeof parent - 1) {
        memcpy(parent, path, (size_t)(slash - path) + 1);
        parent[slash - path + 1] = '\0';
    }
    bool inside = log_fd >= 0 && !fstatat(dirfd, parent, &st, 0) && st.st_dev == directory.st_dev &&
                  st.st_ino == directory.st_ino;
    return inside ? slash ? slash + 1 : path : NULL;
}

static void record_names(enum recorded_kind kind, const char *name, const char *other)
{
    struct recorded recorded = {.kind = kind};
    if (!name || (!other && kind != RECORDED_UNLINK))
        return;
    snprintf(recorded.name, sizeof recorded.name, "%s", name);
    snprintf(recorded.other, sizeof recorded.other, "%s", other ? other : "");
    record(recorded, NULL);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    REAL(openat);
    va_list args;
    struct stat st;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    const char *name = flags & O_CREAT ? name_in_directory(dirfd, path) : NULL;
    bool existed = name && !fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW);
    int fd = real(dirfd, path, flags, mode);
    if (fd >= 0 && name && !existed) {
        struct recorded recorded = {.kind = RECORDED_CREATE};
        snprintf(recorded.name, sizeof recorded.name, "%s", name);
        record_fd(fd, recorded, NULL);
    } else if (fd >= 0 && flags & O_TRUNC) {
        record_fd(fd, (struct recorded){.kind = RECORDED_TRUNCATE}, NULL);
    }
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return openat(AT_FDCWD, path, flags, mode);
}

static void record_write(int fd, int64_t offset, const void *data, ssize_t n)
{
    if (n > 0)
        record_fd(fd, (struct recorded){.kind = RECORDED_WRITE, .offset = offset, .length = (uint32_t)n}, data);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    REAL(pwrite);
    ssize_t n = real(fd, data, size, offset);
    record_write(fd, offset, data, n);
    return n;
}

ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    ssize_t n = real(fd, data, size);
    record_write(fd, lseek(fd, 0, SEEK_CUR) - n, data, n);
    return n;
}

static void record_parts(int fd, int64_t offset, const struct iovec *parts, int count, ssize_t n)
{
    for (int i = 0; i < count && n > 0; i++) {
        ssize_t part = n < (ssize_t)parts[i].iov_len ? n : (ssize_t)parts[i].iov_len;
        record_write(fd, offset, parts[i].iov_base, part);
        offset += part;
        n -= part;
    }
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    ssize_t n = real(fd, parts, count);
    record_parts(fd, lseek(fd, 0, SEEK_CUR) - n, parts, count, n);
    return n;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    REAL(pwritev);
    ssize_t n = real(fd, parts, count, offset);
    record_parts(fd, offset, parts, count, n);
    return n;
}

int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    int result = real(fd, size);
    if (!result)
        record_fd(fd, (struct recorded){.kind = RECORDED_TRUNCATE, .offset = size}, NULL);
    return result;
}

int fsync(int fd)
{
    REAL(fsync);
    int result = real(fd);
    if (!result)
        record_fd(fd, (struct recorded){.kind = RECORDED_SYNC}, NULL);
    return result;
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    int result = real(fd);
    if (!result)
        record_fd(fd, (struct recorded){.kind = RECORDED_SYNC}, NULL);
    return result;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    REAL(renameat);
    int result = real(from_fd, from, to_fd, to);
    if (!result)
        record_names(RECORDED_RENAME, name_in_directory(from_fd, from), name_in_directory(to_fd, to));
    return result;
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    REAL(linkat);
    int result = real(from_fd, from, to_fd, to, flags);
    if (!result)
        record_names(RECORDED_LINK, name_in_directory(from_fd, from), name_in_directory(to_fd, to));
    return result;
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int dirfd, const char *path, int flags)
{
    REAL(unlinkat);
    int result = real(dirfd, path, flags);
    if (!result)
        record_names(RECORDED_UNLINK, name_in_directory(dirfd, path), NULL);
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

/* On 64-bit Linux both names are one function; programs built with _FILE_OFFSET_BITS=64 call these. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int dirfd, const char *path, int flags, ...) __attribute__((alias("openat")));
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) __attribute__((alias("pwritev")));
int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));
