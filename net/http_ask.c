#include "net/http_ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "message/http_head.h"
#include "net/local_socket.h"
#include "net/socket.h"

struct ask {
    int fd;
    int64_t deadline_ms;
    size_t max_bytes;
    struct buf got; /* the whole response */
};

static enum status wait_until(const struct ask *ask, short event)
{
    for (;;) {
        int64_t left_ms = ask->deadline_ms - clock_mono_ms();
        struct pollfd poller = {.fd = ask->fd, .events = event};
        int n = left_ms > 0 ? poll(&poller, 1, (int)left_ms) : 0;
        if (n > 0)
            return ST_OK;
        if (n == 0)
            return ST_TIMEOUT;
        if (errno != EINTR)
            return ST_IO;
    }
}

static struct addr reachable(const struct addr *addr)
{
    struct addr local = *addr;
    if (!addr_is_unspecified(addr))
        return local;
    if (addr_is_v4(addr))
        return addr_v4(0x7f000001, addr->port);
    local.ip[15] = 1;
    return local;
}

static enum status connect_to(struct ask *ask, const struct addr *addr)
{
    struct sockaddr_storage where;
    struct addr local = reachable(addr);
    socklen_t length = addr_to_sockaddr(&local, &where), size = sizeof(int);
    int error = 0;
    ask->fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ask->fd < 0)
        return ST_IO;
    if (!connect(ask->fd, (const struct sockaddr *)&where, length))
        return ST_OK;
    if (errno != EINPROGRESS)
        return socket_status(errno);
    enum status status = wait_until(ask, POLLOUT);
    if (status == ST_OK && !getsockopt(ask->fd, SOL_SOCKET, SO_ERROR, &error, &size) && error)
        status = socket_status(error);
    return status;
}

static enum status send_all(struct ask *ask, struct str request)
{
    enum status status = ST_OK;
    while (status == ST_OK && request.length) {
        ssize_t n = send(ask->fd, request.data, request.length, MSG_NOSIGNAL);
        if (n >= 0)
            request = str_from(request, (size_t)n);
        else
            status = socket_would_block(errno) ? wait_until(ask, POLLOUT) : socket_status(errno);
    }
    return status;
}

/* Until the other end closes, as it was asked to. */
static enum status receive_all(struct ask *ask)
{
    enum { CHUNK = 16384 };
    enum status status = ST_OK;
    while (status == ST_OK) {
        char *room = buf_reserve(&ask->got, CHUNK);
        if (!room)
            return ST_NOMEM;
        ssize_t n = recv(ask->fd, room, CHUNK, 0);
        if (!n)
            return ST_OK;
        if (n > 0)
            ask->got.length += (size_t)n;
        else
            status = socket_would_block(errno) ? wait_until(ask, POLLIN) : socket_status(errno);
        if (ask->got.length > ask->max_bytes)
            return ST_INVALID;
    }
    return status;
}

static enum status take_response(const struct ask *ask, unsigned *http_status, struct buf *body)
{
    struct http_head head;
    enum http_reject reject;
    struct str data = {ask->got.data, ask->got.length};
    if (http_response_parse(data, STR("GET"), &head, &reject) != ST_OK || head.framing == HTTP_BODY_CHUNKED)
        return ST_INVALID;
    data = str_from(data, head.length);
    if (head.framing == HTTP_BODY_LENGTH && data.length != head.content_length)
        return ST_INVALID;
    *http_status = head.status;
    buf_add(body, data.data, data.length);
    return body->failed ? ST_NOMEM : ST_OK;
}

/* On a connection that STATUS tells of. REQUEST is freed. */
static enum status ask_on_own(struct ask *ask, enum status status, struct buf *request, unsigned *http_status,
                              struct buf *body)
{
    if (status == ST_OK && request->failed)
        status = ST_NOMEM;
    if (status == ST_OK)
        status = send_all(ask, (struct str){request->data, request->length});
    if (status == ST_OK)
        status = receive_all(ask);
    if (status == ST_OK)
        status = take_response(ask, http_status, body);
    if (ask->fd >= 0)
        close(ask->fd);
    buf_free(request);
    buf_free(&ask->got);
    return status;
}

static const char *reason(enum status status)
{
    return status == ST_INVALID ? "no proper answer" : status_text(status);
}

enum status http_ask(const struct addr *addr, const char *path, int timeout_ms, size_t max_bytes, unsigned *http_status,
                     struct buf *body, struct fault *fault)
{
    struct ask ask = {.fd = -1, .deadline_ms = clock_mono_ms() + timeout_ms, .max_bytes = max_bytes};
    struct addr local = reachable(addr);
    struct buf request = {0};
    char where[ADDR_TEXT_SIZE];
    addr_format(&local, where);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, where);
    enum status status = ask_on_own(&ask, connect_to(&ask, addr), &request, http_status, body);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "http://%s%s: %s", where, path, reason(status));
}

enum status http_ask_local(const char *dir, const char *name, const char *path, struct str json, int timeout_ms,
                           size_t max_bytes, unsigned *http_status, struct buf *body, struct fault *fault)
{
    struct ask ask = {.fd = -1, .deadline_ms = clock_mono_ms() + timeout_ms, .max_bytes = max_bytes};
    struct buf request = {0};
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", json.length ? "POST" : "GET",
               path);
    if (json.length)
        buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", json.length);
    buf_printf(&request, "\r\n");
    buf_add(&request, json.data, json.length);
    enum status status = ask_on_own(&ask, local_socket_connect(dir, name, &ask.fd), &request, http_status, body);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "%s/%s: %s", dir, name, reason(status));
}
