#include "feed_test.h"

#include <fcntl.h>
#include <signal.h>

#include "bad_server.h"
#include "base/clock.h"
#include "fake_dns.h"
#include "feeds/fetch.h"
#include "feeds/fetch_hop.h"
#include "feeds/interrupt.h"

static const struct fetch_limits quick = {
    .connect_ms = 500, .total_ms = 600, .low_speed_bytes_s = 1, .low_speed_s = 10, .max_bytes = 1 << 20};

static char body[2 << 20];
static struct fetch_validators validators;
static struct fetch_result result;
static struct fault fault;
static const struct feed_site site_with_dns = {.upstreams = &fake_dns.addr, .upstream_count = 1};
static struct secret key;
static const char *key_as;

/* Fetches and puts what the file holds then into `body`. */
static enum status get_within(const char *url, const struct fetch_limits *limits)
{
    struct progress bar;
    progress_init(&bar, false, "test", 0);
    fault = (struct fault){0};
    int fd = open(in_scratch("body"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    int64_t start_ms = clock_mono_ms();
    struct fetch_request request = {
        .url = url, .site = &site_with_dns, .key = &key, .key_as = key_as, .limits = limits};
    enum status st = fetch(&request, fd, &bar, &validators, &result, &fault);
    assert_true(clock_mono_ms() - start_ms < 4000);
    ssize_t n = pread(fd, body, sizeof body - 1, 0);
    assert_true(n >= 0);
    body[n] = '\0';
    close(fd);
    assert_int_equal(st == ST_OK, fault.text[0] == '\0');
    assert_null(strstr(fault.text, "s3cret"));
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
    assert_false(result.not_modified);
    assert_string_equal(body, "version1.example\nevil.example\n");
    assert_string_equal(validators.etag, "\"v1\"");
    assert_string_equal(validators.last_modified, "Sun, 22 Nov 2026 00:00:01 GMT");
    assert_non_null(strstr(server_last_request(), "User-Agent: ccward/"));
    assert_null(strstr(server_last_request(), "Cookie"));
    assert_null(strstr(server_last_request(), "Accept-Encoding"));

    assert_int_equal(get_within(server_url("/feed"), &quick), ST_OK);
    assert_true(result.not_modified);
    assert_string_equal(body, "");
    assert_string_equal(validators.etag, "\"v1\"");
    assert_non_null(strstr(server_last_request(), "If-Modified-Since: Sun, 22 Nov 2026 00:00:01 GMT"));
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
        assert_false(result.not_modified);
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
    struct fetch_request request = {.url = server_url("/feed"), .site = &site_with_dns, .limits = &quick};
    assert_int_equal(fetch(&request, fd, &bar, &validators, &result, &fault), ST_FULL);
    assert_non_null(strstr(fault.text, "can't keep"));
    close(fd);
}

/* The address of PATH on the server, called HOST. */
static const char *url_at(const char *host, const char *path)
{
    static char text[300];
    snprintf(text, sizeof text, "http://%s:%u%s", host, server.port, path);
    return text;
}

static enum status get_at(const char *host, const char *path)
{
    validators = (struct fetch_validators){0};
    return get_within(url_at(host, path), &quick);
}

static void hosts_are_asked_of_our_own_upstreams(void **state)
{
    (void)state;
    assert_int_equal(get_at("feed.test", "/feed"), ST_OK);
    assert_string_equal(body, "version1.example\nevil.example\n");
    assert_non_null(strstr(server_last_request(), "Host: feed.test:"));
    assert_int_equal(get_at("B\xc3\x9c"
                            "CHER.test.",
                            "/feed"),
                     ST_OK);
    assert_int_equal(get_at("gone.test", "/feed"), ST_UNAVAILABLE);
    assert_string_equal(fault.text, "can't look up gone.test: there is no such name");
    assert_int_equal(get_at("silent.test", "/feed"), ST_TIMEOUT);
}

static void the_target_of_a_redirect_is_asked_of_them_too(void **state)
{
    (void)state;
    key = (struct secret){0};
    assert_int_equal(get_at("feed.test", "/echo/feed"), ST_OK);
    assert_string_equal(body, "version1.example\nevil.example\n");
    assert_non_null(strstr(server_last_request(), "Host: other.test:"));
}

static void a_private_address_is_refused_where_a_public_one_sent_us(void **state)
{
    struct web_url to;
    struct addr here = addr_v4(0x7f000001, 0);
    struct progress bar;
    (void)state;
    fault = (struct fault){0};
    progress_init(&bar, false, "test", 0);
    assert_int_equal(web_url_parse(server_url("/feed"), &to, &fault), ST_OK);
    struct hop hop = {.url = &to,
                      .addrs = &here,
                      .addr_count = 1,
                      .limits = &quick,
                      .until_ms = clock_mono_ms() + 5000,
                      .public_only = true,
                      .fd = -1,
                      .progress = &bar};
    unsigned before = atomic_load(&server.requests);
    assert_int_equal(hop_perform(&hop, &fault), ST_DENIED);
    assert_string_equal(fault.text, "it redirects from a public to a private address");
    assert_int_equal(atomic_load(&server.requests), before);
}

static void a_web_page_is_no_list(void **state)
{
    (void)state;
    assert_int_equal(get("/page"), ST_INVALID);
    assert_non_null(strstr(fault.text, "web page"));
    assert_string_equal(body, "");
}

static void a_server_may_say_when_to_come_again(void **state)
{
    (void)state;
    assert_int_equal(get("/busy"), ST_UNAVAILABLE);
    assert_int_equal(result.retry_after_s, 120);
    assert_true(result.answered);
    assert_int_equal(get("/busy-for-years"), ST_UNAVAILABLE);
    assert_int_equal(result.retry_after_s, FETCH_MAX_RETRY_AFTER_S);
    assert_int_equal(get("/busy-nonsense"), ST_UNAVAILABLE);
    assert_int_equal(result.retry_after_s, 0);
    assert_int_equal(get("/error-with-retry"), ST_UNAVAILABLE);
    assert_int_equal(result.retry_after_s, 0);
    assert_int_equal(get_within("http://127.0.0.1:1/feed", &quick), ST_UNAVAILABLE);
    assert_false(result.answered);
}

static enum status get_with(const char *text, const char *as, const char *host, const char *path)
{
    text_copy(key.text, sizeof key.text, str_of(text));
    key_as = as;
    enum status st = get_at(host, path);
    secret_wipe(&key);
    return st;
}

static void a_key_is_sent_as_it_is_wanted(void **state)
{
    (void)state;
    assert_int_equal(get_with("s3cret", "header X-Key", "127.0.0.1", "/locked"), ST_OK);
    assert_int_equal(get_with("s3cret", "bearer", "127.0.0.1", "/locked"), ST_OK);
    assert_int_equal(get_with("user:s3cret", "basic", "127.0.0.1", "/locked"), ST_OK);
    assert_string_equal(body, "evil.example\n");
    assert_int_equal(get_with("s3cret", "query auth-key", "127.0.0.1", "/nothing?x=1"), ST_UNAVAILABLE);
    assert_non_null(strstr(server_last_request(), "GET /nothing?x=1&auth-key=s3cret HTTP/1.1"));
    assert_null(strstr(server_last_request(), "Referer"));
}

static void a_key_that_is_refused_is_told_as_that(void **state)
{
    (void)state;
    assert_int_equal(get_with("s3cret!", "header X-Key", "127.0.0.1", "/locked"), ST_DENIED);
    assert_non_null(strstr(fault.text, "the server refuses the key (status 401)"));
    assert_int_equal(get("/locked"), ST_DENIED);
    assert_non_null(strstr(fault.text, "set `key`"));
}

static void a_key_goes_on_within_an_origin_alone(void **state)
{
    (void)state;
    assert_int_equal(get_with("s3cret", "header X-Key", "feed.test", "/moved"), ST_OK);
    static const char *const ways[] = {"header X-Key", "bearer", "basic"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        assert_int_equal(get_with("user:s3cret", ways[i], "feed.test", "/elsewhere"), ST_DENIED);
        assert_non_null(strstr(server_last_request(), "Host: other.test"));
        assert_null(strstr(server_last_request(), "s3cret"));
        assert_null(strstr(server_last_request(), "Authorization"));
        assert_non_null(strstr(fault.text, "redirects to another server (other.test), which does not get the key"));
    }
}

static void a_server_that_hands_the_key_on_is_not_followed(void **state)
{
    (void)state;
    unsigned before = atomic_load(&server.requests);
    assert_int_equal(get_with("s3cret", "query k", "feed.test", "/echo"), ST_DENIED);
    assert_non_null(strstr(fault.text, "with the key"));
    assert_int_equal(get_with("a&s3cret", "query k", "feed.test", "/echo"), ST_DENIED);
    assert_int_equal(atomic_load(&server.requests), before + 2);
}

static int start(void **state)
{
    return make_scratch(state) || fake_dns_start() || server_start(state);
}

static int stop(void **state)
{
    return server_stop(state) || fake_dns_stop() || remove_scratch(state);
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
        cmocka_unit_test(hosts_are_asked_of_our_own_upstreams),
        cmocka_unit_test(the_target_of_a_redirect_is_asked_of_them_too),
        cmocka_unit_test(a_private_address_is_refused_where_a_public_one_sent_us),
        cmocka_unit_test(a_web_page_is_no_list),
        cmocka_unit_test(a_server_may_say_when_to_come_again),
        cmocka_unit_test(a_key_is_sent_as_it_is_wanted),
        cmocka_unit_test(a_key_that_is_refused_is_told_as_that),
        cmocka_unit_test(a_key_goes_on_within_an_origin_alone),
        cmocka_unit_test(a_server_that_hands_the_key_on_is_not_followed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
