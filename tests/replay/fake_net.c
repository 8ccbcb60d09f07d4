#include "tests/replay/fake_net.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/cursor.h"

enum { MAX_QUERIES = 4096, MAX_CONNECTIONS = 64, MAX_CALLS = 64 };

/* ---- loop and timers ---- */

struct loop {
    int unused;
};
static struct loop the_loop;

/* What was put off by loop_call(). */
static struct {
    void (*fn)(void *arg);
    void *arg;
} calls[MAX_CALLS];
static size_t call_count;

enum status loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    (void)loop;
    if (call_count == MAX_CALLS)
        return ST_NOMEM;
    calls[call_count].fn = fn;
    calls[call_count++].arg = arg;
    return ST_OK;
}

void fake_run_calls(void)
{
    for (size_t i = 0; i < call_count; i++)
        calls[i].fn(calls[i].arg);
    call_count = 0;
}

struct timer {
    struct timer *next;
    void (*on_timer)(void *arg);
    void *arg;
    bool running;
    int64_t due_ms;
};
static struct timer *timers;

struct loop *loop_new(void)
{
    return &the_loop;
}

void loop_free(struct loop *loop)
{
    (void)loop;
}

int64_t loop_now_ms(struct loop *loop)
{
    (void)loop;
    return clock_mono_ms();
}

struct timer *timer_new(struct loop *loop, void (*on_timer)(void *arg), void *arg)
{
    (void)loop;
    struct timer *timer = calloc(1, sizeof *timer);
    CHECK(timer);
    *timer = (struct timer){.next = timers, .on_timer = on_timer, .arg = arg};
    timers = timer;
    return timer;
}

void timer_free(struct timer *timer)
{
    for (struct timer **place = &timers; timer && *place; place = &(*place)->next)
        if (*place == timer) {
            *place = timer->next;
            free(timer);
            return;
        }
}

void timer_start(struct timer *timer, int64_t after_ms)
{
    timer->running = true;
    timer->due_ms = clock_mono_ms() + after_ms;
}

void timer_stop(struct timer *timer)
{
    timer->running = false;
}

static struct timer *due_timer(void)
{
    for (struct timer *timer = timers; timer; timer = timer->next)
        if (timer->running && timer->due_ms <= clock_mono_ms())
            return timer;
    return NULL;
}

void fake_run_timers(void)
{
    for (struct timer *timer; (timer = due_timer());) {
        timer->running = false;
        timer->on_timer(timer->arg);
    }
}

/* ---- what goes out ---- */

struct message {
    struct message *next;
    struct fake_sent sent;
    uint8_t data[];
};
static struct message *first_sent, **last_sent = &first_sent, *taken;

static void add_sent(int tcp, const struct addr *to, const uint8_t *data, size_t n)
{
    struct message *message = calloc(1, sizeof *message + n);
    CHECK(message && n <= FAKE_MESSAGE_MAX);
    message->sent.tcp = tcp;
    if (to)
        message->sent.to = *to;
    message->sent.length = n;
    memcpy(message->data, data, n);
    message->sent.data = message->data;
    *last_sent = message;
    last_sent = &message->next;
}

const struct fake_sent *fake_take_sent(void)
{
    free(taken);
    taken = first_sent;
    if (!taken)
        return NULL;
    first_sent = taken->next;
    if (!first_sent)
        last_sent = &first_sent;
    return &taken->sent;
}

/* ---- UDP: one socket ---- */

struct udp {
    const struct udp_ops *ops;
    void *arg;
    struct addr addr;
};
static struct udp *the_udp;

enum status udp_open(struct loop *loop, const struct addr *addr, const struct udp_ops *ops, void *arg, struct udp **udp,
                     struct fault *fault)
{
    (void)loop, (void)fault;
    *udp = calloc(1, sizeof **udp);
    CHECK(*udp);
    **udp = (struct udp){ops, arg, *addr};
    the_udp = *udp;
    return ST_OK;
}

void udp_close(struct udp *udp)
{
    if (the_udp == udp)
        the_udp = NULL;
    free(udp);
}

struct addr udp_addr(const struct udp *udp)
{
    return udp->addr;
}

void udp_send(struct udp *udp, const struct udp_peer *peer, const uint8_t *data, size_t n)
{
    CHECK(udp == the_udp);
    add_sent(-1, &peer->remote, data, n);
}

void fake_datagram(const struct addr *from, const uint8_t *data, size_t n)
{
    /* Of the exact sizes, so that a sanitizer sees a byte too far. */
    uint8_t *exact = malloc(n + !n), *reply = malloc(UDP_DATAGRAM_MAX);
    CHECK(exact && reply && the_udp);
    memcpy(exact, data, n);
    struct udp_peer peer = {.remote = *from, .local = the_udp->addr};
    size_t length = the_udp->ops->on_datagram(the_udp->arg, &peer, exact, n, reply, UDP_DATAGRAM_MAX);
    free(exact);
    if (length)
        add_sent(-1, from, reply, length);
    free(reply);
}

/* ---- TCP ---- */

struct stream {
    const struct stream_ops *ops;
    void *arg;
    int index;
    struct buf input, output;
    size_t input_limit;
    bool paused, eof;
};
struct listener {
    const struct listener_ops *ops;
    void *arg;
    struct addr addr;
};
enum { MAX_LISTENERS = 3 };
static struct listener *listeners[MAX_LISTENERS];
static int listener_count;
static struct stream *streams[MAX_CONNECTIONS];
static int connections;

enum status listener_open(struct loop *loop, const struct addr *addr, const struct listener_ops *ops, void *arg,
                          struct listener **listener, struct fault *fault)
{
    (void)loop, (void)fault;
    *listener = calloc(1, sizeof **listener);
    CHECK(*listener);
    **listener = (struct listener){ops, arg, *addr};
    CHECK(listener_count < MAX_LISTENERS);
    listeners[listener_count++] = *listener;
    return ST_OK;
}

void listener_close(struct listener *listener)
{
    for (int i = 0; i < listener_count; i++)
        if (listeners[i] == listener)
            listeners[i] = listeners[--listener_count];
    free(listener);
}

struct addr listener_addr(const struct listener *listener)
{
    return listener->addr;
}

static int connect_to(int index, const struct addr *from)
{
    int before = connections;
    CHECK(connections < MAX_CONNECTIONS && index < listener_count);
    struct addr local = addr_v4(0x7f000001, 53);
    listeners[index]->ops->on_accept(listeners[index]->arg, dup(1), from, &local);
    return connections > before ? before : -1;
}

int fake_tcp_connect(const struct addr *from)
{
    return connect_to(0, from);
}

int fake_tls_connect(const struct addr *from)
{
    return connect_to(1, from);
}

struct stream *stream_new_own(struct loop *loop, int fd, const struct stream_ops *ops, void *arg)
{
    (void)loop;
    close(fd);
    struct stream *stream = calloc(1, sizeof *stream);
    CHECK(stream);
    stream->ops = ops;
    stream->arg = arg;
    stream->index = connections;
    streams[connections++] = stream;
    return stream;
}

/* TLS that lets everything through as it is. */
struct stream *tls_server_stream_own(struct loop *loop, int fd, const struct tls_server *server, const char *protocol,
                                     const struct stream_ops *ops, void *arg)
{
    (void)server, (void)protocol;
    return stream_new_own(loop, fd, ops, arg);
}

struct tls_server *tls_server_ref(struct tls_server *server)
{
    return server;
}

void tls_server_unref(struct tls_server *server)
{
    (void)server;
}

const char *tls_server_name(const struct tls_server *server)
{
    (void)server;
    return "dns.example";
}

/* Cuts the output into messages. */
static void collect(struct stream *stream)
{
    for (;;) {
        struct cursor cursor = cursor_over(stream->output.data, stream->output.length);
        uint16_t length = cursor_u16(&cursor);
        const uint8_t *data = cursor_bytes(&cursor, length);
        if (!data)
            return;
        add_sent(stream->index, NULL, data, length);
        buf_consume(&stream->output, 2u + length);
    }
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    streams[stream->index] = NULL;
    buf_free(&stream->input);
    buf_free(&stream->output);
    free(stream);
}

void stream_finish_own(struct stream *stream, int64_t linger_ms, void (*on_gone)(void *arg), void *arg)
{
    (void)linger_ms;
    collect(stream);
    stream_free(stream);
    if (on_gone)
        on_gone(arg);
}

struct str stream_input(const struct stream *stream)
{
    return (struct str){stream->input.data, stream->input.length};
}

void stream_consume(struct stream *stream, size_t n)
{
    buf_consume(&stream->input, n);
}

void stream_set_input_limit(struct stream *stream, size_t limit_bytes)
{
    stream->input_limit = limit_bytes;
}

void stream_pause(struct stream *stream)
{
    stream->paused = true;
}

void stream_resume(struct stream *stream)
{
    stream->paused = false;
}

bool stream_saw_eof(const struct stream *stream)
{
    return stream->eof;
}

enum status stream_write(struct stream *stream, const void *data, size_t n)
{
    buf_add(&stream->output, data, n);
    collect(stream);
    return ST_OK;
}

void stream_flush(struct stream *stream)
{
    (void)stream;
}

void stream_cut(struct stream *stream)
{
    (void)stream;
}

size_t stream_queued(const struct stream *stream)
{
    return stream->output.length;
}

bool stream_is_full(const struct stream *stream)
{
    (void)stream;
    return false;
}

void fake_tcp_send(int connection, const uint8_t *data, size_t n)
{
    struct stream *stream = fake_tcp_open(connection) ? streams[connection] : NULL;
    if (!stream)
        return;
    buf_add(&stream->input, data, n);
    stream->ops->on_data(stream->arg);
}

void fake_tcp_end(int connection)
{
    struct stream *stream = fake_tcp_open(connection) ? streams[connection] : NULL;
    if (!stream)
        return;
    stream->eof = true;
    stream->ops->on_eof(stream->arg);
}

bool fake_tcp_open(int connection)
{
    return connection >= 0 && connection < connections && streams[connection];
}

/* ---- upstream ---- */

static struct fake_query *queries[MAX_QUERIES];
static size_t query_count;
uint64_t fake_queries_seen;
enum status fake_upstream_refuses;

enum status upstream_query(struct upstream *upstream, const uint8_t *query, size_t n, upstream_done_fn *done, void *arg)
{
    (void)upstream;
    if (fake_upstream_refuses != ST_OK || query_count == MAX_QUERIES)
        return fake_upstream_refuses != ST_OK ? fake_upstream_refuses : ST_BUSY;
    struct fake_query *new = malloc(sizeof *new);
    CHECK(new &&n <= sizeof new->data);
    queries[query_count++] = new;
    memcpy(new->data, query, n);
    new->length = n;
    new->done = done;
    new->arg = arg;
    fake_queries_seen++;
    return ST_OK;
}

static struct fake_query take_query(size_t index)
{
    CHECK(index < query_count);
    struct fake_query query = *queries[index];
    free(queries[index]);
    memmove(&queries[index], &queries[index + 1], (--query_count - index) * sizeof queries[0]);
    return query;
}

void upstream_cancel(struct upstream *upstream, void *arg)
{
    (void)upstream;
    for (size_t i = query_count; i--;)
        if (queries[i]->arg == arg)
            take_query(i);
}

/* The cookie of all ones is ours. */
bool upstream_is_own_cookie(struct upstream *upstream, const struct dname *name, const uint8_t *cookie)
{
    static const uint8_t own[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    (void)upstream, (void)name;
    return !memcmp(cookie, own, sizeof own);
}

/* So is the name that begins with an f. */
bool upstream_is_own_probe(struct upstream *upstream, const struct dname *name)
{
    (void)upstream;
    return name->wire[1] == 'f';
}

/* Nobody watches here. */
void upstream_watch(struct upstream *upstream, const void *arg, struct upstream_account *account)
{
    (void)upstream, (void)arg, (void)account;
}

void upstream_unwatch(struct upstream *upstream, const struct upstream_account *account)
{
    (void)upstream, (void)account;
}

size_t fake_queries(void)
{
    return query_count;
}

const struct fake_query *fake_query(size_t index)
{
    return queries[index];
}

void fake_answer(size_t index, enum status status, const uint8_t *data, size_t n)
{
    struct fake_query query = take_query(index);
    uint8_t *exact = malloc(n + !n);
    CHECK(exact);
    if (n)
        memcpy(exact, data, n);
    query.done(query.arg, status, status == ST_OK ? exact : NULL, n);
    free(exact);
}

void fake_reset(void)
{
    CHECK(!the_udp && !listener_count && !timers && !query_count);
    call_count = 0;
    while (fake_take_sent())
        ;
    connections = 0;
    fake_queries_seen = 0;
    fake_upstream_refuses = ST_OK;
}
