/* A web server on loopback that behaves as its paths say: well and badly. One request per connection, a thread each. */
#pragma once

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_uint requests, version; /* version: of what /feed serves */
    _Atomic bool stop;
    pthread_mutex_t lock; /* of what follows */
    const char *body;     /* of what /body serves */
    size_t body_bytes;
    char last_request[2048];
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Each thread has its own. */
struct request {
    int fd;
    char text[sizeof server.last_request];
};

/* The N bytes at BODY are what /body serves from now on. Changed in place: between server_hold() and server_let_go().
 */
static inline void server_serve(const char *body, size_t n)
{
    pthread_mutex_lock(&server.lock);
    server.body = body;
    server.body_bytes = n;
    pthread_mutex_unlock(&server.lock);
}

static inline void server_hold(void)
{
    pthread_mutex_lock(&server.lock);
}

static inline void server_let_go(void)
{
    pthread_mutex_unlock(&server.lock);
}

/* What was asked last, valid until the next call. */
static inline const char *server_last_request(void)
{
    static char text[sizeof server.last_request];
    pthread_mutex_lock(&server.lock);
    memcpy(text, server.last_request, sizeof text);
    pthread_mutex_unlock(&server.lock);
    return text;
}

static inline void say(int fd, const char *text)
{
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static inline void say_feed(const struct request *request)
{
    int fd = request->fd;
    unsigned version = atomic_load(&server.version);
    char etag[64], text[512], body[128];
    snprintf(etag, sizeof etag, "If-None-Match: \"v%u\"\r\n", version);
    if (strstr(request->text, etag)) {
        say(fd, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
        return;
    }
    snprintf(body, sizeof body, "version%u.example\nevil.example\n", version);
    snprintf(text, sizeof text,
             "HTTP/1.1 200 OK\r\nETag: \"v%u\"\r\nLast-Modified: Sun, 22 Nov 2026 00:00:0%u GMT\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
             version, version % 10, strlen(body), body);
    say(fd, text);
}

/* Sends what is not enough, or never ends, until the client goes away. */
static inline void drip(int fd, size_t chunk, useconds_t pause_us)
{
    char data[65536];
    memset(data, '#', sizeof data);
    say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while (!atomic_load(&server.stop) && send(fd, data, chunk, MSG_NOSIGNAL) > 0)
        usleep(pause_us);
}

static inline bool asks_for(const struct request *request, const char *path)
{
    size_t n = strlen(path);
    return !strncmp(request->text, "GET ", 4) && !strncmp(request->text + 4, path, n) && request->text[4 + n] == ' ';
}

static inline bool starts_with(const struct request *request, const char *path)
{
    return !strncmp(request->text, "GET ", 4) && !strncmp(request->text + 4, path, strlen(path));
}

/* To PATH, up to the blank, at HOST and this port, or on this server. */
static inline void say_redirect(int fd, const char *host, const char *path)
{
    char text[1024], place[300] = "";
    if (host)
        snprintf(place, sizeof place, "http://%s:%u", host, server.port);
    snprintf(text, sizeof text, "HTTP/1.1 301 Moved\r\nLocation: %s%.*s\r\nContent-Length: 0\r\n\r\n", place,
             (int)strcspn(path, " "), path);
    say(fd, text);
}

static inline void say_body(int fd)
{
    char head[128];
    pthread_mutex_lock(&server.lock);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             server.body_bytes);
    say(fd, head);
    for (size_t done = 0; done < server.body_bytes;) {
        ssize_t n = send(fd, server.body + done, server.body_bytes - done, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    pthread_mutex_unlock(&server.lock);
}

/* Wants a key in any of the ways. */
static inline void say_locked(const struct request *request)
{
    static const char *const keys[] = {"\r\nX-Key: s3cret\r\n", "\r\nAuthorization: Bearer s3cret\r\n",
                                       "\r\nAuthorization: Basic dXNlcjpzM2NyZXQ=\r\n"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strstr(request->text, keys[i])) {
            say(request->fd, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nevil.example\n");
            return;
        }
    say(request->fd, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
}

static inline void *serve_one(void *user)
{
    struct request *request = user;
    int fd = request->fd;
    char ignored[256];
    if (asks_for(request, "/feed"))
        say_feed(request);
    else if (asks_for(request, "/404"))
        say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\n\r\n404: Not Found");
    else if (asks_for(request, "/500"))
        say(fd, "HTTP/1.1 500 Oops\r\nContent-Length: 13\r\n\r\nevil.example\n");
    else if (asks_for(request, "/206"))
        say(fd, "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-12/99\r\nContent-Length: 13\r\n\r\nevil.example\n");
    else if (asks_for(request, "/304"))
        say(fd, "HTTP/1.1 304 Not Modified\r\n\r\n");
    else if (asks_for(request, "/loop"))
        say(fd, "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/there"))
        say(fd, "HTTP/1.1 302 Found\r\nETag: \"of-the-redirect\"\r\nLocation: /feed\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/to-file"))
        say(fd, "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/to-ftp"))
        say(fd, "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/hang"))
        recv(fd, ignored, sizeof ignored, 0);
    else if (asks_for(request, "/drip"))
        drip(fd, 1, 20000);
    else if (asks_for(request, "/endless"))
        drip(fd, 65536, 0);
    else if (asks_for(request, "/short"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nevil.example\n");
    else if (asks_for(request, "/short-chunked"))
        say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nevil.example\n\r\n");
    else if (asks_for(request, "/html"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n\r\n<html>please sign in</html>");
    else if (asks_for(request, "/empty"))
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else if (starts_with(request, "/body"))
        say_body(fd);
    else if (asks_for(request, "/page"))
        say(fd,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 13\r\n\r\nevil.example\n");
    else if (asks_for(request, "/busy"))
        say(fd, "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/busy-for-years"))
        say(fd, "HTTP/1.1 429 Busy\r\nRetry-After: Sun, 01 Jan 2090 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/busy-nonsense"))
        say(fd, "HTTP/1.1 429 Busy\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/error-with-retry"))
        say(fd, "HTTP/1.1 500 Oops\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n");
    else if (asks_for(request, "/locked"))
        say_locked(request);
    else if (starts_with(request, "/echo"))
        say_redirect(fd, "other.test", request->text + 4 + strlen("/echo"));
    else if (asks_for(request, "/elsewhere"))
        say_redirect(fd, "other.test", "/locked ");
    else if (asks_for(request, "/moved"))
        say_redirect(fd, NULL, "/locked ");
    else if (asks_for(request, "/garbage"))
        say(fd, "this is no HTTP\r\n\r\n");
    shutdown(fd, SHUT_WR);
    while (recv(fd, ignored, sizeof ignored, 0) > 0)
        ;
    close(fd);
    free(request);
    return NULL;
}

static inline void *serve(void *user)
{
    (void)user;
    for (;;) {
        int fd = accept(server.fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        struct request *request = malloc(sizeof *request);
        if (!request)
            abort();
        request->fd = fd;
        ssize_t n = recv(fd, request->text, sizeof request->text - 1, 0);
        request->text[n > 0 ? n : 0] = '\0';
        pthread_mutex_lock(&server.lock);
        memcpy(server.last_request, request->text, sizeof request->text);
        pthread_mutex_unlock(&server.lock);
        atomic_fetch_add(&server.requests, 1);
        bool long_lived = asks_for(request, "/hang") || asks_for(request, "/drip") || asks_for(request, "/endless");
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_one, request))
            abort();
        if (long_lived)
            pthread_detach(thread);
        else
            pthread_join(thread, NULL);
    }
}

static inline int server_start(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    atomic_store(&server.version, 1);
    if (bind(server.fd, (struct sockaddr *)&at, n) || listen(server.fd, 16) ||
        getsockname(server.fd, (struct sockaddr *)&at, &n))
        return -1;
    server.port = ntohs(at.sin_port);
    return pthread_create(&server.thread, NULL, serve, NULL);
}

static inline int server_stop(void **state)
{
    (void)state;
    atomic_store(&server.stop, true);
    shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.fd);
    return 0;
}

static inline const char *server_url(const char *path)
{
    static char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", server.port, path);
    return url;
}
