/* Over real sockets on loopback, in one thread: every wait turns the loop. */
#include "console/console.h"

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
#include "message/http_head.h"

struct fixture {
    struct loop *loop;
    struct console *console;
    struct addr addr;
    const char *health; /* JSON */
    bool healthy;
    struct buf got;
    struct http_head head;
    struct str body;
};

static bool tell_health(void *arg, struct buf *out)
{
    struct fixture *f = arg;
    buf_add_text(out, f->health);
    return f->healthy;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->loop = loop_new();
    assert_non_null(f->loop);
    f->health = "{\"state\": \"ok\"}\n";
    f->healthy = true;
    struct addr any = addr_v4(0x7f000001, 0), proxy = addr_v4(0x7f000001, 3128);
    struct console_settings settings = {.listen = &any,
                                        .listen_count = 1,
                                        .pac = {.proxies = &proxy, .proxy_count = 1},
                                        .health = tell_health,
                                        .arg = f};
    struct fault fault = {0};
    assert_int_equal(console_open(f->loop, &settings, &f->console, &fault), ST_OK);
    proxy.port = 1; /* it was copied */
    f->addr = console_addr(f->console, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    console_close(f->console);
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

/* Sends METHOD TARGET with HOST and reads until the server closes. */
static void ask(struct fixture *f, const char *method, const char *target, const char *host)
{
    struct sockaddr_storage sa;
    socklen_t length = addr_to_sockaddr(&f->addr, &sa);
    char text[1024], chunk[4096];
    int n =
        snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", method, target, host);
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, length), 0);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    buf_clear(&f->got);
    ssize_t got = -1;
    for (int64_t end = real_ms() + 4000; got && real_ms() < end;) {
        loop_run_once(f->loop, false);
        got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (got > 0)
            buf_add(&f->got, chunk, (size_t)got);
        else if (got < 0)
            usleep(1000);
    }
    assert_int_equal(got, 0);
    close(fd);
    enum http_reject reject;
    struct str data = {buf_text(&f->got), f->got.length};
    assert_int_equal(http_response_parse(data, str_of(method), &f->head, &reject), ST_OK);
    f->body = str_from(data, f->head.length);
}

static void assert_field(const struct fixture *f, const char *name, const char *expected)
{
    const struct http_field *field = http_field_find(&f->head, str_of(name));
    if (!field || !str_eq(field->value, str_of(expected)))
        fail_msg("%s: %.*s", name, field ? (int)field->value.length : 0, field ? field->value.data : "");
}

static void health_is_told_as_json(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/healthz", "127.0.0.1:8053");
    assert_int_equal(f->head.status, 200);
    assert_field(f, "Content-Type", "application/json");
    assert_field(f, "Cache-Control", "no-store");
    assert_true(str_eq(f->body, str_of(f->health)));
}

static void health_that_is_not_ok_is_503(void **state)
{
    struct fixture *f = *state;
    f->health = "{\"state\": \"degraded\"}\n";
    f->healthy = false;
    ask(f, "GET", "/healthz", "localhost");
    assert_int_equal(f->head.status, 503);
    assert_true(str_eq(f->body, str_of(f->health)));
}

static void the_pac_file_names_the_proxy(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/proxy.pac?x", "127.0.0.1");
    assert_int_equal(f->head.status, 200);
    assert_field(f, "Content-Type", "application/x-ns-proxy-autoconfig");
    assert_field(f, "Cache-Control", "max-age=60");
    assert_non_null(strstr(f->body.data, "return \"PROXY 127.0.0.1:3128\";"));
}

static void the_index_names_what_there_is(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/", "[::1]:8053");
    assert_int_equal(f->head.status, 200);
    assert_non_null(strstr(f->body.data, "/healthz"));
    assert_non_null(strstr(f->body.data, "/proxy.pac"));
    assert_non_null(strstr(f->body.data, "/setup"));
}

static void head_has_no_body(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/", "/healthz", "/proxy.pac", "/setup", "/nothing"};
    for (size_t i = 0; i < 5; i++) {
        ask(f, "HEAD", paths[i], "localhost");
        assert_int_equal(f->head.status, i == 4 ? 404 : 200);
        assert_int_equal(f->body.length, 0);
        assert_non_null(http_field_find(&f->head, STR("content-length")));
    }
}

static void other_paths_and_methods_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const missing[] = {"/nothing", "/healthz/", "/HEALTHZ", "/proxy.pac/..", "//", "/%68ealthz"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        ask(f, "GET", missing[i], "localhost");
        assert_int_equal(f->head.status, 404);
    }
    static const char *const methods[] = {"POST", "DELETE", "OPTIONS", "get"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        ask(f, methods[i], "/healthz", "localhost");
        assert_int_equal(f->head.status, 405);
        assert_field(f, "Allow", "GET, HEAD");
    }
}

static void a_foreign_host_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const foreign[] = {"evil.example", "evil.example:8053", "127.0.0.1.evil.example",
                                          "localhost.evil.example", "xlocalhost"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        ask(f, "GET", "/healthz", foreign[i]);
        assert_int_equal(f->head.status, 403);
        assert_null(strstr(f->body.data, "state"));
    }
    static const char *const ours[] = {"localhost", "LOCALHOST:8053", "localhost.", "192.168.1.1",
                                       "[2001:db8::1]:8053"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        ask(f, "GET", "/healthz", ours[i]);
        assert_int_equal(f->head.status, 200);
    }
}

int main(void)
{
#define CONSOLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CONSOLE_TEST(health_is_told_as_json),
        CONSOLE_TEST(health_that_is_not_ok_is_503),
        CONSOLE_TEST(the_pac_file_names_the_proxy),
        CONSOLE_TEST(the_index_names_what_there_is),
        CONSOLE_TEST(head_has_no_body),
        CONSOLE_TEST(other_paths_and_methods_are_refused),
        CONSOLE_TEST(a_foreign_host_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
