/* Over real sockets on loopback, in one thread: every wait turns the loop. Policy, recorder and incidents are doubles.
 */
#include "blockpage/page_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cursor.h"

enum { WAIT_MS = 20000 };

static struct subject asked; /* the last one */
static char asked_host[256], asked_path[256], asked_name[DNAME_TEXT_SIZE];
static enum action action_of_bad; /* for bad.example */
static struct callback recorded;
static unsigned recorded_count;
static uint32_t seen_before;

void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict)
{
    (void)reader;
    asked = *subject;
    text_copy(asked_host, sizeof asked_host, subject->host);
    text_copy(asked_path, sizeof asked_path, subject->path);
    asked_name[0] = '\0';
    if (subject->kind == SUBJECT_NAME)
        dname_to_text(subject->name, asked_name);
    *verdict = (struct verdict){.action = ACTION_ALLOW};
    if (strcmp(asked_host, "bad.example") && strcmp(asked_name, "bad.example"))
        return;
    *verdict = (struct verdict){.action = action_of_bad,
                                .matched = true,
                                .kind = strstr(asked_path, "/url") ? INDICATOR_URL : INDICATOR_NAME,
                                .category = CATEGORY_C2,
                                .indicator = "bad.example",
                                .sources = "feed"};
}

void recorder_record(struct recorder *recorder, const struct callback *callback)
{
    (void)recorder;
    recorded = *callback;
    recorded_count++;
}

void incidents_look(const struct incidents *incidents, const struct addr *client, const struct verdict *verdict,
                    struct incident_view *view)
{
    (void)incidents, (void)client, (void)verdict;
    *view = (struct incident_view){.id = "CC-7F3A91B2", .callbacks = seen_before, .first_ms = 1};
}

struct fixture {
    struct loop *loop;
    struct judge judge;
    struct page_server *server;
    struct addr http, tls;
    int fd; /* the client's socket */
    struct buf got;
    bool eof;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    action_of_bad = ACTION_BLOCK;
    recorded_count = 0;
    seen_before = 0;
    memset(&asked, 0, sizeof asked);
    f->fd = -1;
    f->loop = loop_new();
    assert_non_null(f->loop);
    struct addr any = addr_v4(0x7f000001, 0);
    char contact[] = "help@school.example";
    struct page_server_settings settings = {
        .listen = &any, .listen_count = 1, .tls_listen = &any, .tls_listen_count = 1, .contact = contact};
    struct fault fault = {0};
    assert_int_equal(page_server_open(f->loop, &settings, &f->judge, &f->server, &fault), ST_OK);
    memset(contact, 'x', sizeof contact - 1); /* it was copied */
    f->http = page_server_addr(f->server, 0);
    f->tls = page_server_tls_addr(f->server, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->fd >= 0)
        close(f->fd);
    page_server_close(f->server);
    loop_free(f->loop);
    buf_free(&f->got);
    free(f);
    return 0;
}

static int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void turn(struct fixture *f)
{
    char chunk[4096];
    loop_run_once(f->loop, false);
    ssize_t n = recv(f->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n > 0)
        buf_add(&f->got, chunk, (size_t)n);
    else if (n == 0)
        f->eof = true;
    else
        usleep(1000);
}

static void connect_to(struct fixture *f, const struct addr *addr)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(addr, &sa);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->fd >= 0);
    assert_int_equal(connect(f->fd, (struct sockaddr *)&sa, length), 0);
    buf_clear(&f->got);
    f->eof = false;
}

static void say(struct fixture *f, const void *data, size_t n)
{
    assert_int_equal(send(f->fd, data, n, MSG_NOSIGNAL), n);
}

static void wait_for_eof(struct fixture *f, int64_t ms)
{
    int64_t end = real_ms() + ms;
    while (!f->eof && real_ms() < end)
        turn(f);
    if (!f->eof)
        fail_msg("still open after: %s", buf_text(&f->got));
}

static bool has(struct fixture *f, const char *text)
{
    return strstr(buf_text(&f->got), text) != NULL;
}

static void wait_for(struct fixture *f, const char *text)
{
    int64_t end = real_ms() + WAIT_MS;
    while (!has(f, text) && real_ms() < end)
        turn(f);
    if (!has(f, text))
        fail_msg("\"%s\" did not come: %s", text, buf_text(&f->got));
}

static void ask(struct fixture *f, const char *request)
{
    connect_to(f, &f->http);
    say(f, request, strlen(request));
}

static void a_blocked_host_gets_the_page_and_is_recorded(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET /x?q=1 HTTP/1.1\r\nHost: bad.example:8080\r\nAccept: text/html\r\n\r\n");
    wait_for(f, "</html>");
    assert_true(has(f, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(has(f, "hxxp://bad[.]example:8080/x<"));
    assert_true(has(f, "CC-7F3A91B2"));
    assert_true(has(f, "help@school.example"));
    assert_true(has(f, "127.0.0.1"));
    assert_int_equal(asked.kind, SUBJECT_URL);
    assert_int_equal(asked.port, 8080);
    assert_string_equal(asked_path, "/x?q=1");
    assert_true(addr_is_loopback(&asked.client));
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded.channel, CHANNEL_PAGE);
    assert_int_equal(recorded.match, MATCH_HOST);
    assert_int_equal(recorded.status, 403);
    assert_int_equal(recorded.count, 1);
    assert_string_equal(recorded.subject, "http://bad.example:8080/x?q=1");
    assert_string_equal(recorded.method, "GET");
    assert_true(recorded.client.port != 0);
    assert_int_equal(recorded.local.port, f->http.port);
    assert_string_equal(recorded.verdict.indicator, "bad.example");
}

static void the_port_is_80_when_none_is_named(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET /url HTTP/1.1\r\nHost: bad.example\r\n\r\n");
    wait_for(f, "</html>");
    assert_int_equal(asked.port, 80);
    assert_int_equal(recorded.match, MATCH_URL);
    assert_string_equal(recorded.subject, "http://bad.example/url");
}

static void a_client_seen_before_is_told_so(void **state)
{
    struct fixture *f = *state;
    seen_before = 2;
    ask(f, "GET / HTTP/1.1\r\nHost: bad.example\r\nAccept: text/html\r\n\r\n");
    wait_for(f, "</html>");
    assert_true(has(f, "has tried before"));
}

static void what_is_not_blocked_gets_404_and_no_record(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET / HTTP/1.1\r\nHost: good.example\r\nAccept: text/plain\r\n\r\n");
    wait_for(f, "nothing is blocked under this name");
    assert_true(has(f, "HTTP/1.1 404 "));
    ask(f, "GET / HTTP/1.0\r\n\r\n"); /* no Host at all */
    wait_for_eof(f, WAIT_MS);
    assert_true(has(f, "HTTP/1.1 404 "));
    assert_int_equal(recorded_count, 0);
}

static void what_is_only_logged_is_recorded_and_not_blocked(void **state)
{
    struct fixture *f = *state;
    action_of_bad = ACTION_LOG;
    ask(f, "GET / HTTP/1.1\r\nHost: bad.example\r\nAccept: text/plain\r\n\r\n");
    wait_for(f, "nothing is blocked under this name");
    assert_true(has(f, "HTTP/1.1 404 "));
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded.status, 404);
    assert_int_equal(recorded.verdict.action, ACTION_LOG);
}

static void two_requests_share_a_connection(void **state)
{
    struct fixture *f = *state;
    ask(f, "HEAD /1 HTTP/1.1\r\nHost: bad.example\r\nAccept: text/html\r\n\r\n"
           "GET /2 HTTP/1.1\r\nHost: bad.example\r\nAccept: image/png\r\nConnection: close\r\n\r\n");
    wait_for_eof(f, WAIT_MS);
    assert_false(has(f, "<html"));
    assert_true(has(f, "Content-Length: 0\r\n"));
    assert_int_equal(recorded_count, 2);
}

static void a_post_is_answered_and_its_body_thrown_away(void **state)
{
    struct fixture *f = *state;
    ask(f, "POST /gate HTTP/1.1\r\nHost: bad.example\r\nContent-Length: 6\r\nConnection: close\r\n\r\nstolen");
    wait_for_eof(f, WAIT_MS);
    assert_true(has(f, "HTTP/1.1 403 "));
    assert_string_equal(recorded.method, "POST");
}

/* A ClientHello as RFC 8446 section 4.1.2 has it, with SNI unless it is NULL. */
static size_t build_hello(const char *sni, uint8_t *out, size_t size)
{
    struct wire wire = wire_into(out, size);
    size_t name = sni ? strlen(sni) : 0, extension = sni ? name + 9 : 0;
    static const uint8_t random_bytes[32];
    size_t body = 2 + 32 + 1 + 4 + 2 + 2 + extension;
    wire_u8(&wire, 22);
    wire_u16(&wire, 0x0301);
    wire_u16(&wire, (uint16_t)(body + 4));
    wire_u8(&wire, 1);
    wire_u8(&wire, 0);
    wire_u16(&wire, (uint16_t)body);
    wire_u16(&wire, 0x0303);
    wire_bytes(&wire, random_bytes, sizeof random_bytes);
    wire_u8(&wire, 0);
    wire_u16(&wire, 2);
    wire_u16(&wire, 0x1301);
    wire_u16(&wire, 0x0100);
    wire_u16(&wire, (uint16_t)extension);
    if (sni) {
        wire_u16(&wire, 0);
        wire_u16(&wire, (uint16_t)(name + 5));
        wire_u16(&wire, (uint16_t)(name + 3));
        wire_u8(&wire, 0);
        wire_u16(&wire, (uint16_t)name);
        wire_bytes(&wire, sni, name);
    }
    assert_false(wire.failed);
    return wire_length(&wire);
}

static void assert_alert(struct fixture *f, uint8_t description)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, description};
    wait_for_eof(f, WAIT_MS);
    assert_int_equal(f->got.length, sizeof record);
    assert_memory_equal(f->got.data, record, sizeof record);
}

static void assert_hello_gets(struct fixture *f, const char *sni, uint8_t description)
{
    uint8_t hello[512];
    connect_to(f, &f->tls);
    say(f, hello, build_hello(sni, hello, sizeof hello));
    assert_alert(f, description);
}

static void tls_for_a_blocked_name_is_denied_and_recorded(void **state)
{
    struct fixture *f = *state;
    assert_hello_gets(f, "bad.example", 49);
    assert_int_equal(asked.kind, SUBJECT_NAME);
    assert_true(addr_is_loopback(&asked.client));
    assert_int_equal(recorded_count, 1);
    assert_int_equal(recorded.channel, CHANNEL_TLS);
    assert_int_equal(recorded.match, MATCH_SNI);
    assert_string_equal(recorded.subject, "bad.example");
    assert_int_equal(recorded.local.port, f->tls.port);
}

static void tls_for_another_name_or_none_is_not_recognised(void **state)
{
    struct fixture *f = *state;
    assert_hello_gets(f, "good.example", 112);
    assert_hello_gets(f, NULL, 112);
    assert_hello_gets(f, "..", 112); /* no name at all */
    assert_int_equal(recorded_count, 0);
    action_of_bad = ACTION_LOG;
    assert_hello_gets(f, "bad.example", 112);
    assert_int_equal(recorded_count, 1);
}

static void a_hello_in_pieces_is_put_together(void **state)
{
    struct fixture *f = *state;
    uint8_t hello[512];
    size_t n = build_hello("bad.example", hello, sizeof hello);
    connect_to(f, &f->tls);
    for (size_t i = 0; i < n; i++) {
        say(f, hello + i, 1);
        turn(f);
    }
    assert_alert(f, 49);
    assert_int_equal(recorded_count, 1);
}

static void what_is_no_tls_gets_a_decode_error(void **state)
{
    struct fixture *f = *state;
    connect_to(f, &f->tls);
    say(f, "GET / HTTP/1.1\r\n", 16);
    assert_alert(f, 50);
}

static void a_client_that_leaves_early_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t hello[512];
    size_t n = build_hello("bad.example", hello, sizeof hello);
    connect_to(f, &f->tls);
    say(f, hello, n / 2);
    for (int i = 0; i < 20; i++)
        turn(f);
    shutdown(f->fd, SHUT_WR);
    wait_for_eof(f, WAIT_MS);
    assert_int_equal(f->got.length, 0);
    assert_int_equal(recorded_count, 0);
    connect_to(f, &f->tls); /* still there at tear_down */
    say(f, hello, n / 2);
    for (int i = 0; i < 20; i++)
        turn(f);
}

static void a_silent_client_is_closed_after_five_seconds(void **state)
{
    struct fixture *f = *state;
    int64_t start = real_ms();
    connect_to(f, &f->tls);
    wait_for_eof(f, 8000);
    assert_in_range(real_ms() - start, 4500, 7000);
    assert_int_equal(f->got.length, 0);
}

static void a_port_in_use_is_told(void **state)
{
    struct fixture *f = *state;
    struct addr taken = addr_v4(0x7f000001, 0);
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(&taken, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, length), 0); /* without SO_REUSEPORT */
    assert_int_equal(listen(fd, 1), 0);
    length = sizeof sa;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &length), 0);
    assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &taken));
    struct addr free_one = addr_v4(0x7f000001, 0);
    struct page_server_settings settings = {
        .listen = &free_one, .listen_count = 1, .tls_listen = &taken, .tls_listen_count = 1};
    struct page_server *server = NULL;
    struct fault fault = {0};
    assert_int_equal(page_server_open(f->loop, &settings, &f->judge, &server, &fault), ST_BUSY);
    assert_null(server);
    assert_true(fault.text[0]);
    close(fd);
}

int main(void)
{
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SERVER_TEST(a_blocked_host_gets_the_page_and_is_recorded),
        SERVER_TEST(the_port_is_80_when_none_is_named),
        SERVER_TEST(a_client_seen_before_is_told_so),
        SERVER_TEST(what_is_not_blocked_gets_404_and_no_record),
        SERVER_TEST(what_is_only_logged_is_recorded_and_not_blocked),
        SERVER_TEST(two_requests_share_a_connection),
        SERVER_TEST(a_post_is_answered_and_its_body_thrown_away),
        SERVER_TEST(tls_for_a_blocked_name_is_denied_and_recorded),
        SERVER_TEST(tls_for_another_name_or_none_is_not_recognised),
        SERVER_TEST(a_hello_in_pieces_is_put_together),
        SERVER_TEST(what_is_no_tls_gets_a_decode_error),
        SERVER_TEST(a_client_that_leaves_early_leaves_nothing),
        SERVER_TEST(a_silent_client_is_closed_after_five_seconds),
        SERVER_TEST(a_port_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
