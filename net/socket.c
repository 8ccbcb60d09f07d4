#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/port_holder.h"

static bool set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static enum status bind_fault(const struct addr *addr, int sock_type, struct fault *fault)
{
    int error = errno;
    char text[ADDR_TEXT_SIZE], holder[PORT_HOLDER_TEXT_SIZE];
    addr_format(addr, text);
    if (error == EADDRINUSE)
        return port_holder_find(addr, sock_type, holder) ? fault_set(fault, ST_BUSY, "%s is in use by %s", text, holder)
                                                         : fault_set(fault, ST_BUSY, "%s is in use", text);
    errno = error;
    return fault_errno(fault, socket_status(error), "cannot bind %s", text);
}

enum status socket_bind(const struct addr *addr, int sock_type, bool reuse_port, int *out, struct fault *fault)
{
    struct sockaddr_storage sa;
    socklen_t sa_length = addr_to_sockaddr(addr, &sa);
    bool v6 = sa.ss_family == AF_INET6;
    enum status status = ST_OK;
    int fd = socket(sa.ss_family, sock_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* SO_REUSEADDR lets a TCP port be bound while old connections are in TIME_WAIT; for UDP it would let two servers
     * share the port. */
    bool ready = fd >= 0 && (!v6 || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
                 (sock_type != SOCK_STREAM || set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)) &&
                 (!reuse_port || set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    if (!ready)
        status = fault_errno(fault, socket_status(errno), "cannot make a socket");
    else if (bind(fd, (struct sockaddr *)&sa, sa_length) != 0)
        status = bind_fault(addr, sock_type, fault);
    if (status == ST_OK)
        *out = fd;
    else if (fd >= 0)
        close(fd);
    return status;
}

void socket_turn_away_own(int fd, const struct buf *answer)
{
    char scratch[4096];
    if (recv(fd, scratch, sizeof scratch, MSG_DONTWAIT) != 0 && !answer->failed)
        (void)!send(fd, answer->data, answer->length, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
}

static struct addr name_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage sa;
    socklen_t length = sizeof sa;
    struct addr addr = {0};
    if (ask(fd, (struct sockaddr *)&sa, &length) != 0 || !addr_from_sockaddr((struct sockaddr *)&sa, &addr))
        return (struct addr){0};
    return addr;
}

struct addr socket_local(int fd)
{
    return name_of(fd, getsockname);
}

struct addr socket_peer(int fd)
{
    return name_of(fd, getpeername);
}

struct addr socket_local_towards(const struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && connect(fd, (struct sockaddr *)&sa, length) == 0;
    struct addr local = known ? socket_local(fd) : (struct addr){0};
    if (fd >= 0)
        close(fd);
    return local;
}

enum status socket_status(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return ST_UNAVAILABLE;
    case ETIMEDOUT:
        return ST_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return ST_CLOSED;
    case EACCES:
    case EPERM:
        return ST_DENIED;
    default:
        return socket_is_starved(error) ? ST_NOMEM : ST_IO;
    }
}

bool socket_would_block(int error)
{
    return error == EAGAIN || error == EINTR;
}

bool socket_is_starved(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}
