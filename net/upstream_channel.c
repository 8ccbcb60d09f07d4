#include "net/upstream_channel.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "message/dns_message.h"
#include "net/socket.h"

enum {
    ARES_TIMEOUT_MS = 3600 * 1000, /* who asks has a timer of his own */
    SHRINK_MS = 30000,
    TRIM_CHANNELS = 64, /* 5 MiB */
    KEEP_CHANNELS = 8,  /* a channel has 73 KiB and takes as long to make as ten queries */
};

struct upstream_channel {
    struct upstream_channels *all;
    TAILQ_ENTRY(upstream_channel) entry; /* while it is idle */
    ares_channel ares;
    struct addr server; /* that c-ares has now */
    int fd;             /* -1: none */
    bool waiting;       /* the event is added */
    struct event event;
    struct loop_task task; /* tells what was over at once */

    struct channel_query *query; /* NULL: idle */
    bool finished;
    enum status status, trouble; /* of the query; of its socket */
};

struct upstream_channels {
    struct loop *loop;
    uint8_t *reply;
    size_t max, made;
    TAILQ_HEAD(idle_channels, upstream_channel) idle; /* used last first */
    size_t idle_count, spare;                         /* spare: were idle all the time since the timer was started */
    struct timer *timer;
    bool timer_runs;
};

/* The pool */

static void channel_free(struct upstream_channel *channel)
{
    if (channel->ares)
        ares_destroy(channel->ares);
    channel->all->made--;
    free(channel);
}

static void start_shrinking(struct upstream_channels *channels)
{
    channels->spare = channels->idle_count;
    channels->timer_runs = channels->idle_count > KEEP_CHANNELS;
    if (channels->timer_runs)
        timer_start(channels->timer, SHRINK_MS);
}

static struct upstream_channel *take_idle(struct upstream_channels *channels)
{
    struct upstream_channel *channel = TAILQ_FIRST(&channels->idle);
    if (!channel)
        return NULL;
    TAILQ_REMOVE(&channels->idle, channel, entry);
    if (--channels->idle_count < channels->spare)
        channels->spare = channels->idle_count;
    return channel;
}

static void give_back(struct upstream_channel *channel)
{
    struct upstream_channels *channels = channel->all;
    channel->query->channel = NULL;
    channel->query = NULL;
    TAILQ_INSERT_HEAD(&channels->idle, channel, entry);
    channels->idle_count++;
    if (!channels->timer_runs)
        start_shrinking(channels);
}

static void on_timer(void *arg)
{
    struct upstream_channels *channels = arg;
    size_t before = channels->made;
    for (size_t i = channels->spare; i && channels->idle_count > KEEP_CHANNELS; i--) {
        struct upstream_channel *channel = TAILQ_LAST(&channels->idle, idle_channels);
        TAILQ_REMOVE(&channels->idle, channel, entry);
        channels->idle_count--;
        channel_free(channel);
    }
    if (before - channels->made >= TRIM_CHANNELS)
        malloc_trim(0); /* else glibc keeps what lies between pieces that are in use */
    start_shrinking(channels);
}

/* The hooks under c-ares (ares_set_socket_functions(3)) */

static void note_trouble(struct upstream_channel *channel)
{
    channel->trouble = socket_status(errno);
}

static ares_socket_t hook_socket(int domain, int type, int protocol, void *arg)
{
    struct upstream_channel *channel = arg;
    CHECK(type == SOCK_DGRAM && channel->fd < 0); /* a query fits a datagram, and no answer with TC is handed up */
    channel->fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (channel->fd < 0)
        note_trouble(channel);
    return channel->fd;
}

static void stop_waiting(struct upstream_channel *channel)
{
    if (channel->waiting)
        event_del(&channel->event);
    channel->waiting = false;
}

static int hook_close(ares_socket_t fd, void *arg)
{
    struct upstream_channel *channel = arg;
    CHECK(fd == channel->fd);
    stop_waiting(channel);
    channel->fd = -1;
    return close(fd);
}

/* A cookie tells a server whom it had to do with before, so it goes from no other address (RFC 7873 section 4.1). */
static bool is_elsewhere(const struct upstream_channel *channel)
{
    const struct addr *from = &channel->query->from;
    struct addr local = addr_is_unspecified(from) ? *from : socket_local(channel->fd);
    return !addr_same_ip(from, &local);
}

static int hook_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t length, void *arg)
{
    struct upstream_channel *channel = arg;
    if (connect(fd, addr, length) == 0) {
        if (!is_elsewhere(channel))
            return 0;
        channel->query->moved = true;
        errno = EADDRNOTAVAIL;
    }
    note_trouble(channel);
    return -1;
}

static ares_ssize_t hook_send(ares_socket_t fd, const struct iovec *iov, int count, void *arg)
{
    struct msghdr head = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count}; /* only read */
    ssize_t n = sendmsg(fd, &head, MSG_NOSIGNAL);
    if (n < 0)
        note_trouble(arg);
    return n;
}

/* Answers c-ares with the least that makes it take the query as answered: it never sees the records. */
static ares_ssize_t hand_up(const struct query_mask *mask, void *data, size_t size)
{
    uint8_t *answer = data;
    CHECK(size >= mask->question_end);
    memcpy(answer, mask->bytes, mask->question_end);
    answer[2] |= (uint8_t)(DNS_FLAG_QR >> 8);
    memset(answer + 6, 0, 6); /* no records */
    return (ares_ssize_t)mask->question_end;
}

/* What c-ares would believe or stumble over it never sees (RFC 5452 section 9.1). */
static ares_ssize_t hook_receive(ares_socket_t fd, void *data, size_t size, int flags, struct sockaddr *from,
                                 ares_socklen_t *from_length, void *arg)
{
    struct upstream_channel *channel = arg;
    const struct channel_query *query = channel->query;
    for (;;) {
        socklen_t length = *from_length;
        ssize_t n = recvfrom(fd, channel->all->reply, CHANNEL_DATAGRAM_MAX, flags | MSG_TRUNC, from, &length);
        if (n < 0 && socket_would_block(errno)) {
            errno = EAGAIN;
            return -1;
        }
        if (n < 0) { /* the server's host says that nobody listens */
            note_trouble(channel);
            return -1;
        }
        if (query->on_datagram(query->arg, n > CHANNEL_DATAGRAM_MAX ? 0 : (size_t)n)) {
            *from_length = length;
            return hand_up(query->mask, data, size);
        }
    }
}

/* The end of a query */

static void on_ares_done(void *arg, int ares_status, int timeouts, unsigned char *message, int n)
{
    (void)timeouts, (void)message, (void)n;
    struct upstream_channel *channel = arg;
    channel->finished = true;
    if (ares_status == ARES_SUCCESS)
        channel->status = ST_OK;
    else if (channel->trouble != ST_OK)
        channel->status = channel->trouble;
    else
        channel->status = ares_status == ARES_ENOMEM ? ST_NOMEM : ST_UNAVAILABLE;
}

static void tell(void *arg)
{
    struct upstream_channel *channel = arg;
    struct channel_query *query = channel->query;
    enum status status = channel->status;
    give_back(channel);
    query->on_done(query->arg, status);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct upstream_channel *channel = arg;
    ares_process_fd(channel->ares, fd, ARES_SOCKET_BAD);
    if (channel->finished)
        tell(channel);
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    (void)writable;
    struct upstream_channel *channel = arg;
    stop_waiting(channel);
    if (!readable)
        return;
    event_assign(&channel->event, loop_event_base(channel->all->loop), fd, EV_READ | EV_PERSIST, on_readable, channel);
    channel->waiting = event_add(&channel->event, NULL) == 0; /* if not, the query's timer ends it */
}

/* Making and using a channel */

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
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_IGNTC,
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

static struct upstream_channel *channel_new(struct upstream_channels *channels)
{
    struct upstream_channel *channel = channels->made < channels->max ? malloc(sizeof *channel) : NULL;
    if (!channel)
        return NULL;
    *channel = (struct upstream_channel){.all = channels, .fd = -1};
    channel->task = (struct loop_task){.run = tell, .arg = channel};
    channels->made++;
    if (!init_ares(channel)) {
        channel_free(channel);
        return NULL;
    }
    return channel;
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

enum status upstream_channels_send(struct upstream_channels *channels, const struct addr *server,
                                   struct channel_query *query)
{
    struct upstream_channel *channel = take_idle(channels);
    if (!channel)
        channel = channel_new(channels);
    if (!channel)
        return ST_NOMEM;
    CHECK(!query->channel);
    query->channel = channel;
    query->moved = false;
    channel->query = query;
    channel->finished = false;
    channel->trouble = ST_OK;
    if (!set_server(channel, server)) {
        give_back(channel);
        return ST_NOMEM;
    }
    ares_send(channel->ares, query->mask->bytes, (int)query->mask->length, on_ares_done, channel);
    if (channel->finished) /* there is no route, no descriptor or no memory */
        loop_defer(channels->loop, &channel->task);
    return ST_OK;
}

void upstream_channels_cancel(struct channel_query *query)
{
    struct upstream_channel *channel = query->channel;
    if (!channel)
        return;
    ares_cancel(channel->ares);
    loop_task_cancel(channel->all->loop, &channel->task);
    give_back(channel);
}

size_t upstream_channels_made(const struct upstream_channels *channels)
{
    return channels->made;
}

struct upstream_channels *upstream_channels_new(struct loop *loop, size_t max, uint8_t *reply)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct upstream_channels *channels = malloc(sizeof *channels);
    struct timer *timer = timer_new(loop, on_timer, channels);
    pthread_once(&once, init_library);
    if (!channels || !timer) {
        timer_free(timer);
        free(channels);
        return NULL;
    }
    *channels = (struct upstream_channels){.loop = loop, .reply = reply, .max = max, .timer = timer};
    TAILQ_INIT(&channels->idle);
    return channels;
}

void upstream_channels_free(struct upstream_channels *channels)
{
    if (!channels)
        return;
    for (struct upstream_channel *channel; (channel = take_idle(channels));)
        channel_free(channel);
    CHECK(!channels->made);
    timer_free(channels->timer);
    free(channels);
}
