/* What commands may ask, over the real socket; a thread asks, since http_ask_local() waits. */
#include "daemon/control_socket.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http_ask.h"

static char folder[256];
static struct loop *loop;
static struct dns_cache *cache;
static struct control_socket *control;

static struct dns_trace *begun;
static bool at_once;

/* Stands in for a worker. */
static enum status begin_trace(void *arg, struct dns_trace *trace)
{
    (void)arg;
    static const uint8_t address[4] = {192, 0, 2, 1};
    struct dns_message query = {.question = trace->question, .question_end = DNS_HEADER_BYTES};
    begun = trace;
    text_copy(trace->group, sizeof trace->group, STR("default"));
    dns_trace_start(trace);
    dns_trace_step(trace, "cache");
    dns_trace_cache(trace, DNS_CACHE_NONE, 0);
    struct dns_build build = dns_build_response(trace->answer, sizeof trace->answer, &query, DNS_RCODE_NOERROR);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 300, address, sizeof address);
    dns_build_opt(&build, DNS_UDP_LIMIT, false, 0, DNS_EDE_STALE_ANSWER, STR("old"));
    trace->answer_length = dns_build_finish(&build);
    atomic_store(&trace->done, at_once);
    return ST_OK;
}

static int set_up(void **state)
{
    (void)state;
    struct fault fault = {0};
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/ccward-control-XXXXXX", root ? root : "/tmp");
    loop = loop_new();
    cache = dns_cache_new(&(struct dns_cache_settings){.max_bytes = 1 << 20, .max_ttl_s = 86400});
    assert_true(mkdtemp(folder) && loop && cache);
    assert_int_equal(control_socket_open(loop, folder, cache, begin_trace, NULL, &control, &fault), ST_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    control_socket_close(control);
    dns_cache_free(cache);
    loop_free(loop);
    return rmdir(folder); /* the socket is gone */
}

static void put(const char *text)
{
    static const uint8_t address[4] = {192, 0, 2, 1};
    uint8_t response[512];
    struct dns_message query = {.question = {.type = DNS_TYPE_A, .class = DNS_CLASS_IN},
                                .question_end = DNS_HEADER_BYTES};
    assert_int_equal(dname_from_text(str_of(text), &query.question.name), ST_OK);
    struct dns_build build = dns_build_response(response, sizeof response, &query, DNS_RCODE_NOERROR);
    dns_build_own_record(&build, DNS_ANSWER, DNS_TYPE_A, 300, address, sizeof address);
    struct dns_cache_key key = {.name = &query.question.name, .type = DNS_TYPE_A, .class = DNS_CLASS_IN};
    dns_cache_put(cache, &key, 0, response, dns_build_finish(&build), false);
}

struct asked {
    pthread_t thread;
    const char *path, *json;
    enum status status;
    unsigned http_status;
    struct buf body;
};

static void end(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void *ask_in_thread(void *arg)
{
    struct asked *asked = arg;
    asked->status = http_ask_local(folder, CONTROL_SOCKET, asked->path, str_of(asked->json), 20000, 1 << 16,
                                   &asked->http_status, &asked->body, NULL);
    (void)!loop_call(loop, end, NULL);
    return NULL;
}

/* JSON empty: GET. */
static void expect(const char *path, const char *json, unsigned http_status, const char *answer)
{
    struct asked asked = {.path = path, .json = json};
    assert_int_equal(pthread_create(&asked.thread, NULL, ask_in_thread, &asked), 0);
    loop_run(loop);
    pthread_join(asked.thread, NULL);
    assert_int_equal(asked.status, ST_OK);
    assert_int_equal(asked.http_status, http_status);
    if (!strstr(buf_text(&asked.body), answer))
        assert_string_equal(buf_text(&asked.body), answer);
    buf_free(&asked.body);
}

static void names_subtrees_and_all_are_flushed(void **state)
{
    (void)state;
    static const char *const names[] = {"example.org", "a.example.org", "b.a.example.org", "example.com"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put(names[i]);
    expect("/cache", "", 200, "{\"entries\":4,\"bytes\":");
    expect("/cache/flush", "{\"name\": \"Example.ORG\"}", 200, "{\"flushed\":1}");
    expect("/cache/flush", "{\"name\": \"example.org.\", \"subtree\": true}", 200, "{\"flushed\":2}");
    expect("/cache/flush", "{}", 200, "{\"flushed\":1}");
    expect("/cache", "", 200, "{\"entries\":0,\"bytes\":0,\"max_bytes\":1048576,\"hits\":0,\"misses\":0,\"stale\":0}");
}

static void what_is_not_understood_flushes_nothing(void **state)
{
    (void)state;
    static const char *const requests[] = {"[]",
                                           "{\"name\": 1}",
                                           "{\"name\": \"a..b\"}",
                                           "{\"name\": \"\"}",
                                           "{\"subtree\": \"yes\"}",
                                           "{\"nam\": \"example.org\"}",
                                           "null",
                                           "{\"name\"",
                                           "{} {}",
                                           "{\"name\": \"\\u0000\"}"};
    put("example.org");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        expect("/cache/flush", requests[i], 400, "{\"error\":\"");
    expect("/cache/flush", "", 404, "error");
    expect("/cache", "{}", 404, "error");
    expect("/", "", 404, "error");
    expect("/cache/flush", "{}", 200, "{\"flushed\":1}");
}

static void a_query_is_told_once_when_it_is_done(void **state)
{
    (void)state;
    at_once = false;
    expect("/query", "{\"name\": \"WWW.Example.org\", \"client\": \"2001:db8::7\"}", 200, "{\"id\":1}");
    expect("/query/end", "{\"id\": 1}", 200, "{\"pending\":true}");
    atomic_store(&begun->done, true);
    expect("/query/end", "{\"id\": 1}", 200,
           "{\"section\":\"answer\",\"name\":\"WWW.Example.org\",\"ttl\":300,\"type\":\"A\",\"data\":\"192.0.2.1\"}");
    expect("/query/end", "{\"id\": 1}", 404, "no query has this number");
    at_once = true;
    expect("/query", "{\"name\": \"a.example\", \"type\": \"A\", \"dnssec\": true}", 200, "{\"id\":2}");
    assert_true(begun->dnssec_ok);
    expect("/query/end", "{\"id\": 2}", 200, "\"ede\":[{\"code\":3,\"text\":\"old\"}]");
}

static void queries_that_are_not_understood_are_not_begun(void **state)
{
    (void)state;
    static const char *const requests[] = {"{}",
                                           "[]",
                                           "{\"name\": \"a..b\"}",
                                           "{\"name\": \"a\", \"type\": \"NOTYPE\"}",
                                           "{\"name\": \"a\", \"client\": \"a\"}",
                                           "{\"name\": \"a\", \"other\": 1}",
                                           "{\"name\""};
    begun = NULL;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        expect("/query", requests[i], 400, "{\"error\":\"");
    expect("/query/end", "{\"id\": \"1\"}", 400, "{\"error\":\"");
    expect("/query/end", "{\"id\": 0}", 404, "{\"error\":\"");
    assert_null(begun);
}

static void more_queries_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    at_once = false;
    for (unsigned i = 0; i < TRACES_MAX; i++)
        expect("/query", "{\"name\": \"a.example\"}", 200, "{\"id\":");
    expect("/query", "{\"name\": \"a.example\"}", 503, "too many");
    atomic_store(&begun->done, true); /* the last; it may still be fetched for a while */
    expect("/query", "{\"name\": \"a.example\"}", 503, "too many");
    expect("/query/end", "{\"id\": 16}", 200, "\"cache\":\"miss\"");
    expect("/query", "{\"name\": \"a.example\"}", 200, "{\"id\":17}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_subtrees_and_all_are_flushed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_understood_flushes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_is_told_once_when_it_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(queries_that_are_not_understood_are_not_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_queries_than_there_is_room_for_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
