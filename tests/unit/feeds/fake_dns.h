/* A DNS server on loopback, by UDP and TCP on one port, that answers as its names say: well and badly. */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "message/dns_message.h"

static struct {
    int udp, tcp;
    struct addr addr;
    pthread_t thread;
    atomic_uint asked;
    _Atomic bool stop;
} fake_dns;

static inline bool dns_asks(const struct dns_message *query, const char *name)
{
    struct dname other;
    return dname_from_text(str_of(name), &other) == ST_OK && dname_equal(&query->question.name, &other);
}

static inline void dns_add_alias(struct dns_build *build, const char *to)
{
    struct dname name;
    if (dname_from_text(str_of(to), &name) == ST_OK)
        dns_build_own_record(build, DNS_ANSWER, DNS_TYPE_CNAME, 60, name.wire, name.length);
}

static inline void dns_add_record(struct dns_build *build, const char *owner, uint16_t type, const void *rdata,
                                  size_t n)
{
    struct dname name;
    if (dname_from_text(str_of(owner), &name) == ST_OK)
        dns_build_record(build, DNS_ANSWER, &name, type, 60, rdata, n);
}

/* Bytes of the answer; 0: none. */
static inline size_t dns_answer(const uint8_t *packet, size_t n, bool tcp, uint8_t *out, size_t size)
{
    static const uint8_t here[] = {127, 0, 0, 1}, nowhere[4], six[16] = {[15] = 1};
    struct dns_message query;
    if (dns_query_parse(packet, n, &query) != ST_OK || dns_asks(&query, "silent.test"))
        return 0;
    unsigned rcode = dns_asks(&query, "gone.test")      ? DNS_RCODE_NXDOMAIN
                     : dns_asks(&query, "failing.test") ? DNS_RCODE_SERVFAIL
                                                        : DNS_RCODE_NOERROR;
    struct dns_build build = dns_build_response(out, size, &query, rcode);
    bool a = query.question.type == DNS_TYPE_A;
    if (dns_asks(&query, "big.test") && !tcp)
        build.header.flags |= DNS_FLAG_TC;
    else if (a && (dns_asks(&query, "feed.test") || dns_asks(&query, "other.test") || dns_asks(&query, "big.test") ||
                   dns_asks(&query, "xn--bcher-kva.test")))
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 60, here, sizeof here);
    else if (a && dns_asks(&query, "blocked.test"))
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 60, nowhere, sizeof nowhere);
    else if (!a && dns_asks(&query, "six.test"))
        dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_AAAA, 60, six, sizeof six);
    else if (a && dns_asks(&query, "alias.test")) {
        dns_add_record(&build, "last.test", DNS_TYPE_A, here, sizeof here);
        dns_add_record(&build, "unrelated.test", DNS_TYPE_A, (uint8_t[]){192, 0, 2, 9}, 4);
        dns_add_record(&build, "next.test", DNS_TYPE_CNAME, "\4last\4test", 11);
        dns_add_alias(&build, "next.test");
    } else if (a && dns_asks(&query, "loop.test"))
        dns_add_alias(&build, "loop.test");
    return dns_build_finish(&build);
}

static inline void dns_serve_udp(void)
{
    uint8_t packet[1500], out[4096];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fake_dns.udp, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
    if (n <= 0)
        return;
    atomic_fetch_add(&fake_dns.asked, 1);
    size_t length = dns_answer(packet, (size_t)n, false, out, sizeof out);
    if (!length)
        return;
    out[0] ^= 1; /* somebody guesses first: another id */
    sendto(fake_dns.udp, out, length, 0, (struct sockaddr *)&from, size);
    sendto(fake_dns.udp, "nonsense", 8, 0, (struct sockaddr *)&from, size);
    out[0] ^= 1;
    sendto(fake_dns.udp, out, length, 0, (struct sockaddr *)&from, size);
}

static inline void dns_serve_tcp(void)
{
    uint8_t packet[1500], out[2 + 4096];
    int fd = accept(fake_dns.tcp, NULL, NULL);
    ssize_t n = recv(fd, packet, sizeof packet, 0);
    size_t length = n > 2 ? dns_answer(packet + 2, (size_t)n - 2, true, out + 2, sizeof out - 2) : 0;
    out[0] = (uint8_t)(length >> 8);
    out[1] = (uint8_t)length;
    if (length) { /* in two pieces */
        send(fd, out, 5, MSG_NOSIGNAL);
        usleep(10000);
        send(fd, out + 5, length - 3, MSG_NOSIGNAL);
    }
    close(fd);
}

static inline void *dns_serve(void *user)
{
    struct pollfd fds[2] = {{.fd = fake_dns.udp, .events = POLLIN}, {.fd = fake_dns.tcp, .events = POLLIN}};
    (void)user;
    while (!atomic_load(&fake_dns.stop)) {
        if (poll(fds, 2, 50) <= 0)
            continue;
        if (fds[0].revents)
            dns_serve_udp();
        if (fds[1].revents)
            dns_serve_tcp();
    }
    return NULL;
}

static inline int fake_dns_start(void)
{
    for (unsigned tries = 0; tries < 20; tries++) { /* the TCP port of the same number may be someone else's */
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof at;
        fake_dns.udp = socket(AF_INET, SOCK_DGRAM, 0);
        fake_dns.tcp = socket(AF_INET, SOCK_STREAM, 0);
        if (!bind(fake_dns.udp, (struct sockaddr *)&at, n) && !getsockname(fake_dns.udp, (struct sockaddr *)&at, &n) &&
            !bind(fake_dns.tcp, (struct sockaddr *)&at, n) && !listen(fake_dns.tcp, 4)) {
            addr_from_sockaddr((struct sockaddr *)&at, &fake_dns.addr);
            return pthread_create(&fake_dns.thread, NULL, dns_serve, NULL);
        }
        close(fake_dns.udp);
        close(fake_dns.tcp);
    }
    return -1;
}

static inline int fake_dns_stop(void)
{
    atomic_store(&fake_dns.stop, true);
    pthread_join(fake_dns.thread, NULL);
    close(fake_dns.udp);
    close(fake_dns.tcp);
    return 0;
}
