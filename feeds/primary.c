#include "feeds/primary.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "feeds/interrupt.h"

enum { PREFIX_BYTES = 2, LOOK_MS = 500 /* an interrupt that came between two looks is seen then */ };

struct primary primary_start(const struct fetch_limits *limits, struct progress *progress)
{
    return (struct primary){
        .limits = limits, .progress = progress, .until_ms = clock_mono_ms() + limits->total_ms, .fd = -1};
}

void primary_close(struct primary *primary)
{
    if (primary->fd >= 0)
        close(primary->fd);
    primary->fd = -1;
}

static enum status lost(struct fault *fault)
{
    return fault_set(fault, ST_UNAVAILABLE, "the connection to the primary is lost: %s", strerror(errno));
}

static bool too_slow(struct primary *primary, int64_t now_ms)
{
    const struct fetch_limits *limits = primary->limits;
    if (now_ms - primary->window_ms < limits->low_speed_s * 1000)
        return false;
    uint64_t got = primary->bytes - primary->window_bytes;
    primary->window_ms = now_ms;
    primary->window_bytes = primary->bytes;
    return got < (uint64_t)limits->low_speed_bytes_s * (uint64_t)limits->low_speed_s;
}

/* Until the socket is ready, at most until UNTIL_MS. */
static enum status wait_for(struct primary *primary, short events, int64_t until_ms, struct fault *fault)
{
    struct pollfd pollfd = {.fd = primary->fd, .events = events};
    for (;;) {
        int64_t now_ms = clock_mono_ms();
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        if (now_ms >= until_ms)
            return fault_set(fault, ST_TIMEOUT, "the primary did not answer in time");
        if (too_slow(primary, now_ms))
            return fault_set(fault, ST_TIMEOUT, "the primary is too slow: under %ld bytes/s for %ld s",
                             primary->limits->low_speed_bytes_s, primary->limits->low_speed_s);
        int64_t left_ms = until_ms - now_ms;
        int ready = poll(&pollfd, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
        if (ready > 0)
            return ST_OK;
        if (ready < 0 && errno != EINTR)
            return lost(fault);
    }
}

enum status primary_connect(struct primary *primary, const struct addr *addr, struct fault *fault)
{
    struct sockaddr_storage to;
    socklen_t n = addr_to_sockaddr(addr, &to);
    int64_t until_ms = clock_mono_ms() + primary->limits->connect_ms;
    primary_close(primary);
    primary->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (primary->fd < 0)
        return fault_errno(fault, ST_IO, "can't make a socket");
    int error = connect(primary->fd, (struct sockaddr *)&to, n) ? errno : 0;
    primary->window_ms = clock_mono_ms();
    primary->window_bytes = primary->bytes;
    if (error == EINPROGRESS) {
        struct fault why = {0};
        enum status st = wait_for(primary, POLLOUT, until_ms < primary->until_ms ? until_ms : primary->until_ms, &why);
        if (st != ST_OK)
            return fault_set(fault, st, "%s",
                             st == ST_TIMEOUT ? "the primary can't be reached: no answer in time" : why.text);
        socklen_t size = sizeof error;
        if (getsockopt(primary->fd, SOL_SOCKET, SO_ERROR, &error, &size))
            error = errno;
    }
    return error ? fault_set(fault, ST_UNAVAILABLE, "the primary can't be reached: %s", strerror(error)) : ST_OK;
}

enum status primary_send(struct primary *primary, const void *message, size_t n, struct fault *fault)
{
    uint8_t bytes[PREFIX_BYTES + 1024];
    struct wire wire = wire_into(bytes, sizeof bytes);
    wire_u16(&wire, (uint16_t)n);
    wire_bytes(&wire, message, n);
    if (wire.failed)
        return fault_set(fault, ST_TOO_LARGE, "the question does not fit");
    for (size_t done = 0; done < wire_length(&wire);) {
        ssize_t sent = send(primary->fd, bytes + done, wire_length(&wire) - done, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return lost(fault);
        if (sent > 0)
            done += (size_t)sent;
        enum status st = sent < 0 ? wait_for(primary, POLLOUT, primary->until_ms, fault) : ST_OK;
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

/* Exactly N bytes. */
static enum status receive_bytes(struct primary *primary, uint8_t *out, size_t n, struct fault *fault)
{
    if (interrupted()) /* of a fast primary nothing is ever waited for */
        return fault_set(fault, ST_CLOSED, "interrupted");
    for (size_t done = 0; done < n;) {
        ssize_t got = recv(primary->fd, out + done, n - done, 0);
        if (!got)
            return fault_set(fault, ST_TRUNCATED, "the primary closed the connection before the end of its answer");
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return lost(fault);
        if (got > 0) {
            done += (size_t)got;
            primary->bytes += (uint64_t)got;
        }
        if (primary->bytes > primary->limits->max_bytes)
            return fault_set(fault, ST_TOO_LARGE, "the zone is larger than a feed may be");
        /* Looked at also where bytes keep coming: one that drips is too slow all the same. */
        enum status st = done < n ? wait_for(primary, POLLIN, primary->until_ms, fault) : ST_OK;
        if (st != ST_OK)
            return st;
    }
    progress_show(primary->progress, primary->bytes, 0);
    return ST_OK;
}

enum status primary_receive(struct primary *primary, uint8_t out[65535], size_t *n, struct fault *fault)
{
    uint8_t prefix[PREFIX_BYTES];
    enum status st = receive_bytes(primary, prefix, sizeof prefix, fault);
    if (st != ST_OK)
        return st;
    *n = (size_t)prefix[0] << 8 | prefix[1];
    return receive_bytes(primary, out, *n, fault);
}
