#include "net/http2_session.h"

#include <inttypes.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buf.h"

enum { METHOD_SIZE = 16, TYPE_SIZE = 128, FIELD_OVERHEAD_BYTES = 32 /* RFC 9113 section 6.5.2 */ };

/* A request and its answer. */
struct exchange {
    int32_t id;
    char method[METHOD_SIZE], content_type[TYPE_SIZE];
    struct buf path, body; /* body: of the request, then of the answer */
    size_t head_bytes, body_sent;
    bool head_too_large, body_too_large;
    bool told, answered; /* to the owner; by it */
    TAILQ_ENTRY(exchange) entry;
};

struct http2_session {
    nghttp2_session *http2;
    struct http2_settings settings;
    const struct http2_ops *ops;
    void *arg;
    TAILQ_HEAD(, exchange) exchanges;
};

static void exchange_free(struct http2_session *session, struct exchange *exchange)
{
    TAILQ_REMOVE(&session->exchanges, exchange, entry);
    buf_free(&exchange->path);
    buf_free(&exchange->body);
    free(exchange);
}

static void answer_alone(struct http2_session *session, int32_t id, unsigned status)
{
    http2_session_answer(session, id, &(struct http2_answer){.status = status, .max_age_s = -1});
}

/* What the client sends */

static int on_begin(nghttp2_session *http2, const nghttp2_frame *frame, void *arg)
{
    struct http2_session *session = arg;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    exchange->id = frame->hd.stream_id;
    exchange->path.max_bytes = session->settings.max_head_bytes;
    TAILQ_INSERT_TAIL(&session->exchanges, exchange, entry);
    nghttp2_session_set_stream_user_data(http2, exchange->id, exchange);
    return 0;
}

static int on_field(nghttp2_session *http2, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                    const uint8_t *value, size_t value_length, uint8_t flags, void *arg)
{
    (void)flags;
    struct http2_session *session = arg;
    struct exchange *exchange = nghttp2_session_get_stream_user_data(http2, frame->hd.stream_id);
    struct str field = {(const char *)name, name_length}, text = {(const char *)value, value_length};
    if (!exchange)
        return 0;
    exchange->head_bytes += name_length + value_length + FIELD_OVERHEAD_BYTES;
    exchange->head_too_large |= exchange->head_bytes > session->settings.max_head_bytes;
    if (exchange->head_too_large)
        return 0;
    if (str_eq(field, STR(":method")))
        text_copy(exchange->method, sizeof exchange->method, text);
    else if (str_eq(field, STR("content-type")))
        text_copy(exchange->content_type, sizeof exchange->content_type, text);
    else if (str_eq(field, STR(":path")))
        buf_add(&exchange->path, text.data, text.length);
    return 0;
}

static int on_body(nghttp2_session *http2, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg)
{
    (void)flags;
    struct http2_session *session = arg;
    struct exchange *exchange = nghttp2_session_get_stream_user_data(http2, id);
    if (!exchange || exchange->answered)
        return 0;
    exchange->body_too_large |= exchange->body.length + n > session->settings.max_body_bytes;
    if (exchange->body_too_large)
        answer_alone(session, id, 413); /* without waiting for the rest */
    else
        buf_add(&exchange->body, data, n);
    return 0;
}

static void tell(struct http2_session *session, struct exchange *exchange)
{
    struct http2_request request = {.id = exchange->id,
                                    .method = str_of(exchange->method),
                                    .path = {exchange->path.data, exchange->path.length},
                                    .content_type = str_of(exchange->content_type),
                                    .body = {exchange->body.data, exchange->body.length}};
    if (exchange->head_too_large) {
        answer_alone(session, exchange->id, 431);
    } else if (exchange->path.failed || exchange->body.failed) {
        http2_session_refuse(session, exchange->id);
    } else {
        exchange->told = true;
        session->ops->on_request(session->arg, &request);
    }
}

static int on_frame(nghttp2_session *http2, const nghttp2_frame *frame, void *arg)
{
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct exchange *exchange = ends ? nghttp2_session_get_stream_user_data(http2, frame->hd.stream_id) : NULL;
    if (exchange && !exchange->told && !exchange->answered)
        tell(arg, exchange);
    return 0;
}

static int on_close(nghttp2_session *http2, int32_t id, uint32_t error, void *arg)
{
    (void)error;
    struct http2_session *session = arg;
    struct exchange *exchange = nghttp2_session_get_stream_user_data(http2, id);
    if (!exchange)
        return 0;
    bool cancelled = exchange->told && !exchange->answered;
    exchange_free(session, exchange);
    if (cancelled)
        session->ops->on_cancelled(session->arg, id);
    return 0;
}

enum status http2_session_receive(struct http2_session *session, const void *data, size_t n)
{
    ssize_t taken = nghttp2_session_mem_recv(session->http2, data, n);
    return taken == (ssize_t)n ? ST_OK : ST_INVALID;
}

/* What goes out */

static ssize_t read_body(nghttp2_session *http2, int32_t id, uint8_t *out, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *arg)
{
    (void)http2, (void)id, (void)arg;
    struct exchange *exchange = source->ptr;
    size_t left = exchange->body.length - exchange->body_sent, n = left < size ? left : size;
    if (n)
        memcpy(out, exchange->body.data + exchange->body_sent, n);
    exchange->body_sent += n;
    if (n == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void add_field(nghttp2_nv *fields, size_t *count, const char *name, const char *value)
{
    fields[(*count)++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name, /* only read */
                                      .value = (uint8_t *)(uintptr_t)value,
                                      .namelen = strlen(name),
                                      .valuelen = strlen(value)};
}

void http2_session_answer(struct http2_session *session, int32_t id, const struct http2_answer *answer)
{
    struct exchange *exchange = nghttp2_session_get_stream_user_data(session->http2, id);
    char status[8], length[24], age[40];
    nghttp2_nv fields[5];
    size_t count = 0;
    if (!exchange || exchange->answered)
        return;
    snprintf(status, sizeof status, "%u", answer->status);
    snprintf(length, sizeof length, "%zu", answer->body.length);
    snprintf(age, sizeof age, "max-age=%" PRId64, answer->max_age_s);
    add_field(fields, &count, ":status", status);
    if (answer->content_type)
        add_field(fields, &count, "content-type", answer->content_type);
    if (answer->allow)
        add_field(fields, &count, "allow", answer->allow);
    if (answer->max_age_s >= 0)
        add_field(fields, &count, "cache-control", age);
    add_field(fields, &count, "content-length", length);
    exchange->answered = true;
    buf_clear(&exchange->body);
    exchange->body.max_bytes = 0;
    buf_add(&exchange->body, answer->body.data, answer->body.length);
    nghttp2_data_provider body = {.source.ptr = exchange, .read_callback = read_body};
    if (exchange->body.failed ||
        nghttp2_submit_response(session->http2, id, fields, count, answer->body.length ? &body : NULL) != 0)
        http2_session_refuse(session, id);
}

void http2_session_refuse(struct http2_session *session, int32_t id)
{
    struct exchange *exchange = nghttp2_session_get_stream_user_data(session->http2, id);
    if (!exchange)
        return;
    exchange->answered = true;
    if (nghttp2_submit_rst_stream(session->http2, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR) != 0)
        nghttp2_session_terminate_session(session->http2, NGHTTP2_INTERNAL_ERROR);
}

void http2_session_end(struct http2_session *session)
{
    nghttp2_session_terminate_session(session->http2, NGHTTP2_NO_ERROR);
}

/* RFC 9113 section 4.1. */
static bool ends_answer(const uint8_t *frame, size_t n)
{
    enum { TYPE_AT = 3, FLAGS_AT = 4 };
    return n > FLAGS_AT && frame[TYPE_AT] == NGHTTP2_DATA && frame[FLAGS_AT] & NGHTTP2_FLAG_END_STREAM;
}

/* An answer ends a record of TLS: dnsperf 2.10 takes one answer out of each, and waits for the others in vain. */
enum status http2_session_send(struct http2_session *session, struct stream *stream)
{
    while (!stream_is_full(stream)) {
        const uint8_t *data;
        ssize_t n = nghttp2_session_mem_send(session->http2, &data);
        if (n < 0)
            return ST_NOMEM;
        if (!n)
            return ST_OK;
        enum status status = stream_write(stream, data, (size_t)n);
        if (status != ST_OK)
            return status;
        if (ends_answer(data, (size_t)n))
            stream_cut(stream);
    }
    return ST_OK;
}

bool http2_session_is_over(const struct http2_session *session)
{
    return !nghttp2_session_want_read(session->http2) && !nghttp2_session_want_write(session->http2);
}

/* Making and freeing */

static int make_http2(struct http2_session *session)
{
    nghttp2_session_callbacks *callbacks;
    int error = nghttp2_session_callbacks_new(&callbacks);
    if (error)
        return error;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    error = nghttp2_session_server_new(&session->http2, callbacks, session);
    nghttp2_session_callbacks_del(callbacks);
    return error;
}

struct http2_session *http2_session_new(const struct http2_settings *settings, const struct http2_ops *ops, void *arg)
{
    struct http2_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->settings = *settings;
    session->ops = ops;
    session->arg = arg;
    TAILQ_INIT(&session->exchanges);
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings->max_requests},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)settings->max_head_bytes},
    };
    if (make_http2(session) != 0 ||
        nghttp2_submit_settings(session->http2, NGHTTP2_FLAG_NONE, entries, sizeof entries / sizeof entries[0]) != 0) {
        http2_session_free(session);
        return NULL;
    }
    return session;
}

void http2_session_free(struct http2_session *session)
{
    if (!session)
        return;
    nghttp2_session_del(session->http2);
    while (!TAILQ_EMPTY(&session->exchanges))
        exchange_free(session, TAILQ_FIRST(&session->exchanges));
    free(session);
}
