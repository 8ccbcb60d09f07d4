/* Over real sockets: a thread answers, since http_ask() waits. */
#include "net/http_ask.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/socket.h"

struct server {
    int fd;
    struct addr addr;
    const char *answer; /* NULL: takes the connection and says nothing */
    size_t answer_length;
    char request[512];
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct server *server = arg;
    int fd = accept(server->fd, NULL, NULL);
    size_t got = 0;
    while (fd >= 0 && got < sizeof server->request - 1 && !strstr(server->request, "\r\n\r\n")) {
        ssize_t n = recv(fd, server->request + got, sizeof server->request - 1 - got, 0);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    if (server->answer)
        (void)!send(fd, server->answer, server->answer_length, MSG_NOSIGNAL);
    else
        (void)!recv(fd, server->request, 1, 0); /* until the other end gives up */
    close(fd);
    return NULL;
}

static void start(struct server *server, const char *answer, size_t length)
{
    struct addr any = addr_v4(0x7f000001, 0);
    struct sockaddr_storage where;
    socklen_t size = addr_to_sockaddr(&any, &where);
    *server = (struct server){.answer = answer, .answer_length = length};
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&where, size), 0);
    assert_int_equal(listen(server->fd, 1), 0);
    server->addr = socket_local(server->fd);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    close(server->fd);
}

static enum status ask(const struct addr *addr, int timeout_ms, unsigned *http_status, struct buf *body,
                       struct fault *fault)
{
    return http_ask(addr, "/healthz", timeout_ms, 1000, http_status, body, fault);
}

static void an_answer_is_given_with_its_status(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbody";
    struct server server;
    struct buf body = {0};
    struct fault fault = {0};
    unsigned http_status = 0;
    start(&server, answer, sizeof answer - 1);
    struct addr wildcard = addr_v4(0, server.addr.port); /* where a server listens that listens everywhere */
    assert_int_equal(ask(&wildcard, 5000, &http_status, &body, &fault), ST_OK);
    stop(&server);
    assert_int_equal(http_status, 503);
    assert_string_equal(buf_text(&body), "body");
    assert_non_null(strstr(server.request, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"));
    buf_free(&body);
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static char large[1100] = "HTTP/1.1 200 OK\r\n\r\n";
    memset(large + strlen(large), 'x', sizeof large - strlen(large) - 1);
    const char *const answers[] = {"", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf",
                                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", large};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct server server;
        struct buf body = {0};
        struct fault fault = {0};
        unsigned http_status;
        start(&server, answers[i], strlen(answers[i]));
        assert_int_equal(ask(&server.addr, 5000, &http_status, &body, &fault), ST_INVALID);
        stop(&server);
        assert_non_null(strstr(fault.text, "/healthz: no proper answer"));
        buf_free(&body);
    }
}

static void who_says_nothing_is_not_waited_for_longer_than_that(void **state)
{
    (void)state;
    struct server server;
    struct buf body = {0};
    struct fault fault = {0};
    unsigned http_status;
    start(&server, NULL, 0);
    assert_int_equal(ask(&server.addr, 50, &http_status, &body, &fault), ST_TIMEOUT);
    stop(&server);
    assert_int_equal(body.length, 0);
}

static void nothing_that_listens_is_told(void **state)
{
    (void)state;
    struct server server;
    struct buf body = {0};
    struct fault fault = {0};
    unsigned http_status;
    start(&server, "", 0);
    (void)!ask(&server.addr, 5000, &http_status, &body, &fault);
    stop(&server);
    struct fault refused = {0};
    assert_int_equal(ask(&server.addr, 5000, &http_status, &body, &refused), ST_UNAVAILABLE);
    assert_non_null(strstr(refused.text, "127.0.0.1:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_given_with_its_status),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(who_says_nothing_is_not_waited_for_longer_than_that),
        cmocka_unit_test(nothing_that_listens_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
