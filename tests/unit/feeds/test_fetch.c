#include "feed_test.h"

#include <fcntl.h>
#include <signal.h>

#include "bad_server.h"
#include "base/clock.h"
#include "feeds/fetch.h"
#include "feeds/interrupt.h"

static const struct fetch_limits quick = {
    .connect_ms = 500, .total_ms = 600, .low_speed_bytes_s = 1, .low_speed_s = 10, .max_bytes = 1 << 20};

static char body[2 << 20];
static struct fetch_validators validators;
static bool not_modified;
static struct fault fault;

/* Fetches and puts what the file holds then into `body`. */
static enum status get_within(const char *url, const struct fetch_limits *limits)
{
    struct progress bar;
    progress_init(&bar, false, "test", 0);
    fault = (struct fault){0};
    int fd = open(in_scratch("body"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    int64_t start_ms = clock_mono_ms();
    enum status st = fetch(url, limits, fd, &bar, &validators, &not_modified, &fault);
    assert_true(clock_mono_ms() - start_ms < 4000);
    ssize_t n = pread(fd, body, sizeof body - 1, 0);
    assert_true(n >= 0);
    body[n] = '\0';
    close(fd);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    return st;
}

static enum status get(const char *path)
{
    validators = (struct fetch_validators){0};
    return get_within(server_url(path), &quick);
}

static void a_body_comes_with_its_validators(void **state)
{
    (void)state;
    assert_int_equal(get("/feed"), ST_OK);
    assert_false(not_modified);
    assert_string_equal(body, "version1.example\nevil.example\n");
    assert_string_equal(validators.etag, "\"v1\"");
    assert_string_equal(validators.last_modified, "Sun, 22 Nov 2026 00:00:01 GMT");
    assert_non_null(strstr(server.last_request, "User-Agent: ccward/"));
    assert_null(strstr(server.last_request, "Cookie"));
    assert_null(strstr(server.last_request, "Accept-Encoding"));

    assert_int_equal(get_within(server_url("/feed"), &quick), ST_OK);
    assert_true(not_modified);
    assert_string_equal(body, "");
    assert_string_equal(validators.etag, "\"v1\"");
    assert_non_null(strstr(server.last_request, "If-Modified-Since: Sun, 22 Nov 2026 00:00:01 GMT"));
}

static void a_redirect_is_followed_and_has_no_validators(void **state)
{
    (void)state;
    assert_int_equal(get("/there"), ST_OK);
    assert_string_equal(body, "version1.example\nevil.example\n");
    assert_string_equal(validators.etag, "\"v1\"");
}

static void answers_that_are_no_body_are_refused(void **state)
{
    static const struct {
        const char *path, *reason;
    } answers[] = {
        {"/404", "404"},      {"/500", "500"},    {"/206", "206"}, {"/304", "304"},        {"/loop", "redirects"},
        {"/to-file", "file"}, {"/to-ftp", "ftp"}, {"/short", ""},  {"/short-chunked", ""}, {"/garbage", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_int_equal(get(answers[i].path), ST_UNAVAILABLE);
        assert_non_null(strstr(fault.text, answers[i].reason));
        assert_string_equal(body, "");
        assert_false(not_modified);
    }
}

static void a_loop_of_redirects_is_bounded(void **state)
{
    (void)state;
    unsigned before = atomic_load(&server.requests);
    assert_int_equal(get("/loop"), ST_UNAVAILABLE);
    assert_int_equal(atomic_load(&server.requests) - before, FETCH_REDIRECTS + 1);
}

static void a_server_that_is_slow_is_given_up(void **state)
{
    (void)state;
    assert_int_equal(get("/hang"), ST_TIMEOUT);
    assert_int_equal(get("/drip"), ST_TIMEOUT);
    assert_string_equal(body, "");

    struct fetch_limits slow = quick;
    slow.total_ms = 60000;
    slow.low_speed_bytes_s = 100000;
    slow.low_speed_s = 1;
    assert_int_equal(get_within(server_url("/drip"), &slow), ST_TIMEOUT);
}

static void a_body_without_end_is_cut_at_the_bound(void **state)
{
    struct fetch_limits limits = quick;
    (void)state;
    limits.total_ms = 3000;
    validators = (struct fetch_validators){0};
    assert_int_equal(get_within(server_url("/endless"), &limits), ST_DENIED);
    assert_non_null(strstr(fault.text, "larger"));
    assert_string_equal(body, "");
}

static void a_port_without_a_server_is_a_failure(void **state)
{
    (void)state;
    assert_int_equal(get_within("http://127.0.0.1:1/feed", &quick), ST_UNAVAILABLE);
}

static void other_schemes_are_refused(void **state)
{
    static const char *const urls[] = {"ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "dict://127.0.0.1/x", "", "::::"};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_int_equal(get_within(urls[i], &quick), ST_UNAVAILABLE);
}

static void a_file_is_read(void **state)
{
    char url[300];
    (void)state;
    validators = (struct fetch_validators){0};
    snprintf(url, sizeof url, "file://%s", write_text("local", "local.example\n"));
    assert_int_equal(get_within(url, &quick), ST_OK);
    assert_string_equal(body, "local.example\n");
    snprintf(url, sizeof url, "file://%s", in_scratch("missing"));
    assert_int_equal(get_within(url, &quick), ST_UNAVAILABLE);
}

static void *interrupt_soon(void *user)
{
    (void)user;
    usleep(200000);
    kill(getpid(), SIGINT);
    return NULL;
}

static void an_interrupt_ends_it(void **state)
{
    struct fetch_limits patient = quick;
    pthread_t thread;
    (void)state;
    patient.total_ms = 30000;
    interrupt_begin();
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    assert_int_equal(get_within(server_url("/hang"), &patient), ST_CLOSED);
    pthread_join(thread, NULL);
    interrupt_end();
    assert_false(interrupted());
}

static void a_full_disk_is_told(void **state)
{
    struct progress bar;
    (void)state;
    int fd = open("/dev/full", O_RDWR);
    assert_true(fd >= 0);
    progress_init(&bar, false, "test", 0);
    fault = (struct fault){0};
    validators = (struct fetch_validators){0};
    assert_int_equal(fetch(server_url("/feed"), &quick, fd, &bar, &validators, &not_modified, &fault), ST_FULL);
    assert_non_null(strstr(fault.text, "can't keep"));
    close(fd);
}

static int start(void **state)
{
    return make_scratch(state) || server_start(state);
}

static int stop(void **state)
{
    return server_stop(state) || remove_scratch(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_with_its_validators),
        cmocka_unit_test(a_redirect_is_followed_and_has_no_validators),
        cmocka_unit_test(answers_that_are_no_body_are_refused),
        cmocka_unit_test(a_loop_of_redirects_is_bounded),
        cmocka_unit_test(a_server_that_is_slow_is_given_up),
        cmocka_unit_test(a_body_without_end_is_cut_at_the_bound),
        cmocka_unit_test(a_port_without_a_server_is_a_failure),
        cmocka_unit_test(other_schemes_are_refused),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(an_interrupt_ends_it),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
