#include "net/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/socket.h"

enum { BACKLOG = 16 };

typedef int use_fn(int fd, const struct sockaddr *address, socklen_t length);

/* Binds or connects FD. By way of /proc, since a path has no room in an address beyond 107 bytes. 0, or -1 and errno.
 */
static int use_path(int fd, const char *dir, const char *name, use_fn *use)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, name);
    int result = n < (int)sizeof address.sun_path ? use(fd, (const struct sockaddr *)&address, sizeof address) : -1;
    int error = n < (int)sizeof address.sun_path ? errno : ENAMETOOLONG;
    close(folder);
    errno = error;
    return result;
}

static int make_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void local_socket_remove(const char *dir, const char *name)
{
    int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    unlinkat(folder, name, 0);
    close(folder);
}

enum status local_socket_listen(const char *dir, const char *name, int *out, struct fault *fault)
{
    local_socket_remove(dir, name);
    int fd = make_socket();
    /* The mode stands before the name does: there is no moment in which others may connect (unix(7)). */
    if (fd < 0 || fchmod(fd, 0600) || use_path(fd, dir, name, bind) || listen(fd, BACKLOG)) {
        enum status status = fault_errno(fault, socket_status(errno), "%s/%s cannot be listened at", dir, name);
        if (fd >= 0)
            close(fd);
        return status;
    }
    *out = fd;
    return ST_OK;
}

enum status local_socket_connect(const char *dir, const char *name, int *out)
{
    int fd = make_socket();
    if (fd < 0)
        return socket_status(errno);
    if (use_path(fd, dir, name, connect)) {
        enum status status = errno == ENOENT || errno == EAGAIN ? ST_UNAVAILABLE : socket_status(errno);
        close(fd);
        return status;
    }
    *out = fd;
    return ST_OK;
}
