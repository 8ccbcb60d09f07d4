/* The floor for a DNS server: takes datagrams with recvmmsg, sets QR, sends them back with sendmmsg. Several
 * at one port share it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, SIZE = 512 };

int main(int argc, char **argv)
{
    static unsigned char bytes[BATCH][SIZE];
    static struct sockaddr_in peers[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((unsigned short)(argc > 1 ? strtoul(argv[1], NULL, 10) : 5300));
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        perror("echo");
        return 1;
    }
    for (int i = 0; i < BATCH; i++)
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &peers[i], .msg_iov = &parts[i], .msg_iovlen = 1, .msg_namelen = sizeof peers[i]};
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){bytes[i], SIZE};
            messages[i].msg_hdr.msg_namelen = sizeof peers[i];
        }
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            parts[i].iov_len = messages[i].msg_len;
            bytes[i][2] |= 0x80;
        }
        for (int sent = 0; sent < n;) {
            int more = sendmmsg(fd, messages + sent, (unsigned)(n - sent), 0);
            sent += more > 0 ? more : n;
        }
    }
}
