#include "feeds/spool.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feeds/interrupt.h"

/* As much as a download may have. It is kept in memory: a pipe has no state directory to put it in. */
enum { MAX_BYTES = 256 * 1024 * 1024, BLOCK_BYTES = 64 * 1024 };

static bool write_all(int fd, const uint8_t *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t written = write(fd, data + done, n - done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return true;
}

static enum status copy(int from, int to, const char *name, struct fault *fault)
{
    static uint8_t block[BLOCK_BYTES];
    for (uint64_t bytes = 0;;) {
        ssize_t n = read(from, block, sizeof block);
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fault_errno(fault, ST_IO, "can't read %s", name);
        if (!n)
            return lseek(to, 0, SEEK_SET) ? fault_errno(fault, ST_IO, "can't rewind %s", name) : ST_OK;
        bytes += (uint64_t)n;
        if (bytes > MAX_BYTES)
            return fault_set(fault, ST_TOO_LARGE, "%s: from a pipe %d MiB are read at most: import a file instead",
                             name, MAX_BYTES / 1024 / 1024);
        if (!write_all(to, block, (size_t)n))
            return fault_errno(fault, errno == ENOSPC || errno == ENOMEM ? ST_FULL : ST_IO, "can't keep %s", name);
    }
}

enum status spool(int fd, const char *name, int *seekable, bool *own, struct fault *fault)
{
    *seekable = fd;
    *own = lseek(fd, 0, SEEK_CUR) < 0;
    if (!*own)
        return ST_OK;
    *seekable = memfd_create("ccward-feed", MFD_CLOEXEC);
    if (*seekable < 0) {
        *own = false;
        return fault_errno(fault, ST_IO, "can't keep %s", name);
    }
    enum status st = copy(fd, *seekable, name, fault);
    if (st != ST_OK) {
        close(*seekable);
        *own = false;
    }
    return st;
}
