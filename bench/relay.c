/* The floor for a tunnel: moves what it receives on each connection to another port by splice(2), and does nothing
 * else. Two sockets at a time, no back-pressure but the sockets' own. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

static int ends[2]; /* of the pipe */

static struct sockaddr_in at(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    return address;
}

static long move(int from, int to)
{
    long got = splice(from, NULL, ends[1], NULL, PIPE_BYTES, SPLICE_F_MOVE), left = got;
    while (left > 0) {
        long sent = splice(ends[0], NULL, to, NULL, (size_t)left, SPLICE_F_MOVE);
        if (sent <= 0)
            exit(1);
        left -= sent;
    }
    return got;
}

static void relay(int client, int origin)
{
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = origin, .events = POLLIN}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        poll(fds, 2, -1);
        for (int i = 0; i < 2; i++) {
            int to = i ? client : origin;
            if (fds[i].revents && move(fds[i].fd, to) <= 0) {
                shutdown(to, SHUT_WR);
                fds[i].fd = -1;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in here, there;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (argc != 3)
        return 2;
    here = at(argv[1]);
    there = at(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (pipe(ends) != 0 || fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) < 0 ||
        bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 16) != 0) {
        perror("relay");
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL), origin = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(origin, (struct sockaddr *)&there, sizeof there) == 0)
            relay(client, origin);
        close(client);
        close(origin);
    }
}
