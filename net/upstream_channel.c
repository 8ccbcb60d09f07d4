#include "net/upstream_channel.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "message/dns_message.h"
#include "net/socket.h"

enum {
    SOCKETS = 2,             /* UDP, and TCP after it */
    DATAGRAMS_PER_CALL = 64, /* dropped ones; then the rest of the loop gets its turn */
    DATAGRAM_MAX = 4096,
    CASE_GRACE_MS = 300,           /* how long the right answer may follow one that is right but for its case */
    ARES_TIMEOUT_MS = 3600 * 1000, /* our own timer ends a try */
};

struct channel_socket {
    int fd;       /* -1: free */
    bool waiting; /* the event is added */
    struct event event;
};

struct upstream_channel {
    struct upstream_shared *shared;
    upstream_result_fn *on_result;
    void *arg;
    ares_channel ares;
    struct addr server; /* that c-ares has now */
    struct channel_socket sockets[SOCKETS];
    struct timer *timer;
    struct loop_task task;

    const struct query_mask *mask; /* NULL: idle */
    bool finished, timed_out;
    struct upstream_result result;
};

static void on_socket(evutil_socket_t fd, short what, void *arg);

static struct channel_socket *find_socket(struct upstream_channel *channel, int fd)
{
    for (size_t i = 0; i < SOCKETS; i++)
        if (channel->sockets[i].fd == fd)
            return &channel->sockets[i];
    return NULL;
}

static void stop_waiting(struct channel_socket *s)
{
    if (s->waiting)
        event_del(&s->event);
    s->waiting = false;
}

/* The hooks under c-ares (ares_set_socket_functions(3)). */

static ares_socket_t hook_socket(int domain, int type, int protocol, void *arg)
{
    struct upstream_channel *channel = arg;
    static const int on = 1;
    struct channel_socket *s = find_socket(channel, -1);
    if (!s)
        return ARES_SOCKET_BAD;
    s->fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (s->fd >= 0 && type == SOCK_STREAM) {
        setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        timer_start(channel->timer, channel->shared->try_timeout_ms); /* asking again by TCP is a try of its own */
    }
    return s->fd;
}

static int hook_close(ares_socket_t fd, void *arg)
{
    struct channel_socket *s = find_socket(arg, fd);
    CHECK(s);
    stop_waiting(s);
    s->fd = -1;
    return close(fd);
}

static int hook_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t length, void *arg)
{
    (void)arg;
    return connect(fd, addr, length);
}

static ares_ssize_t hook_send(ares_socket_t fd, const struct iovec *iov, int count, void *arg)
{
    (void)arg;
    struct msghdr head = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count}; /* only read */
    return sendmsg(fd, &head, MSG_NOSIGNAL);
}

/* Answers c-ares with the least that makes it take the query as answered, or as truncated: it never sees the records.
 */
static ares_ssize_t hand_up(const struct query_mask *mask, bool truncated, void *data)
{
    uint8_t *answer = data;
    memcpy(answer, mask->bytes, mask->question_end);
    answer[2] |= (uint8_t)((DNS_FLAG_QR | (truncated ? DNS_FLAG_TC : 0)) >> 8);
    memset(answer + 6, 0, 6); /* no records */
    return (ares_ssize_t)mask->question_end;
}

static void note_wrong_case(struct upstream_channel *channel)
{
    if (!channel->result.wrong_case_only)
        timer_start(channel->timer, CASE_GRACE_MS);
    channel->result.wrong_case_only = true;
}

/* Takes datagrams until one answers the query; what c-ares would believe or stumble over it never sees (RFC 5452
 * section 9.1). */
static ares_ssize_t receive_datagram(struct upstream_channel *channel, int fd, void *data, size_t size,
                                     struct sockaddr *from, ares_socklen_t *from_length)
{
    uint8_t *reply = channel->shared->reply;
    for (unsigned i = 0; i < DATAGRAMS_PER_CALL; i++) {
        socklen_t length = *from_length;
        ssize_t n = recvfrom(fd, reply, DATAGRAM_MAX, MSG_TRUNC, from, &length);
        if (n < 0)
            return -1;
        enum query_match match = n > DATAGRAM_MAX ? MATCH_NONE : query_mask_match(channel->mask, reply, (size_t)n);
        if (match == MATCH_ANSWER || match == MATCH_TRUNCATED) {
            CHECK(size >= channel->mask->question_end);
            *from_length = length;
            channel->result.reply_length = match == MATCH_ANSWER ? (size_t)n : 0;
            return hand_up(channel->mask, match == MATCH_TRUNCATED, data);
        }
        ++*channel->shared->unwanted;
        if (match == MATCH_CASE_ONLY)
            note_wrong_case(channel);
    }
    errno = EAGAIN;
    return -1;
}

static ares_ssize_t hook_receive(ares_socket_t fd, void *data, size_t size, int flags, struct sockaddr *from,
                                 ares_socklen_t *from_length, void *arg)
{
    if (from)
        return receive_datagram(arg, fd, data, size, from, from_length);
    return recv(fd, data, size, flags); /* TCP: c-ares puts the message together, on_ares_done() looks at it */
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct upstream_channel *channel = arg;
    struct channel_socket *s = find_socket(channel, fd);
    CHECK(s);
    stop_waiting(s);
    short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    if (!what)
        return;
    event_assign(&s->event, loop_event_base(channel->shared->loop), fd, (short)(what | EV_PERSIST), on_socket, channel);
    s->waiting = event_add(&s->event, NULL) == 0; /* if not, the timer ends the try */
}

/* The end of a try. */

static enum status status_of(const struct upstream_channel *channel, int ares_status)
{
    if (channel->timed_out || ares_status == ARES_ETIMEOUT)
        return ST_TIMEOUT;
    return ares_status == ARES_ENOMEM ? ST_NOMEM : ST_UNAVAILABLE;
}

static void on_ares_done(void *arg, int ares_status, int timeouts, unsigned char *message, int n)
{
    (void)timeouts;
    struct upstream_channel *channel = arg;
    struct upstream_result *result = &channel->result;
    channel->finished = true;
    if (ares_status != ARES_SUCCESS) {
        result->status = status_of(channel, ares_status);
        return;
    }
    result->status = ST_OK;
    result->wrong_case_only = false;
    if (result->reply_length)
        return;
    if (query_mask_match(channel->mask, message, (size_t)n) == MATCH_ANSWER) {
        memcpy(channel->shared->reply, message, (size_t)n);
        result->reply_length = (size_t)n;
    } else {
        ++*channel->shared->unwanted;
        result->status = ST_UNAVAILABLE;
    }
}

static void tell_result(void *arg)
{
    struct upstream_channel *channel = arg;
    struct upstream_result result = channel->result;
    timer_stop(channel->timer);
    channel->mask = NULL;
    channel->on_result(channel->arg, &result);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct upstream_channel *channel = arg;
    ares_process_fd(channel->ares, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    if (channel->finished)
        tell_result(channel);
}

static void on_try_timeout(void *arg)
{
    struct upstream_channel *channel = arg;
    channel->timed_out = true;
    ares_cancel(channel->ares);
    CHECK(channel->finished);
    tell_result(channel);
}

/* Making and using a channel. */

static void init_library(void)
{
    CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

/* Every option is given, so that c-ares reads neither resolv.conf nor the environment. */
static bool init_ares(struct upstream_channel *channel)
{
    static const struct ares_socket_functions hooks = {hook_socket, hook_close, hook_connect, hook_receive, hook_send};
    static char lookups[] = "b";
    struct ares_options options = {
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = ARES_TIMEOUT_MS,
        .tries = 1,
        .ndots = 1,
        .lookups = lookups,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_LOOKUPS |
               ARES_OPT_SOCK_STATE_CB | ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE;
    if (ares_init_options(&channel->ares, &options, mask) != ARES_SUCCESS) {
        channel->ares = NULL;
        return false;
    }
    ares_set_socket_functions(channel->ares, &hooks, channel);
    return true;
}

struct upstream_channel *upstream_channel_new(struct upstream_shared *shared, upstream_result_fn *on_result, void *arg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct upstream_channel *channel = malloc(sizeof *channel);
    if (!channel)
        return NULL;
    *channel = (struct upstream_channel){.shared = shared, .on_result = on_result, .arg = arg};
    for (size_t i = 0; i < SOCKETS; i++)
        channel->sockets[i].fd = -1;
    channel->task = (struct loop_task){.run = tell_result, .arg = channel};
    channel->timer = timer_new(shared->loop, on_try_timeout, channel);
    if (!channel->timer || !init_ares(channel)) {
        upstream_channel_free(channel);
        return NULL;
    }
    return channel;
}

void upstream_channel_free(struct upstream_channel *channel)
{
    if (!channel)
        return;
    if (channel->ares)
        ares_destroy(channel->ares); /* calls on_ares_done() for a pending query, which only takes note */
    loop_task_cancel(channel->shared->loop, &channel->task);
    timer_free(channel->timer);
    free(channel);
}

static bool set_server(struct upstream_channel *channel, const struct addr *server)
{
    if (addr_same_ip(&channel->server, server) && channel->server.port == server->port)
        return true;
    struct ares_addr_port_node node = {.family = AF_INET6, .udp_port = server->port, .tcp_port = server->port};
    if (addr_is_v4(server)) {
        node.family = AF_INET;
        memcpy(&node.addr.addr4, server->ip + 12, 4);
    } else {
        memcpy(&node.addr.addr6, server->ip, sizeof server->ip);
    }
    bool set = ares_set_servers_ports(channel->ares, &node) == ARES_SUCCESS;
    channel->server = set ? *server : (struct addr){0};
    return set;
}

void upstream_channel_send(struct upstream_channel *channel, const struct addr *server, const struct query_mask *mask)
{
    CHECK(!channel->mask);
    channel->mask = mask;
    channel->finished = channel->timed_out = false;
    channel->result = (struct upstream_result){0};
    if (set_server(channel, server)) {
        timer_start(channel->timer, channel->shared->try_timeout_ms);
        ares_send(channel->ares, mask->bytes, (int)mask->length, on_ares_done, channel);
    } else {
        channel->finished = true;
        channel->result.status = ST_NOMEM;
    }
    if (channel->finished) /* at once: there is no route, no descriptor or no memory */
        loop_defer(channel->shared->loop, &channel->task);
}

void upstream_channel_cancel(struct upstream_channel *channel)
{
    ares_cancel(channel->ares);
    loop_task_cancel(channel->shared->loop, &channel->task);
    timer_stop(channel->timer);
    channel->mask = NULL;
}
