/* lookup (of the parent's name) -> dial (the parent) -> talk -> done. A server with several addresses is asked for at
 * one after the other, each over a new connection: a parent closes one that it could not use. */
#include "proxy/parent_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/socket.h"
#include "proxy/origin_order.h"
#include "proxy/parent_messages.h"
#include "proxy/parent_watch.h"

enum talk { TALK_CONNECT, TALK_METHOD, TALK_LOGIN, TALK_REPLY };

struct parent_call {
    struct proxy_context *proxy;
    const struct origin_parent *parent;
    struct origin_target target;
    size_t at; /* which of the target's addresses is asked for */
    struct timer *timer;
    enum origin_result timer_means; /* the end of the time, or what could not be told at once */
    int64_t until_ms;
    origin_connected_fn *done;
    void *arg;

    bool looking_up;
    struct addr addrs[RESOLVER_MAX_ADDRS]; /* the parent's */
    size_t addr_count;
    struct origin_dial dial;
    struct stream *stream;
    enum talk talk;
    struct http_head head; /* of the response to CONNECT */
};

static void dial(struct parent_call *call);

static enum parent_progress progress_of(const struct parent_call *call, enum origin_result result)
{
    switch (result) {
    case ORIGIN_CONNECTED:
        return call->target.route == ROUTE_PLAIN ? PARENT_REACHED : PARENT_SERVED;
    case ORIGIN_UNREACHABLE:
    case ORIGIN_PARENT_REFUSED:
        return PARENT_ANSWERED;
    default:
        return call->stream ? PARENT_REACHED : PARENT_SILENT;
    }
}

/* The callee frees the call. */
static void finish(struct parent_call *call, enum origin_result result)
{
    struct stream *stream = call->stream;
    parent_watch_note(call->proxy->settings->parent_watch, progress_of(call, result), result, call->target.host);
    bool is_told = call->target.route == ROUTE_PARENT && call->target.addr_count;
    timer_stop(call->timer);
    call->stream = NULL;
    if (result != ORIGIN_CONNECTED) {
        stream_free(stream);
        stream = NULL;
    } else {
        stream_set_idle_timeout(stream, 0);
    }
    call->done(call->arg, result, stream, is_told ? &call->target.addrs[call->at] : NULL);
}

static void on_timer(void *arg)
{
    struct parent_call *call = arg;
    if (call->looking_up)
        call->proxy->resolver->cancel(call->proxy->resolver->self, call);
    call->looking_up = false;
    origin_dial_stop(&call->dial);
    finish(call, call->timer_means);
}

/* Not from within parent_call_new(). */
static void finish_later(struct parent_call *call, enum origin_result result)
{
    call->timer_means = result;
    timer_start(call->timer, 0);
}

/* The parent could not reach the server at this address: the next one, over a new connection. */
static void try_next(struct parent_call *call)
{
    if (call->target.name.length || call->at + 1 >= call->target.addr_count) {
        finish(call, ORIGIN_UNREACHABLE);
        return;
    }
    call->at++;
    stream_free(call->stream);
    call->stream = NULL;
    dial(call);
}

/* Talk */

static void say(struct parent_call *call, enum talk next)
{
    struct buf *out = &call->proxy->out;
    struct parent_target target = {.name = call->target.name, .addr = {.port = call->target.port}};
    if (!target.name.length)
        target.addr = call->target.addrs[call->at];
    call->talk = next;
    switch (next) {
    case TALK_CONNECT:
        parent_connect_build(out, call->parent, &target);
        break;
    case TALK_METHOD:
        parent_socks_greeting_build(out, call->parent);
        break;
    case TALK_LOGIN:
        parent_socks_login_build(out, call->parent);
        break;
    case TALK_REPLY:
        parent_socks_request_build(out, &target);
        break;
    }
    enum status status = out->failed ? ST_NOMEM : stream_write(call->stream, out->data, out->length);
    if (out->data)
        explicit_bzero(out->data, out->length); /* a login was in it */
    buf_clear(out);
    if (status == ST_NOMEM)
        finish(call, ORIGIN_NO_MEMORY);
    else
        stream_flush(call->stream); /* ST_CLOSED: on_talk_failed() follows */
}

/* Whether a message was read, which is taken then; else more is waited for, or this is the end. */
static bool take(struct parent_call *call, enum status parsed, size_t length)
{
    if (parsed == ST_TRUNCATED)
        return false;
    if (parsed != ST_OK) {
        finish(call, parsed == ST_DENIED ? ORIGIN_PARENT_LOGIN : ORIGIN_PARENT_MALFORMED);
        return false;
    }
    stream_consume(call->stream, length);
    return true;
}

static void hear_connect(struct parent_call *call, struct str input)
{
    unsigned status = 0;
    size_t length = 0;
    enum status parsed = parent_connect_parse(input, &call->head, &status, &length);
    if (!take(call, parsed, length))
        return;
    if (status < 300)
        finish(call, ORIGIN_CONNECTED);
    else if (status == 407 || status == 401)
        finish(call, ORIGIN_PARENT_LOGIN);
    else if (status == 502 || status == 503 || status == 504)
        try_next(call);
    else
        finish(call, ORIGIN_PARENT_REFUSED);
}

static void hear_method(struct parent_call *call, struct str input)
{
    uint8_t method = SOCKS_NO_METHOD;
    size_t length = 0;
    enum status parsed = parent_socks_method_parse(input, call->parent->has_login, &method, &length);
    if (!take(call, parsed, length))
        return;
    if (method == SOCKS_NO_METHOD)
        finish(call, ORIGIN_PARENT_LOGIN);
    else
        say(call, method == SOCKS_LOGIN ? TALK_LOGIN : TALK_REPLY);
}

static void hear_login(struct parent_call *call, struct str input)
{
    size_t length = 0;
    enum status parsed = parent_socks_login_parse(input, &length);
    if (take(call, parsed, length))
        say(call, TALK_REPLY);
}

/* RFC 1928 section 6 */
static void hear_reply(struct parent_call *call, struct str input)
{
    enum { GRANTED = 0, NETWORK_UNREACHABLE = 3, HOST_UNREACHABLE = 4, REFUSED = 5, TTL_EXPIRED = 6 };
    uint8_t reply = 0;
    size_t length = 0;
    enum status parsed = parent_socks_reply_parse(input, &reply, &length);
    if (!take(call, parsed, length))
        return;
    switch (reply) {
    case GRANTED:
        finish(call, ORIGIN_CONNECTED);
        return;
    case NETWORK_UNREACHABLE:
    case HOST_UNREACHABLE:
    case REFUSED:
    case TTL_EXPIRED:
        try_next(call);
        return;
    default:
        finish(call, ORIGIN_PARENT_REFUSED);
    }
}

static void on_talk(void *arg)
{
    static void (*const hear[])(struct parent_call * call, struct str input) = {[TALK_CONNECT] = hear_connect,
                                                                                [TALK_METHOD] = hear_method,
                                                                                [TALK_LOGIN] = hear_login,
                                                                                [TALK_REPLY] = hear_reply};
    struct parent_call *call = arg;
    struct str input = stream_input(call->stream);
    if (input.length)
        hear[call->talk](call, input);
}

static void on_talk_eof(void *arg)
{
    finish(arg, ORIGIN_PARENT_MALFORMED);
}

static void on_talk_failed(void *arg, enum status status)
{
    finish(arg, status == ST_NOMEM ? ORIGIN_NO_MEMORY : ORIGIN_PARENT_UNREACHABLE);
}

/* Dial */

static void on_dialled(void *arg, enum status status, struct stream *stream, const struct addr *addr)
{
    static const struct stream_ops ops = {.on_data = on_talk, .on_eof = on_talk_eof, .on_failed = on_talk_failed};
    struct parent_call *call = arg;
    (void)addr;
    call->stream = stream;
    if (status != ST_OK) {
        finish(call, status == ST_NOMEM     ? ORIGIN_NO_MEMORY
                     : status == ST_TIMEOUT ? ORIGIN_PARENT_TIMEOUT
                                            : ORIGIN_PARENT_UNREACHABLE);
        return;
    }
    stream_set_owner(stream, &ops, call);
    if (call->target.route == ROUTE_PLAIN)
        finish(call, ORIGIN_CONNECTED);
    else
        say(call, call->parent->kind == PARENT_HTTP ? TALK_CONNECT : TALK_METHOD);
}

static void dial(struct parent_call *call)
{
    int64_t left_ms = call->until_ms - loop_now_ms(call->proxy->loop);
    if (left_ms <= 0)
        return; /* the timer is due */
    if (origin_dial_start(&call->dial, call->proxy->loop, call->addrs, call->addr_count, left_ms, on_dialled, call) !=
        ST_OK)
        finish_later(call, ORIGIN_NO_MEMORY);
}

/* Begin */

/* A parent that is ourselves would ask us for ever. */
static void begin(struct parent_call *call, const struct addr *addrs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct addr addr = addrs[i];
        addr.port = call->parent->addr.port;
        if (!egress_is_our_listener(&call->proxy->egress, &addr))
            call->addrs[call->addr_count++] = addr;
    }
    origin_order(call->addrs, call->addr_count, socket_local_towards);
    if (call->addr_count)
        dial(call);
    else
        finish_later(call, ORIGIN_PARENT_UNREACHABLE);
}

static void on_resolved(void *arg, const struct resolver_answer *answer)
{
    struct parent_call *call = arg;
    CHECK(answer->addr_count <= RESOLVER_MAX_ADDRS);
    call->looking_up = false;
    begin(call, answer->addrs, answer->status == ST_OK ? answer->addr_count : 0);
}

/* Nobody knows which families the parent has. What it cannot reach it mostly says at once; IPv4 it has most likely. */
static void put_ipv4_first(struct addr *addrs, size_t count)
{
    size_t v4 = 0;
    for (size_t i = 0; i < count; i++) {
        struct addr addr = addrs[i];
        if (!addr_is_v4(&addr))
            continue;
        memmove(&addrs[v4 + 1], &addrs[v4], (i - v4) * sizeof *addrs);
        addrs[v4++] = addr;
    }
}

struct parent_call *parent_call_new(struct proxy_context *proxy, const struct origin_target *target,
                                    origin_connected_fn *done, void *arg)
{
    const struct origin_parent *parent = proxy->settings->parent;
    struct resolver *resolver = proxy->resolver;
    struct parent_call *call = calloc(1, sizeof *call);
    if (!call || !(call->timer = timer_new(proxy->loop, on_timer, call))) {
        free(call);
        return NULL;
    }
    call->proxy = proxy;
    call->parent = parent;
    call->target = *target;
    call->timer_means = ORIGIN_PARENT_TIMEOUT;
    call->until_ms = loop_now_ms(proxy->loop) + proxy->settings->connect_timeout_ms;
    call->done = done;
    call->arg = arg;
    put_ipv4_first(call->target.addrs, call->target.addr_count);
    timer_start(call->timer, proxy->settings->connect_timeout_ms);
    call->looking_up = parent->name.length;
    if (call->looking_up)
        resolver->lookup(resolver->self, &parent->name, on_resolved, call); /* may call back at once */
    else
        begin(call, &parent->addr, 1);
    return call;
}

void parent_call_free(struct parent_call *call)
{
    if (!call)
        return;
    if (call->looking_up)
        call->proxy->resolver->cancel(call->proxy->resolver->self, call);
    origin_dial_stop(&call->dial);
    stream_free(call->stream);
    timer_free(call->timer);
    free(call);
}
