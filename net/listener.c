#include "net/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/socket.h"

enum { BACKLOG = 1024, ACCEPTS_PER_WAKEUP = 16, STARVED_PAUSE_MS = 100 };

struct listener {
    int fd;
    struct event *event;
    struct timer *pause;
    struct loop *loop;
    struct addr local;
    bool wildcard, without_addresses;
    const struct listener_ops *ops;
    void *arg;
    bool in_accept, closing;
    bool starved; /* told once, until a connection is accepted again */
};

static void listener_free(struct listener *listener)
{
    if (listener->event)
        event_free(listener->event);
    timer_free(listener->pause);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener);
}

static void on_pause_over(void *arg)
{
    struct listener *listener = arg;
    if (event_add(listener->event, NULL) != 0)
        timer_start(listener->pause, STARVED_PAUSE_MS);
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage sa;
    socklen_t length = sizeof sa;
    struct addr peer = {0};
    int fd = accept4(listener->fd, (struct sockaddr *)&sa, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && socket_is_starved(errno)) {
        /* The connection stays in the queue, so the event would fire again at once and for ever. */
        if (!listener->starved)
            log_warning("cannot accept connections for lack of descriptors or memory; trying again every %d ms",
                        STARVED_PAUSE_MS);
        listener->starved = true;
        event_del(listener->event);
        timer_start(listener->pause, STARVED_PAUSE_MS);
        return false;
    }
    if (fd < 0)
        return errno != EAGAIN; /* else this one connection failed (accept(2)): the next may be fine */
    if (!listener->without_addresses && !addr_from_sockaddr((struct sockaddr *)&sa, &peer)) {
        close(fd);
        return true;
    }
    listener->starved = false;
    struct addr local = listener->wildcard ? socket_local(fd) : listener->local;
    listener->ops->on_accept(listener->arg, fd, &peer, &local);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct listener *listener = arg;
    listener->in_accept = true;
    loop_look(listener->loop);
    for (unsigned i = 0; i < ACCEPTS_PER_WAKEUP && !listener->closing; i++)
        if (!accept_one(listener))
            break;
    listener->in_accept = false;
    if (listener->closing)
        listener_free(listener);
}

static enum status start_accepting(struct listener *listener, struct loop *loop, struct fault *fault)
{
    listener->loop = loop;
    listener->pause = timer_new(loop, on_pause_over, listener);
    listener->event = event_new(loop_event_base(loop), listener->fd, EV_READ | EV_PERSIST, on_readable, listener);
    if (!listener->pause || !listener->event || event_add(listener->event, NULL) != 0)
        return fault_set(fault, ST_NOMEM, "out of memory");
    return ST_OK;
}

enum status listener_open(struct loop *loop, const struct addr *addr, const struct listener_ops *ops, void *arg,
                          struct listener **result, struct fault *fault)
{
    static const int on = 1;
    struct listener *listener = malloc(sizeof *listener);
    if (!listener)
        return fault_set(fault, ST_NOMEM, "out of memory");
    *listener = (struct listener){.fd = -1, .ops = ops, .arg = arg, .wildcard = addr_is_unspecified(addr)};
    enum status status = socket_bind(addr, SOCK_STREAM, true, &listener->fd, fault);
    if (status != ST_OK)
        goto out;
    /* Accepted sockets inherit it from here. */
    if (setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || listen(listener->fd, BACKLOG) != 0) {
        status = fault_errno(fault, ST_IO, "cannot listen");
        goto out;
    }
    listener->local = socket_local(listener->fd);
    status = start_accepting(listener, loop, fault);
out:
    if (status == ST_OK)
        *result = listener;
    else
        listener_free(listener);
    return status;
}

enum status listener_open_own(struct loop *loop, int fd, const struct listener_ops *ops, void *arg,
                              struct listener **result, struct fault *fault)
{
    struct listener *listener = malloc(sizeof *listener);
    if (!listener) {
        close(fd);
        return fault_set(fault, ST_NOMEM, "out of memory");
    }
    *listener = (struct listener){.fd = fd, .ops = ops, .arg = arg, .without_addresses = true};
    enum status status = start_accepting(listener, loop, fault);
    if (status == ST_OK)
        *result = listener;
    else
        listener_free(listener);
    return status;
}

void listener_close(struct listener *listener)
{
    if (!listener)
        return;
    if (listener->in_accept)
        listener->closing = true;
    else
        listener_free(listener);
}

struct addr listener_addr(const struct listener *listener)
{
    return listener->local;
}

enum status listener_probe(const struct addr *addr, int sock_type, struct fault *fault)
{
    int fd;
    enum status status = socket_bind(addr, sock_type, false, &fd, fault);
    if (status == ST_OK)
        close(fd);
    return status;
}
