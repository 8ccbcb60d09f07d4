/* A web server on loopback for feeds in parts: a test answers each request itself and sees afterwards what was asked.
 */
#pragma once

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

struct part_reply {
    int status;
    const char *type, *header; /* header: a line more, or NULL */
    struct buf body;
};

static struct {
    int fd;
    unsigned port;
    pthread_t thread;
    void (*answer)(const char *path, struct part_reply *reply); /* set between two fetches */
    struct buf asked;                                           /* the paths, a line each, since it was cleared */
    char last_request[4096];
} part_server;

/* Reads a request's head. False: the client has gone. */
static inline bool part_request(int fd, char *text, size_t size)
{
    size_t n = 0;
    for (text[0] = '\0'; !strstr(text, "\r\n\r\n");) {
        ssize_t got = n + 1 < size ? recv(fd, text + n, size - 1 - n, 0) : -1;
        if (got <= 0)
            return false;
        n += (size_t)got;
        text[n] = '\0';
    }
    return true;
}

static inline void part_answer(int fd)
{
    char text[sizeof part_server.last_request], path[2048];
    struct part_reply reply = {.status = 200, .type = "application/json"};
    struct buf out = {0};
    if (!part_request(fd, text, sizeof text) || sscanf(text, "GET %2047s", path) != 1)
        return;
    memcpy(part_server.last_request, text, sizeof text);
    buf_printf(&part_server.asked, "%s\n", path);
    part_server.answer(path, &reply);
    buf_printf(&out, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s%s\r\n",
               reply.status, reply.type, reply.status == 304 ? 0 : reply.body.length, reply.header ? reply.header : "",
               reply.header ? "\r\n" : "");
    if (reply.status != 304)
        buf_add(&out, reply.body.data, reply.body.length);
    for (size_t done = 0; done < out.length;) {
        ssize_t n = send(fd, out.data + done, out.length - done, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    buf_free(&out);
    buf_free(&reply.body);
}

static inline void *part_serve(void *user)
{
    (void)user;
    for (;;) {
        int fd = accept(part_server.fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        part_answer(fd);
        close(fd);
    }
}

static inline bool part_server_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    part_server.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(part_server.fd, (struct sockaddr *)&at, n) || listen(part_server.fd, 16) ||
        getsockname(part_server.fd, (struct sockaddr *)&at, &n))
        return false;
    part_server.port = ntohs(at.sin_port);
    return !pthread_create(&part_server.thread, NULL, part_serve, NULL);
}

static inline void part_server_stop(void)
{
    shutdown(part_server.fd, SHUT_RDWR);
    pthread_join(part_server.thread, NULL);
    close(part_server.fd);
    buf_free(&part_server.asked);
}

/* What has been asked since the last call; freed by the caller. */
static inline char *part_asked(void)
{
    char *asked = strdup(buf_text(&part_server.asked));
    buf_clear(&part_server.asked);
    return asked;
}
