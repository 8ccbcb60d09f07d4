#include "net/original_dst.h"

/* Before the kernel's own, which then leave out what it has. */
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "net/socket.h"

/* Asked of the connection tracking, which knows the destination also of connections that it left as they were. */
enum status original_dst_find(int fd, struct addr *addr)
{
    struct sockaddr_storage sa = {0};
    socklen_t length = sizeof sa;
    bool found = getsockopt(fd, IPPROTO_IP, SO_ORIGINAL_DST, &sa, &length) == 0;
    if (!found) {
        length = sizeof sa;
        found = getsockopt(fd, IPPROTO_IPV6, IP6T_SO_ORIGINAL_DST, &sa, &length) == 0;
    }
    if (!found || !addr_from_sockaddr((const struct sockaddr *)&sa, addr))
        return ST_NOT_FOUND;
    struct addr local = socket_local(fd);
    return addr_same_ip(addr, &local) && addr->port == local.port ? ST_NOT_FOUND : ST_OK;
}
