#include "net/udp.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"

enum {
    BATCH = 64,
    BATCHES_PER_WAKEUP = 4, /* then the other sockets of this loop get their turn */
    BATCH_BETWEEN = 16,     /* taken between two events of others: they wait for it in the middle of their round */
    RECEIVE_BUFFER_BYTES = 1 << 20,
    /* Not a power of two: with a stride of 4 KiB the first lines of all buffers fall into one set of the L1 cache. */
    SLOT_BYTES = UDP_DATAGRAM_MAX + 192,
};

/* Room for the address that a datagram was sent to (ip(7) IP_PKTINFO, RFC 3542 section 6.1). */
union pktinfo {
    struct cmsghdr align;
    char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct udp {
    struct event *event;
    struct loop_urgent urgent;
    bool is_urgent; /* the loop has it */
    int fd;
    struct addr local;
    bool wildcard; /* each datagram says which of our addresses it came to */
    const struct udp_ops *ops;
    void *arg;
    bool in_batch, closing;
    struct udp_counters counters;

    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_iov[BATCH], out_iov[BATCH];
    struct sockaddr_storage from[BATCH];
    union pktinfo in_info[BATCH], out_info[BATCH];
    uint8_t in_data[BATCH][SLOT_BYTES], out_data[BATCH][SLOT_BYTES];
};

static struct addr local_of(const struct udp *udp, struct msghdr *head)
{
    struct addr local = udp->local;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            local = addr_v4(ntohl(info.ipi_spec_dst.s_addr), udp->local.port);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(local.ip, &info.ipi6_addr, sizeof local.ip);
        }
    }
    return local;
}

/* Makes HEAD leave from LOCAL; the interface is the routing table's choice. */
static void set_source(struct msghdr *head, union pktinfo *info, const struct addr *local)
{
    memset(info, 0, sizeof *info);
    head->msg_control = info;
    if (addr_is_v4(local)) {
        struct in_pktinfo v4 = {0};
        memcpy(&v4.ipi_spec_dst, local->ip + 12, 4);
        head->msg_controllen = sizeof info->v4;
        struct cmsghdr *c = CMSG_FIRSTHDR(head);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof v4), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
        memcpy(CMSG_DATA(c), &v4, sizeof v4);
    } else {
        struct in6_pktinfo v6 = {0};
        memcpy(&v6.ipi6_addr, local->ip, sizeof local->ip);
        head->msg_controllen = sizeof info->v6;
        struct cmsghdr *c = CMSG_FIRSTHDR(head);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof v6), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &v6, sizeof v6);
    }
}

static int receive_batch(struct udp *udp, unsigned most)
{
    for (unsigned i = 0; i < most; i++) {
        struct msghdr *head = &udp->in[i].msg_hdr;
        head->msg_namelen = sizeof udp->from[i];
        head->msg_controllen = udp->wildcard ? sizeof udp->in_info[i] : 0;
    }
    int n;
    do
        n = recvmmsg(udp->fd, udp->in, most, 0, NULL);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Hands datagram I to the owner; true when a reply now stands in slot REPLY. */
static bool serve(struct udp *udp, unsigned i, unsigned reply)
{
    struct msghdr *head = &udp->in[i].msg_hdr;
    struct udp_peer peer = {.local = udp->local};
    udp->counters.received++;
    if (head->msg_flags & MSG_TRUNC) {
        udp->counters.truncated++;
        return false;
    }
    if (!addr_from_sockaddr((struct sockaddr *)&udp->from[i], &peer.remote) || peer.remote.port == 0)
        return false;
    if (udp->from[i].ss_family == AF_INET6)
        peer.scope_id = ((struct sockaddr_in6 *)&udp->from[i])->sin6_scope_id;
    if (udp->wildcard)
        peer.local = local_of(udp, head);
    size_t n = udp->ops->on_datagram(udp->arg, &peer, udp->in_data[i], udp->in[i].msg_len, udp->out_data[reply],
                                     UDP_DATAGRAM_MAX);
    if (n == 0)
        return false;
    struct msghdr *out = &udp->out[reply].msg_hdr;
    out->msg_name = &udp->from[i];
    out->msg_namelen = head->msg_namelen;
    udp->out_iov[reply].iov_len = n;
    if (udp->wildcard)
        set_source(out, &udp->out_info[reply], &peer.local);
    return true;
}

static void send_batch(struct udp *udp, unsigned count)
{
    for (unsigned sent = 0; sent < count;) {
        int n = sendmmsg(udp->fd, udp->out + sent, count - sent, 0);
        if (n > 0) {
            sent += (unsigned)n;
        } else if (errno != EINTR) {
            /* A full buffer refuses the rest as well; any other fault is that of the first one's destination. */
            unsigned lost = errno == EAGAIN || errno == ENOBUFS ? count - sent : 1;
            udp->counters.unsent += lost;
            sent += lost;
        }
    }
}

static void udp_free(struct udp *udp)
{
    if (udp->event)
        event_free(udp->event);
    if (udp->is_urgent)
        loop_urgent_remove(&udp->urgent);
    if (udp->fd >= 0)
        close(udp->fd);
    free(udp);
}

static void announce(struct udp *udp, size_t count)
{
    struct str datagrams[BATCH];
    for (size_t i = 0; i < count; i++)
        datagrams[i] = (struct str){(const char *)udp->in_data[i], udp->in[i].msg_len};
    udp->ops->on_batch(udp->arg, datagrams, count);
}

static void serve_batches(struct udp *udp, unsigned batches, int most)
{
    int n = most;
    udp->in_batch = true;
    for (unsigned batch = 0; batch < batches && n == most && !udp->closing; batch++) {
        n = receive_batch(udp, (unsigned)most);
        unsigned replies = 0;
        if (n > 1 && udp->ops->on_batch)
            announce(udp, (size_t)n);
        for (int i = 0; i < n && !udp->closing; i++)
            replies += serve(udp, (unsigned)i, replies);
        send_batch(udp, replies);
    }
    udp->in_batch = false;
    if (udp->closing)
        udp_free(udp);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    serve_batches(arg, BATCHES_PER_WAKEUP, BATCH);
}

static void on_look(void *arg)
{
    serve_batches(arg, 1, BATCH_BETWEEN);
}

static void point_batches(struct udp *udp)
{
    for (unsigned i = 0; i < BATCH; i++) {
        udp->in_iov[i] = (struct iovec){udp->in_data[i], UDP_DATAGRAM_MAX};
        udp->in[i].msg_hdr = (struct msghdr){.msg_name = &udp->from[i],
                                             .msg_iov = &udp->in_iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = udp->wildcard ? &udp->in_info[i] : NULL};
        udp->out_iov[i] = (struct iovec){udp->out_data[i], 0};
        udp->out[i].msg_hdr = (struct msghdr){.msg_iov = &udp->out_iov[i], .msg_iovlen = 1};
    }
}

static bool set_options(const struct udp *udp)
{
    static const int on = 1, buffer = RECEIVE_BUFFER_BYTES;
    /* Path MTU forged by ICMP must not make us fragment: RFC 9715 section 3.1. */
    static const int v4_omit = IP_PMTUDISC_OMIT, v6_omit = IPV6_PMTUDISC_OMIT;
    bool v4 = addr_is_v4(&udp->local);
    setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (v4)
        setsockopt(udp->fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4_omit, sizeof v4_omit);
    else
        setsockopt(udp->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6_omit, sizeof v6_omit);
    if (!udp->wildcard)
        return true;
    return v4 ? setsockopt(udp->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0
              : setsockopt(udp->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
}

enum status udp_open(struct loop *loop, const struct addr *addr, const struct udp_ops *ops, void *arg,
                     struct udp **result, struct fault *fault)
{
    /* The pages of the batches are touched only as far as traffic needs them. */
    struct udp *udp = calloc(1, sizeof *udp);
    if (!udp)
        return fault_set(fault, ST_NOMEM, "out of memory");
    udp->fd = -1;
    udp->ops = ops;
    udp->arg = arg;
    udp->wildcard = addr_is_unspecified(addr);
    enum status status = socket_bind(addr, SOCK_DGRAM, true, &udp->fd, fault);
    if (status != ST_OK)
        goto out;
    udp->local = socket_local(udp->fd);
    point_batches(udp);
    if (!set_options(udp)) {
        status = fault_errno(fault, ST_IO, "cannot ask for the address that a datagram comes to");
        goto out;
    }
    udp->event = event_new(loop_event_base(loop), udp->fd, EV_READ | EV_PERSIST, on_readable, udp);
    if (!udp->event || event_add(udp->event, NULL) != 0) {
        status = fault_set(fault, ST_NOMEM, "out of memory");
        goto out;
    }
    udp->urgent = (struct loop_urgent){.run = on_look, .arg = udp};
    udp->is_urgent = true;
    loop_urgent_add(loop, &udp->urgent);
    *result = udp;
    udp = NULL;
out:
    if (udp)
        udp_free(udp);
    return status;
}

void udp_close(struct udp *udp)
{
    if (!udp)
        return;
    if (udp->in_batch)
        udp->closing = true;
    else
        udp_free(udp);
}

struct addr udp_addr(const struct udp *udp)
{
    return udp->local;
}

void udp_send(struct udp *udp, const struct udp_peer *peer, const uint8_t *data, size_t n)
{
    struct sockaddr_storage to;
    union pktinfo info;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = n}; /* sendmsg() does not write to it */
    struct msghdr head = {.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1};
    head.msg_namelen = addr_to_sockaddr(&peer->remote, &to);
    if (to.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&to)->sin6_scope_id = peer->scope_id;
    if (udp->wildcard)
        set_source(&head, &info, &peer->local);
    ssize_t sent;
    do
        sent = sendmsg(udp->fd, &head, 0);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        udp->counters.unsent++;
}

const struct udp_counters *udp_counters(const struct udp *udp)
{
    return &udp->counters;
}
