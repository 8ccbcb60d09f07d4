/* The server's side of HTTP/2, with nghttp2's client at its other end. */
#include "net_fixture.h"

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "net/http2_session.h"

enum { ROUNDS = 200, MAX_STREAMS = 16, HEAD_MAX = 1000, BODY_MAX = 2000 };

/* What the client has got on a stream: index by its number. */
struct answer {
    char status[8], type[64], allow[32], age[32];
    struct buf body;
    bool ended, reset;
};

struct world {
    struct loop *loop;
    struct stream *stream;
    struct http2_session *session;
    int fd;
    nghttp2_session *client;
    struct answer answers[MAX_STREAMS];
    bool goaway, invalid;
    int32_t asked[MAX_STREAMS], cancelled;
    size_t asked_count;
    char last[4096]; /* the last request, in words */
};

static void on_request(void *arg, const struct http2_request *request)
{
    struct world *world = arg;
    world->asked[world->asked_count++] = request->id;
    snprintf(world->last, sizeof world->last, "%.*s %.*s %.*s %.*s", (int)request->method.length, request->method.data,
             (int)request->path.length, request->path.data, (int)request->content_type.length,
             request->content_type.data, (int)request->body.length, request->body.data);
}

static void on_cancelled(void *arg, int32_t id)
{
    ((struct world *)arg)->cancelled = id;
}

static void on_data(void *arg)
{
    struct world *world = arg;
    struct str input = stream_input(world->stream);
    if (http2_session_receive(world->session, input.data, input.length) != ST_OK)
        world->invalid = true;
    stream_consume(world->stream, input.length);
    assert_int_equal(http2_session_send(world->session, world->stream), ST_OK);
}

static void on_drained(void *arg)
{
    struct world *world = arg;
    assert_int_equal(http2_session_send(world->session, world->stream), ST_OK);
}

static void on_failed(void *arg, enum status status)
{
    (void)arg, (void)status;
}

/* The client */

static int on_client_field(nghttp2_session *client, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                           const uint8_t *value, size_t value_length, uint8_t flags, void *arg)
{
    (void)client, (void)flags;
    struct answer *answer = &((struct world *)arg)->answers[frame->hd.stream_id];
    struct str field = {(const char *)name, name_length}, text = {(const char *)value, value_length};
    if (str_eq(field, STR(":status")))
        text_copy(answer->status, sizeof answer->status, text);
    if (str_eq(field, STR("content-type")))
        text_copy(answer->type, sizeof answer->type, text);
    if (str_eq(field, STR("allow")))
        text_copy(answer->allow, sizeof answer->allow, text);
    if (str_eq(field, STR("cache-control")))
        text_copy(answer->age, sizeof answer->age, text);
    return 0;
}

static int on_client_body(nghttp2_session *client, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg)
{
    (void)client, (void)flags;
    buf_add(&((struct world *)arg)->answers[id].body, data, n);
    return 0;
}

static int on_client_frame(nghttp2_session *client, const nghttp2_frame *frame, void *arg)
{
    (void)client;
    struct world *world = arg;
    world->goaway |= frame->hd.type == NGHTTP2_GOAWAY;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM && frame->hd.stream_id)
        world->answers[frame->hd.stream_id].ended = true;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        world->answers[frame->hd.stream_id].reset = true;
    return 0;
}

static int set_up(void **state)
{
    static const struct stream_ops stream_ops = {.on_data = on_data, .on_drained = on_drained, .on_failed = on_failed};
    static const struct http2_settings settings = {
        .max_requests = 4, .max_head_bytes = HEAD_MAX, .max_body_bytes = BODY_MAX};
    static const struct http2_ops ops = {.on_request = on_request, .on_cancelled = on_cancelled};
    struct world *world = calloc(1, sizeof *world);
    nghttp2_session_callbacks *callbacks;
    int fds[2];
    world->loop = loop_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    world->stream = stream_new_own(world->loop, fds[0], &stream_ops, world);
    world->session = http2_session_new(&settings, &ops, world);
    world->fd = fds[1];
    assert_non_null(world->session);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_client_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_client_body);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_client_frame);
    assert_int_equal(nghttp2_session_client_new(&world->client, callbacks, world), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(world->client, 0, NULL, 0), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < MAX_STREAMS; i++)
        buf_free(&world->answers[i].body);
    nghttp2_session_del(world->client);
    http2_session_free(world->session);
    stream_free(world->stream);
    close(world->fd);
    loop_free(world->loop);
    free(world);
    return 0;
}

/* Lets both sides say all that they have to say. */
static void talk(struct world *world)
{
    for (int i = 0; i < ROUNDS; i++) {
        const uint8_t *out;
        char in[16384];
        for (ssize_t n; (n = nghttp2_session_mem_send(world->client, &out)) > 0;)
            assert_int_equal(write(world->fd, out, (size_t)n), n);
        assert_int_equal(http2_session_send(world->session, world->stream), ST_OK);
        loop_run_once(world->loop, false);
        for (ssize_t n; (n = read(world->fd, in, sizeof in)) > 0;)
            assert_int_equal(nghttp2_session_mem_recv(world->client, (uint8_t *)in, (size_t)n), n);
    }
}

static ssize_t read_text(nghttp2_session *client, int32_t id, uint8_t *out, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *arg)
{
    (void)client, (void)id, (void)arg;
    struct str *text = source->ptr;
    size_t n = text->length < size ? text->length : size;
    memcpy(out, text->data, n);
    *text = str_from(*text, n);
    if (!text->length)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

#define FIELD(n, v)                                                                                                    \
    {                                                                                                                  \
        (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), strlen(n), strlen(v), NGHTTP2_NV_FLAG_NONE               \
    }

/* BODY, which lives until all is said; NULL: none. */
static int32_t ask(struct world *world, const char *method, const char *path, struct str *body)
{
    const nghttp2_nv fields[] = {FIELD(":method", method), FIELD(":scheme", "https"), FIELD(":authority", "x"),
                                 FIELD(":path", path), FIELD("content-type", "some/type")};
    nghttp2_data_provider provider = {.source.ptr = body, .read_callback = read_text};
    int32_t id = nghttp2_submit_request(world->client, NULL, fields, 5, body ? &provider : NULL, NULL);
    assert_in_range(id, 1, MAX_STREAMS - 1);
    return id;
}

static void give(struct world *world, int32_t id, unsigned status, struct str body)
{
    const struct http2_answer answer = {
        .status = status, .content_type = "t/t", .allow = "GET", .max_age_s = 7, .body = body};
    http2_session_answer(world->session, id, &answer);
}

static void requests_come_whole_and_are_answered_in_any_order(void **state)
{
    struct world *world = *state;
    struct str body = STR("hello");
    int32_t first = ask(world, "GET", "/a?b", NULL), second = ask(world, "POST", "/c", &body);
    talk(world);
    assert_int_equal(world->asked_count, 2);
    assert_string_equal(world->last, "POST /c some/type hello");
    give(world, second, 200, STR("second"));
    talk(world);
    assert_true(world->answers[second].ended);
    assert_false(world->answers[first].ended);
    give(world, first, 404, (struct str){0});
    give(world, first, 200, STR("again")); /* once is enough */
    talk(world);
    assert_string_equal(world->answers[first].status, "404");
    assert_int_equal(world->answers[first].body.length, 0);
    assert_string_equal(world->answers[second].status, "200");
    assert_string_equal(world->answers[second].type, "t/t");
    assert_string_equal(world->answers[second].allow, "GET");
    assert_string_equal(world->answers[second].age, "max-age=7");
    assert_string_equal(buf_text(&world->answers[second].body), "second");
    give(world, 99, 200, STR("nobody")); /* harms nobody */
}

static void heads_and_bodies_over_their_bounds_are_answered_so(void **state)
{
    struct world *world = *state;
    static char path[HEAD_MAX], text[BODY_MAX + 1];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    memset(text, 'b', sizeof text);
    struct str most = {text, BODY_MAX}, more = {text, BODY_MAX + 1};
    int32_t head = ask(world, "GET", path, NULL), fits = ask(world, "POST", "/", &most);
    int32_t large = ask(world, "POST", "/", &more);
    talk(world);
    assert_int_equal(world->asked_count, 1);
    assert_int_equal(world->asked[0], fits);
    assert_string_equal(world->answers[head].status, "431");
    assert_string_equal(world->answers[large].status, "413");
    give(world, fits, 200, (struct str){0});
    talk(world);
    assert_string_equal(world->answers[fits].status, "200");
}

static void a_request_that_is_cancelled_is_told_once_and_not_answered(void **state)
{
    struct world *world = *state;
    int32_t id = ask(world, "GET", "/", NULL), other = ask(world, "GET", "/", NULL);
    talk(world);
    assert_int_equal(nghttp2_submit_rst_stream(world->client, 0, id, NGHTTP2_CANCEL), 0);
    talk(world);
    assert_int_equal(world->cancelled, id);
    give(world, id, 200, STR("late"));
    give(world, other, 200, STR("in time"));
    talk(world);
    assert_int_equal(world->answers[id].body.length, 0);
    assert_string_equal(buf_text(&world->answers[other].body), "in time");
}

static void a_request_that_is_refused_is_reset(void **state)
{
    struct world *world = *state;
    int32_t id = ask(world, "GET", "/", NULL);
    talk(world);
    http2_session_refuse(world->session, id);
    talk(world);
    assert_true(world->answers[id].reset);
    assert_int_equal(world->cancelled, 0);
}

static void no_more_requests_are_under_way_than_allowed(void **state)
{
    struct world *world = *state;
    talk(world); /* the settings */
    for (int i = 0; i < 6; i++)
        ask(world, "GET", "/", NULL);
    talk(world);
    assert_int_equal(world->asked_count, 4);
    give(world, world->asked[0], 200, (struct str){0});
    talk(world);
    assert_int_equal(world->asked_count, 5);
}

static void the_end_is_said_and_then_both_have_nothing_more_to_say(void **state)
{
    struct world *world = *state;
    talk(world);
    assert_false(http2_session_is_over(world->session));
    http2_session_end(world->session);
    talk(world);
    assert_true(world->goaway);
    assert_true(http2_session_is_over(world->session));
}

static void what_is_no_http2_is_invalid(void **state)
{
    struct world *world = *state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(write(world->fd, text, sizeof text - 1), sizeof text - 1);
    for (int i = 0; i < ROUNDS && !world->invalid; i++)
        loop_run_once(world->loop, false);
    assert_true(world->invalid);
    assert_int_equal(world->asked_count, 0);
}

int main(void)
{
#define HTTP2_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        HTTP2_TEST(requests_come_whole_and_are_answered_in_any_order),
        HTTP2_TEST(heads_and_bodies_over_their_bounds_are_answered_so),
        HTTP2_TEST(a_request_that_is_cancelled_is_told_once_and_not_answered),
        HTTP2_TEST(a_request_that_is_refused_is_reset),
        HTTP2_TEST(no_more_requests_are_under_way_than_allowed),
        HTTP2_TEST(the_end_is_said_and_then_both_have_nothing_more_to_say),
        HTTP2_TEST(what_is_no_http2_is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
