#include "net_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "net/http_ask.h"
#include "net/http_server.h"
#include "net/local_socket.h"

/* Longer than any address of a socket may be. */
static char folder[512];

static int make_folder(void **state)
{
    (void)state;
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/ccward-%0120d-XXXXXX", root ? root : "/tmp", 0);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    local_socket_remove(folder, "s");
    return rmdir(folder);
}

static void it_is_for_its_owner_and_a_long_path_is_no_hindrance(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct stat st;
    char path[600];
    int server, client;
    mode_t mask = umask(0);
    assert_int_equal(local_socket_listen(folder, "s", &server, &fault), ST_OK);
    umask(mask);
    snprintf(path, sizeof path, "%s/s", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(local_socket_connect(folder, "s", &client), ST_OK);
    close(client);
    close(server);
}

static void one_that_was_left_behind_is_no_hindrance(void **state)
{
    (void)state;
    struct fault fault = {0};
    int server, client;
    assert_int_equal(local_socket_connect(folder, "s", &client), ST_UNAVAILABLE);
    assert_int_equal(local_socket_listen(folder, "s", &server, &fault), ST_OK);
    close(server);
    assert_int_equal(local_socket_connect(folder, "s", &client), ST_UNAVAILABLE);
    assert_int_equal(local_socket_listen(folder, "s", &server, &fault), ST_OK);
    assert_int_equal(local_socket_connect(folder, "s", &client), ST_OK);
    close(client);
    close(server);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct fault fault = {0};
    int fd;
    assert_int_not_equal(local_socket_listen("/nowhere", "s", &fd, &fault), ST_OK);
    assert_non_null(strstr(fault.text, "/nowhere/s cannot be listened at"));
    assert_int_equal(local_socket_connect("/nowhere", "s", &fd), ST_UNAVAILABLE);
}

struct asked {
    struct loop *loop;
    pthread_t thread;
    enum status status;
    unsigned http_status;
    struct buf body;
    struct fault fault;
    const char *json;
    bool done;
};

static void on_asked(void *arg)
{
    ((struct asked *)arg)->done = true;
}

static void *ask(void *arg)
{
    struct asked *asked = arg;
    asked->status = http_ask_local(folder, "s", "/x", str_of(asked->json), 20000, 1 << 16, &asked->http_status,
                                   &asked->body, &asked->fault);
    (void)!loop_call(asked->loop, on_asked, asked);
    return NULL;
}

static void answer(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    struct buf body = {0};
    buf_printf(&body, "%.*s %.*s", (int)exchange->request->method.length, exchange->request->method.data,
               (int)exchange->body.length, exchange->body.data);
    http_response_add(exchange, 200, NULL, str_of(buf_text(&body)));
    buf_free(&body);
}

static void requests_go_over_it(void **state)
{
    struct fault fault = {0};
    struct http_server *server;
    static const struct http_server_settings settings = {
        .max_body_bytes = 100, .idle_ms = 20000, .head_ms = 20000, .max_connections = 4};
    static const char *const jsons[] = {"", "{\"a\": 1}"}, *const answers[] = {"GET ", "POST {\"a\": 1}"};
    assert_int_equal(http_server_open_local(*state, folder, "s", &settings, answer, NULL, &server, &fault), ST_OK);
    for (size_t i = 0; i < 2; i++) {
        struct asked asked = {.loop = *state, .json = jsons[i]};
        assert_int_equal(pthread_create(&asked.thread, NULL, ask, &asked), 0);
        assert_true(run_until(*state, &asked.done, 20000));
        pthread_join(asked.thread, NULL);
        assert_int_equal(asked.status, ST_OK);
        assert_int_equal(asked.http_status, 200);
        assert_string_equal(buf_text(&asked.body), answers[i]);
        buf_free(&asked.body);
    }
    http_server_close(server);
    struct buf body = {0};
    unsigned http_status;
    assert_int_equal(http_ask_local(folder, "s", "/x", STR(""), 1000, 100, &http_status, &body, &fault),
                     ST_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_for_its_owner_and_a_long_path_is_no_hindrance, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(one_that_was_left_behind_is_no_hindrance, make_folder, remove_folder),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
    };
    const struct CMUnitTest with_loop[] = {
        LOOP_TEST(requests_go_over_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return make_folder(NULL) + cmocka_run_group_tests(with_loop, NULL, NULL) + remove_folder(NULL) + failed;
}
