#include "net_fixture.h"

#include <netinet/tcp.h>

#include "net/http_server.h"

/* A server whose handler answers with what it saw: "METHOD target [body]". */
struct site {
    struct loop *loop;
    struct http_server *server;
    unsigned requests;
    struct addr client, local;
    size_t big_bytes; /* of the answer to /big */
};

static void handle(void *arg, struct http_exchange *exchange)
{
    struct site *site = arg;
    struct str method = exchange->request->method, target = exchange->request->target;
    struct buf text = {0};
    site->requests++;
    site->client = exchange->client;
    site->local = exchange->local;
    if (str_eq(target, STR("/nothing")))
        return;
    if (str_eq(target, STR("/big"))) {
        char *room = buf_reserve(&text, site->big_bytes);
        memset(room, 'b', site->big_bytes);
        text.length = site->big_bytes;
    } else {
        buf_printf(&text, "%.*s %.*s [%.*s]", (int)method.length, method.data, (int)target.length, target.data,
                   (int)exchange->body.length, exchange->body.length ? exchange->body.data : "");
    }
    unsigned status = str_eq(target, STR("/304")) ? 304 : 200;
    http_response_add(exchange, status, "X-Own: yes\r\n", (struct str){text.data, text.length});
    buf_free(&text);
}

static struct site site;

static const struct http_server_settings usual = {
    .max_body_bytes = 100, .idle_ms = 60000, .head_ms = 60000, .max_connections = 3};

static void open_site(struct loop *loop, struct http_server_settings settings)
{
    struct addr addr = loopback(0);
    struct fault fault = {0};
    site = (struct site){.loop = loop};
    assert_int_equal(http_server_open(loop, &addr, &settings, handle, &site, &site.server, &fault), ST_OK);
}

static int dial(void)
{
    struct addr addr = http_server_addr(site.server);
    return plain_connected(SOCK_STREAM, &addr);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Lets the server work for a moment and reads all there is; *ENDED says whether the server closed. */
static const char *hear(int fd, bool *ended)
{
    static char text[20000];
    size_t length = 0;
    *ended = false;
    for (int quiet = 0; quiet < 15 && !*ended; quiet++) {
        loop_run_once(site.loop, false);
        usleep(1000);
        ssize_t n = recv(fd, text + length, sizeof text - 1 - length, MSG_DONTWAIT);
        *ended = n == 0;
        length += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet;
    }
    text[length] = '\0';
    return text;
}

static void expect_refused(const char *request, const char *status_line)
{
    bool ended;
    int fd = dial();
    say(fd, request);
    const char *got = hear(fd, &ended);
    assert_memory_equal(got, status_line, strlen(status_line));
    assert_non_null(strstr(got, "\r\nConnection: close\r\n"));
    assert_true(ended);
    close(fd);
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    while ((text = strstr(text, part))) {
        count++;
        text += strlen(part);
    }
    return count;
}

static void a_connection_serves_request_after_request(void **state)
{
    bool ended;
    clock_fake(5000, 784111777000); /* the example of RFC 9110 section 5.6.7 */
    open_site(*state, usual);
    int fd = dial();
    say(fd, "GET /one HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_string_equal(hear(fd, &ended), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                          "Content-Length: 11\r\nX-Own: yes\r\n\r\nGET /one []");
    assert_false(ended);
    struct addr me = plain_addr(fd), to = http_server_addr(site.server);
    assert_memory_equal(&site.client, &me, sizeof me);
    assert_memory_equal(&site.local, &to, sizeof to);
    clock_fake_advance(1000);
    say(fd, "HEAD /two HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const char *got = hear(fd, &ended);
    assert_non_null(strstr(got, "08:49:38 GMT"));
    assert_non_null(strstr(got, "Content-Length: 12\r\n"));
    assert_null(strstr(got, "HEAD /two"));
    say(fd, "GET /304 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    got = hear(fd, &ended);
    assert_null(strstr(got, "Content-Length"));
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
    assert_non_null(strstr(got, "Connection: close\r\n"));
    assert_true(ended);
    http_server_close(site.server);
    close(fd);
}

static void old_clients_are_closed_after_their_answer(void **state)
{
    bool ended;
    open_site(*state, usual);
    int fd = dial();
    say(fd, "GET /old HTTP/1.0\r\n\r\n");
    const char *got = hear(fd, &ended);
    assert_non_null(strstr(got, "Connection: close\r\n"));
    assert_non_null(strstr(got, "GET /old []"));
    assert_true(ended);
    http_server_close(site.server);
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    bool ended;
    open_site(*state, usual);
    int fd = dial();
    say(fd, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
            "GET /3 HTTP/1.1\r\nHost: a\r\n\r\nGET /4 HT");
    const char *got = hear(fd, &ended);
    const char *one = strstr(got, "GET /1 []"), *two = strstr(got, "POST /2 [hello]"), *three = strstr(got, "GET /3");
    assert_true(one && two && three && one < two && two < three);
    assert_int_equal(site.requests, 3);
    say(fd, "TP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
    got = hear(fd, &ended);
    assert_non_null(strstr(got, "GET /4 []"));
    assert_non_null(strstr(got, "HTTP/1.1 400 "));
    assert_true(ended);
    http_server_close(site.server);
    close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: t\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n";
    bool ended;
    open_site(*state, usual);
    int fd = dial();
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (size_t i = 0; i < sizeof request - 1; i++) {
        send(fd, request + i, 1, 0);
        loop_run_once(site.loop, false);
    }
    const char *got = hear(fd, &ended);
    assert_non_null(strstr(got, "POST /x [abcdefg]"));
    assert_non_null(strstr(got, "GET /y []"));
    assert_false(ended);
    http_server_close(site.server);
    close(fd);
}

static void what_breaks_a_limit_is_refused_and_closed(void **state)
{
    open_site(*state, usual);
    char *large = malloc(40000);
    int n = snprintf(large, 40000, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(large + n, 'x', 39000 - (size_t)n);
    large[39000] = '\0';
    expect_refused("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    expect_refused(large, "HTTP/1.1 431 ");
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 413 ");
    memset(large, 0, 40000);
    snprintf(large, 40000, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n%0101d", 0);
    expect_refused(large, "HTTP/1.1 413 ");
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 ");
    assert_int_equal(site.requests, 0);
    expect_refused("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 500 ");
    free(large);
    http_server_close(site.server);
}

static void a_request_whose_body_nobody_wants_is_answered_at_its_head(void **state)
{
    bool ended;
    struct http_server_settings settings = usual;
    settings.max_body_bytes = 0;
    open_site(*state, settings);
    int fd = dial();
    say(fd, "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *got = hear(fd, &ended);
    assert_non_null(strstr(got, "POST /1 []"));
    assert_non_null(strstr(got, "Connection: close\r\n"));
    assert_null(strstr(got, "GET /2"));
    assert_int_equal(site.requests, 1);
    http_server_close(site.server);
    close(fd);
}

static void a_client_that_asks_is_told_to_go_on(void **state)
{
    bool ended;
    open_site(*state, usual);
    int fd = dial();
    say(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_string_equal(hear(fd, &ended), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "ok");
    assert_non_null(strstr(hear(fd, &ended), "POST / [ok]"));
    http_server_close(site.server);
    close(fd);
}

static void a_request_that_does_not_end_times_out(void **state)
{
    bool ended;
    clock_fake(1000, 0);
    struct http_server_settings settings = usual;
    settings.head_ms = 5000;
    open_site(*state, settings);
    int idle = dial(), slow = dial(), body = dial();
    say(slow, "GET / HT");
    say(body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
    hear(slow, &ended);
    clock_fake_advance(4000);
    say(slow, "TP/1.1\r\n");
    assert_string_equal(hear(slow, &ended), "");
    clock_fake_advance(1001);
    assert_memory_equal(hear(slow, &ended), "HTTP/1.1 408 ", 13);
    assert_true(ended);
    assert_memory_equal(hear(body, &ended), "HTTP/1.1 408 ", 13);
    assert_string_equal(hear(idle, &ended), "");
    assert_false(ended);
    clock_fake_advance(60000);
    assert_string_equal(hear(idle, &ended), ""); /* an idle one is closed without a word */
    assert_true(ended);
    http_server_close(site.server);
    close(idle);
    close(slow);
    close(body);
}

static void one_connection_too_many_is_turned_away(void **state)
{
    bool ended;
    open_site(*state, usual);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = dial();
    assert_memory_equal(hear(fds[3], &ended), "HTTP/1.1 503 ", 13);
    assert_true(ended);
    close(fds[0]);
    hear(fds[1], &ended);
    int again = dial();
    say(again, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_memory_equal(hear(again, &ended), "HTTP/1.1 200 ", 13);
    http_server_close(site.server); /* with connections open */
    for (int i = 1; i < 4; i++)
        close(fds[i]);
    close(again);
}

static void a_half_closed_client_gets_all_its_answers(void **state)
{
    bool ended;
    open_site(*state, usual);
    int fd = dial();
    say(fd, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /cut HT");
    shutdown(fd, SHUT_WR);
    const char *got = hear(fd, &ended);
    assert_int_equal(count_of(got, "HTTP/1.1 200 OK"), 2);
    assert_true(ended);
    http_server_close(site.server);
    close(fd);
}

static void one_who_does_not_read_is_not_answered_further(void **state)
{
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    enum { ASKED = 100 };
    open_site(*state, usual);
    site.big_bytes = 300000;
    int fd = dial();
    for (int i = 0; i < ASKED; i++)
        say(fd, request);
    for (int i = 0; i < 200; i++)
        loop_run_once(site.loop, false);
    assert_in_range(site.requests, 1, 60); /* what the socket buffers of both ends take, and one more */
    static char block[1 << 20];
    for (int i = 0; i < 100000 && site.requests < ASKED; i++) {
        loop_run_once(site.loop, false);
        recv(fd, block, sizeof block, MSG_DONTWAIT);
    }
    assert_int_equal(site.requests, ASKED);
    http_server_close(site.server);
    close(fd);
}

static void turn(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        loop_run_once(site.loop, false);
}

/* Asks for more than the buffers of both ends take, and does not read it. */
static int ask_and_not_read(void)
{
    unsigned before = site.requests;
    int fd = dial();
    say(fd, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    turn(50);
    assert_int_equal(site.requests, before + 1);
    return fd;
}

static void those_who_never_read_count_until_they_are_gone(void **state)
{
    bool ended;
    int fds[3];
    clock_fake(1000, 0);
    open_site(*state, usual);
    site.big_bytes = 12 << 20;
    for (int i = 0; i < 3; i++)
        fds[i] = ask_and_not_read();
    int fourth = dial();
    assert_memory_equal(hear(fourth, &ended), "HTTP/1.1 503 ", 13);
    close(fourth);
    for (int i = 0; i < 3; i++) { /* at first the client's buffer may have taken something still */
        clock_fake_advance(1001);
        turn(50);
    }
    fourth = dial();
    say(fourth, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_memory_equal(hear(fourth, &ended), "HTTP/1.1 200 ", 13);
    int last = ask_and_not_read();
    http_server_close(site.server); /* with one that lingers */
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(fourth);
    close(last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_connection_serves_request_after_request),
        LOOP_TEST(old_clients_are_closed_after_their_answer),
        LOOP_TEST(pipelined_requests_are_answered_in_order),
        LOOP_TEST(a_request_may_come_byte_by_byte),
        LOOP_TEST(what_breaks_a_limit_is_refused_and_closed),
        LOOP_TEST(a_request_whose_body_nobody_wants_is_answered_at_its_head),
        LOOP_TEST(a_client_that_asks_is_told_to_go_on),
        LOOP_TEST(a_request_that_does_not_end_times_out),
        LOOP_TEST(one_connection_too_many_is_turned_away),
        LOOP_TEST(those_who_never_read_count_until_they_are_gone),
        LOOP_TEST(a_half_closed_client_gets_all_its_answers),
        LOOP_TEST(one_who_does_not_read_is_not_answered_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
