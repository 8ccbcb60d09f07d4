/* The way of one request.
 *
 *     receive -> parse -> decide -> resolve -> decide address -> connect -> send -> await -> relay -> done
 *
 * Each step is a function in the table below, in this order. It does what it can now and says whether to go on or to
 * wait. What is waited for comes by a callback, which stores what came and steps the client again (http_client.c); the
 * step that waited then runs again and finds it. Everything of a request is freed in http_txn_free(). */
#include "proxy/http_txn.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/http_client.h"
#include "proxy/http_forward.h"
#include "proxy/http_verdict.h"

enum {
    ARENA_BYTES = 128 << 10, /* a head of HTTP_MAX_HEAD and what is made of it */
    MAX_SPARE_TXNS = 64,
    MAX_INTERIM = 100,
};

enum next { GO_ON, WAIT };

static enum next step_receive(struct http_txn *txn);
static enum next step_parse(struct http_txn *txn);
static enum next step_decide(struct http_txn *txn);
static enum next step_resolve(struct http_txn *txn);
static enum next step_decide_address(struct http_txn *txn);
static enum next step_connect(struct http_txn *txn);
static enum next step_send(struct http_txn *txn);
static enum next step_await(struct http_txn *txn);
static enum next step_relay(struct http_txn *txn);

static enum next (*const steps[])(struct http_txn *txn) = {
    [STEP_RECEIVE] = step_receive,               /* the head, whole */
    [STEP_PARSE] = step_parse,                   /* is it a request that a proxy takes? */
    [STEP_DECIDE] = step_decide,                 /* may this client have this host and URL? */
    [STEP_RESOLVE] = step_resolve,               /* the host's addresses */
    [STEP_DECIDE_ADDRESS] = step_decide_address, /* may they be dialled? */
    [STEP_CONNECT] = step_connect,               /* an idle connection, or a new one */
    [STEP_SEND] = step_send,                     /* the request's head */
    [STEP_AWAIT] = step_await,                   /* the response's head; the request's body goes on */
    [STEP_RELAY] = step_relay,                   /* the response's body */
};

/* Life */

static void on_timer(void *arg)
{
    struct http_txn *txn = arg;
    txn->timed_out = true;
    http_client_step(txn->client);
}

static struct http_txn *make(struct proxy_context *proxy)
{
    struct http_txn *txn = calloc(1, sizeof *txn);
    if (!txn)
        return NULL;
    txn->arena = arena_new(ARENA_BYTES);
    txn->timer = timer_new(proxy->loop, on_timer, txn);
    if (!txn->arena || !txn->timer) {
        arena_free(txn->arena);
        timer_free(txn->timer);
        free(txn);
        return NULL;
    }
    return txn;
}

struct http_txn *http_txn_new(struct http_client *client)
{
    struct proxy_context *proxy = client->proxy;
    struct http_txn *txn = SLIST_FIRST(&proxy->spare_txns);
    if (txn) {
        SLIST_REMOVE_HEAD(&proxy->spare_txns, spare);
        proxy->spare_txn_count--;
    } else {
        txn = make(proxy);
    }
    if (!txn)
        return NULL;
    struct arena *arena = txn->arena;
    struct timer *timer = txn->timer;
    memset(txn, 0, offsetof(struct http_txn, head));
    memset(&txn->head, 0, offsetof(struct http_head, fields));
    txn->arena = arena;
    txn->timer = timer;
    txn->proxy = proxy;
    txn->client = client;
    txn->client_idle_ms = proxy->settings->idle_timeout_ms;
    return txn;
}

static void destroy(struct http_txn *txn)
{
    arena_free(txn->arena);
    timer_free(txn->timer);
    free(txn);
}

void http_txn_free(struct http_txn *txn)
{
    if (!txn)
        return;
    struct proxy_context *proxy = txn->proxy;
    if (txn->lookup == RUNNING)
        proxy->resolver->cancel(proxy->resolver->self, txn);
    origin_dial_stop(&txn->dial);
    stream_free(txn->origin);
    timer_stop(txn->timer);
    arena_reset(txn->arena);
    if (proxy->spare_txn_count == MAX_SPARE_TXNS) {
        destroy(txn);
        return;
    }
    SLIST_INSERT_HEAD(&proxy->spare_txns, txn, spare);
    proxy->spare_txn_count++;
}

void http_txn_free_spare(struct proxy_context *proxy)
{
    while (!SLIST_EMPTY(&proxy->spare_txns)) {
        struct http_txn *txn = SLIST_FIRST(&proxy->spare_txns);
        SLIST_REMOVE_HEAD(&proxy->spare_txns, spare);
        destroy(txn);
    }
}

/* Who is waited for has a bound on his silence; who waits has none. */
static void set_clocks(struct http_txn *txn)
{
    const struct proxy_settings *settings = txn->proxy->settings;
    struct stream *client = txn->client->stream;
    if (txn->step <= STEP_PARSE)
        return;
    bool sends = txn->step >= STEP_AWAIT && !txn->upload.ended && !txn->upload_failed && !stream_is_full(txn->origin);
    int64_t client_idle_ms = sends || stream_queued(client) ? settings->idle_timeout_ms : 0;
    if (client_idle_ms != txn->client_idle_ms)
        stream_set_idle_timeout(client, client_idle_ms);
    txn->client_idle_ms = client_idle_ms;
    if (!txn->origin)
        return;
    int64_t origin_idle_ms = stream_is_full(client) ? 0 : settings->response_timeout_ms;
    if (origin_idle_ms != txn->origin_idle_ms)
        stream_set_idle_timeout(txn->origin, origin_idle_ms);
    txn->origin_idle_ms = origin_idle_ms;
}

enum http_end http_txn_step(struct http_txn *txn)
{
    enum next next = GO_ON;
    while (txn->step != STEP_DONE && next == GO_ON)
        next = steps[txn->step](txn);
    stream_flush(txn->client->stream);
    if (txn->origin)
        stream_flush(txn->origin);
    if (txn->step != STEP_DONE)
        set_clocks(txn);
    return txn->end;
}

struct stream *http_txn_take_origin(struct http_txn *txn)
{
    struct stream *origin = txn->origin;
    txn->origin = NULL;
    return origin;
}

static enum next go_to(struct http_txn *txn, enum http_step step)
{
    txn->step = step;
    return GO_ON;
}

static enum next finish(struct http_txn *txn, enum http_end end)
{
    CHECK(end != HTTP_END_WAIT);
    txn->end = end;
    return go_to(txn, STEP_DONE);
}

/* Answers of our own */

/* What was built goes to the client. */
static enum status send_out(struct http_txn *txn, struct stream *to)
{
    struct buf *out = &txn->proxy->out;
    enum status status = out->failed ? ST_NOMEM : stream_write(to, out->data, out->length);
    buf_clear(out);
    return status;
}

/* A body that nobody reads ends the connection, as do our own stop and the client's wish. */
static bool may_keep(const struct http_txn *txn)
{
    return txn->keep_alive && txn->head.framing == HTTP_BODY_NONE && !txn->proxy->draining;
}

static enum next answer_reject(struct http_txn *txn, enum http_answer answer, enum http_reject reject)
{
    struct proxy_counters *counters = &txn->proxy->counters;
    counters->malformed += http_answer_blame(answer) == BLAME_CLIENT;
    counters->refused += http_answer_blame(answer) == BLAME_RULES;
    counters->failed += http_answer_blame(answer) == BLAME_ORIGIN;
    bool head_only = str_eq(txn->head.method, STR("HEAD")), keep = may_keep(txn);
    http_answer_build(&txn->proxy->out, answer, reject, proxy_context_date(txn->proxy), head_only, keep);
    if (send_out(txn, txn->client->stream) != ST_OK)
        return finish(txn, HTTP_END_ABORT);
    return finish(txn, keep ? HTTP_END_KEEP : HTTP_END_CLOSE);
}

static enum next answer(struct http_txn *txn, enum http_answer answer)
{
    return answer_reject(txn, answer, HTTP_REJECT_NONE);
}

/* ADDR: of an address's verdict; NULL: of the target's. */
static enum next block(struct http_txn *txn, const struct verdict *verdict, const struct addr *addr)
{
    bool keep = may_keep(txn);
    txn->proxy->counters.blocked++;
    http_verdict_page(txn, verdict, keep, &txn->proxy->out);
    http_verdict_record(txn, verdict, addr, 403);
    if (send_out(txn, txn->client->stream) != ST_OK)
        return finish(txn, HTTP_END_ABORT);
    return finish(txn, keep ? HTTP_END_KEEP : HTTP_END_CLOSE);
}

/* Receive */

/* Only what is wrong already is found in a part. */
static enum next receive_part(struct http_txn *txn, struct str input)
{
    struct http_head part;
    enum http_reject reject;
    if (http_request_parse(input, &part, &reject) != ST_TRUNCATED) {
        txn->proxy->counters.requests++;
        return answer_reject(txn, ANSWER_BAD_REQUEST, reject);
    }
    if (stream_saw_eof(txn->client->stream))
        return finish(txn, HTTP_END_CLOSE);
    if (txn->timed_out)
        return answer(txn, ANSWER_HEAD_TIMEOUT);
    if (!txn->timer_running)
        timer_start(txn->timer, txn->proxy->settings->head_timeout_ms);
    txn->timer_running = true;
    return WAIT;
}

static enum next step_receive(struct http_txn *txn)
{
    struct str input = stream_input(txn->client->stream);
    size_t room = input.length < HTTP_MAX_HEAD ? input.length : HTTP_MAX_HEAD;
    const char *end = memmem(input.data, room, "\r\n\r\n", 4);
    if (!end)
        return receive_part(txn, input);
    txn->raw.length = (size_t)(end - input.data) + 4;
    txn->raw.data = arena_copy(txn->arena, input.data, txn->raw.length);
    if (!txn->raw.data)
        return answer(txn, ANSWER_NO_MEMORY);
    stream_consume(txn->client->stream, txn->raw.length);
    return go_to(txn, STEP_PARSE);
}

/* Parse */

static bool is_websocket(const struct http_head *head)
{
    return head->upgrade && head->framing == HTTP_BODY_NONE && str_eq(head->method, STR("GET")) &&
           http_field_has_token(head, STR("Upgrade"), STR("websocket"));
}

/* What a well-formed request has that we do not take, or ANSWER_NONE. */
static enum http_answer find_fault(struct http_txn *txn)
{
    struct http_head *head = &txn->head;
    uint64_t hops;
    if (str_eq(head->method, STR("TRACE")))
        return ANSWER_TRACE;
    if (head->form == HTTP_TARGET_ASTERISK)
        return ANSWER_OPTIONS;
    if (head->form == HTTP_TARGET_ORIGIN)
        return ANSWER_NOT_FOR_A_PROXY;
    if (head->form == HTTP_TARGET_ABSOLUTE && !str_eq_nocase(head->scheme, STR("http")))
        return ANSWER_SCHEME;
    if (egress_parse_host(head->host, &txn->addrs[0], &txn->name) != ST_OK)
        return ANSWER_BAD_HOST;
    http_via_token(&txn->proxy->via, head->host, txn->via_token);
    if (http_via_is_loop(head, txn->via_token))
        return ANSWER_LOOP;
    if (str_eq(head->method, STR("OPTIONS")) && http_forward_max(head, &hops) && !hops)
        return ANSWER_OPTIONS; /* RFC 9110 section 7.6.2: the last recipient is us */
    return ANSWER_NONE;
}

static enum next step_parse(struct http_txn *txn)
{
    enum http_reject reject;
    txn->proxy->counters.requests++;
    if (http_request_parse(txn->raw, &txn->head, &reject) != ST_OK)
        return answer_reject(txn, ANSWER_BAD_REQUEST, reject == HTTP_REJECT_NONE ? HTTP_REJECT_SYNTAX : reject);
    txn->is_connect = txn->head.form == HTTP_TARGET_AUTHORITY;
    txn->keep_alive = txn->head.keep_alive && !txn->is_connect;
    txn->upgrade = is_websocket(&txn->head);
    txn->port = txn->head.port ? txn->head.port : 80;
    if (txn->head.framing == HTTP_BODY_LENGTH && !txn->head.content_length)
        txn->head.framing = HTTP_BODY_NONE;
    enum http_answer fault = find_fault(txn);
    return fault == ANSWER_NONE ? go_to(txn, STEP_DECIDE) : answer(txn, fault);
}

/* Decide */

static enum next step_decide(struct http_txn *txn)
{
    struct verdict verdict;
    enum action action = http_verdict_target(txn, &verdict);
    if (action == ACTION_BLOCK)
        return block(txn, &verdict, NULL);
    if (action == ACTION_LOG) {
        http_verdict_record(txn, &verdict, NULL, 0);
        txn->address_recorded = verdict.kind == INDICATOR_NETWORK;
    }
    if (txn->is_connect && !egress_allows_connect_port(&txn->proxy->egress, txn->port))
        return answer(txn, ANSWER_CONNECT_PORT);
    return go_to(txn, STEP_RESOLVE);
}

/* Resolve */

static void on_resolved(void *arg, enum status status, const struct addr *addrs, size_t count)
{
    struct http_txn *txn = arg;
    CHECK(txn->lookup == RUNNING && count <= RESOLVER_MAX_ADDRS);
    txn->lookup = FINISHED;
    txn->lookup_status = status;
    txn->addr_count = status == ST_OK ? count : 0;
    for (size_t i = 0; i < txn->addr_count; i++)
        txn->addrs[i] = addrs[i];
    http_client_step(txn->client);
}

static enum http_answer lookup_answer(enum status status)
{
    switch (status) {
    case ST_TIMEOUT:
        return ANSWER_NAME_TIMEOUT;
    case ST_NOT_FOUND:
        return ANSWER_NO_SUCH_NAME;
    default:
        return ANSWER_NO_RESOLVER;
    }
}

static enum next step_resolve(struct http_txn *txn)
{
    struct resolver *resolver = txn->proxy->resolver;
    if (!txn->name.length) { /* the host is an address */
        txn->addr_count = 1;
        return go_to(txn, STEP_DECIDE_ADDRESS);
    }
    if (txn->lookup == NOT_STARTED) {
        txn->lookup = RUNNING;
        resolver->lookup(resolver->self, &txn->name, on_resolved, txn); /* may call back at once */
    }
    if (txn->lookup == RUNNING)
        return WAIT;
    return txn->addr_count ? go_to(txn, STEP_DECIDE_ADDRESS) : answer(txn, lookup_answer(txn->lookup_status));
}

/* Decide address */

static enum next step_decide_address(struct http_txn *txn)
{
    struct verdict verdict;
    const struct addr *addr = NULL;
    for (size_t i = 0; i < txn->addr_count; i++)
        txn->addrs[i].port = txn->port;
    enum action action = http_verdict_addresses(txn, &verdict, &addr);
    if (action == ACTION_BLOCK)
        return block(txn, &verdict, addr);
    if (action == ACTION_LOG && !txn->address_recorded)
        http_verdict_record(txn, &verdict, addr, 0);
    size_t allowed = 0;
    for (size_t i = 0; i < txn->addr_count; i++)
        if (egress_allows(&txn->proxy->egress, &txn->addrs[i]))
            txn->addrs[allowed++] = txn->addrs[i];
    txn->addr_count = allowed;
    return allowed ? go_to(txn, STEP_CONNECT) : answer(txn, ANSWER_DESTINATION);
}

/* Connect */

static void on_origin(void *arg)
{
    struct http_txn *txn = arg;
    http_client_step(txn->client);
}

static void on_origin_failed(void *arg, enum status status)
{
    struct http_txn *txn = arg;
    txn->origin_status = status;
    http_client_step(txn->client);
}

static void own_origin(struct http_txn *txn, struct stream *stream, const struct addr *addr)
{
    static const struct stream_ops ops = {
        .on_data = on_origin, .on_eof = on_origin, .on_drained = on_origin, .on_failed = on_origin_failed};
    stream_set_owner(stream, &ops, txn);
    txn->origin = stream;
    txn->origin_addr = *addr;
    txn->origin_idle_ms = -1;
}

static void on_dialled(void *arg, enum status status, struct stream *stream, const struct addr *addr)
{
    struct http_txn *txn = arg;
    txn->dial_state = FINISHED;
    txn->dial_status = status;
    if (status == ST_OK)
        own_origin(txn, stream, addr);
    http_client_step(txn->client);
}

/* RFC 9110 section 9.2.2. A request that could not be sent twice is not sent on a connection that the server may be
 * closing at this moment. */
static bool is_repeatable(const struct http_txn *txn)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    if (txn->head.framing != HTTP_BODY_NONE || txn->is_connect)
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_eq(txn->head.method, str_of(methods[i])))
            return true;
    return false;
}

static bool take_idle_origin(struct http_txn *txn)
{
    if (txn->retried || !is_repeatable(txn))
        return false;
    for (size_t i = 0; i < txn->addr_count; i++) {
        struct stream *stream = origin_pool_take(txn->proxy->pool, &txn->addrs[i], txn->head.host);
        if (stream) {
            own_origin(txn, stream, &txn->addrs[i]);
            txn->origin_reused = true;
            return true;
        }
    }
    return false;
}

static enum http_answer dial_answer(enum status status)
{
    switch (status) {
    case ST_TIMEOUT:
        return ANSWER_CONNECT_TIMEOUT;
    case ST_NOMEM:
        return ANSWER_NO_MEMORY;
    default:
        return ANSWER_UNREACHABLE;
    }
}

/* RFC 9110 section 9.3.6: dialled first, so that a client learns of a failure. */
static enum next open_tunnel(struct http_txn *txn)
{
    buf_add_text(&txn->proxy->out, "HTTP/1.1 200 Connection Established\r\n\r\n");
    if (send_out(txn, txn->client->stream) != ST_OK)
        return finish(txn, HTTP_END_ABORT);
    return finish(txn, HTTP_END_TUNNEL);
}

static enum next step_connect(struct http_txn *txn)
{
    const struct proxy_settings *settings = txn->proxy->settings;
    if (txn->dial_state == NOT_STARTED) {
        if (take_idle_origin(txn))
            return go_to(txn, STEP_SEND);
        if (origin_dial_start(&txn->dial, txn->proxy->loop, txn->addrs, txn->addr_count, settings->connect_timeout_ms,
                              on_dialled, txn) != ST_OK)
            return answer(txn, ANSWER_NO_MEMORY);
        txn->dial_state = RUNNING;
    }
    if (txn->dial_state == RUNNING)
        return WAIT;
    if (txn->dial_status != ST_OK)
        return answer(txn, dial_answer(txn->dial_status));
    return txn->is_connect ? open_tunnel(txn) : go_to(txn, STEP_SEND);
}

/* Send */

static enum next step_send(struct http_txn *txn)
{
    http_forward_request(&txn->proxy->out, &txn->head, txn->upgrade, txn->via_token);
    http_relay_init(&txn->upload, &txn->head, txn->head.framing);
    txn->upload_failed = send_out(txn, txn->origin) != ST_OK; /* then on_origin_failed() follows */
    return go_to(txn, STEP_AWAIT);
}

/* Passes the request's body on. False: the client broke it off, or its framing. */
static bool upload(struct http_txn *txn)
{
    struct stream *client = txn->client->stream;
    if (txn->upload.ended || txn->upload_failed)
        return true;
    enum status status = http_relay_step(&txn->upload, client, txn->origin);
    if (status == ST_INVALID)
        return false;
    txn->upload_failed = status != ST_OK; /* its response may still come: 413 */
    bool cut_off = stream_saw_eof(client) && !stream_input(client).length;
    return txn->upload.ended || txn->upload_failed || !cut_off;
}

/* Await */

static bool origin_ended(const struct http_txn *txn)
{
    return txn->origin_status != ST_OK || stream_saw_eof(txn->origin);
}

/* A connection that the server closed while the request was on its way (RFC 9112 section 9.3.1): once more, on a new
 * one. */
static enum next retry(struct http_txn *txn)
{
    stream_free(txn->origin);
    txn->origin = NULL;
    txn->origin_reused = false;
    txn->origin_status = ST_OK;
    txn->retried = true;
    return go_to(txn, STEP_CONNECT);
}

static enum next await_more(struct http_txn *txn, size_t received)
{
    if (!origin_ended(txn))
        return WAIT;
    if (!received && !txn->interim_count && txn->origin_reused && txn->origin_status != ST_TIMEOUT)
        return retry(txn);
    if (txn->origin_status == ST_TIMEOUT)
        return answer(txn, ANSWER_RESPONSE_TIMEOUT);
    return answer(txn, received ? ANSWER_BAD_RESPONSE : ANSWER_NO_RESPONSE);
}

/* 1xx (RFC 9110 section 15.2): not for HTTP/1.0 clients; 101 only as the answer to an upgrade that we asked for. */
static enum next pass_interim(struct http_txn *txn, const struct http_head *response)
{
    bool switches = response->status == 101;
    if (++txn->interim_count > MAX_INTERIM)
        return answer(txn, ANSWER_BAD_RESPONSE);
    if (switches && (!txn->upgrade || !http_field_has_token(response, STR("Upgrade"), STR("websocket"))))
        return answer(txn, ANSWER_BAD_RESPONSE);
    struct http_forward_response how = {.keep_alive = true, .upgrade = switches};
    size_t length = response->length;
    if (txn->head.version_minor) {
        http_forward_response(&txn->proxy->out, response, &how);
        if (send_out(txn, txn->client->stream) != ST_OK)
            return finish(txn, HTTP_END_ABORT);
    }
    stream_consume(txn->origin, length);
    return switches ? finish(txn, HTTP_END_TUNNEL) : GO_ON;
}

static enum http_framing framing_to_client(const struct http_txn *txn, const struct http_head *response)
{
    if (response->framing != HTTP_BODY_CHUNKED && response->framing != HTTP_BODY_UNTIL_CLOSE)
        return response->framing;
    return txn->head.version_minor ? HTTP_BODY_CHUNKED : HTTP_BODY_UNTIL_CLOSE;
}

static enum next pass_head(struct http_txn *txn, const struct http_head *response)
{
    struct http_forward_response how = {.framing = framing_to_client(txn, response),
                                        .date = proxy_context_date(txn->proxy)};
    txn->keep_alive =
        txn->keep_alive && how.framing != HTTP_BODY_UNTIL_CLOSE && !txn->proxy->draining && txn->upload.ended;
    how.keep_alive = txn->keep_alive;
    txn->origin_keep_alive = response->keep_alive;
    http_forward_response(&txn->proxy->out, response, &how);
    if (send_out(txn, txn->client->stream) != ST_OK)
        return finish(txn, HTTP_END_ABORT);
    http_relay_init(&txn->download, response, how.framing);
    txn->cut_is_hidden = how.framing == HTTP_BODY_UNTIL_CLOSE;
    stream_consume(txn->origin, response->length);
    return go_to(txn, STEP_RELAY);
}

static enum next step_await(struct http_txn *txn)
{
    struct http_head response;
    enum http_reject reject;
    if (!upload(txn))
        return stream_saw_eof(txn->client->stream) ? finish(txn, HTTP_END_CLOSE) : answer(txn, ANSWER_BAD_BODY);
    struct str input = stream_input(txn->origin);
    enum status status = http_response_parse(input, txn->head.method, &response, &reject);
    if (status == ST_TRUNCATED)
        return await_more(txn, input.length);
    if (status != ST_OK)
        return answer(txn, ANSWER_BAD_RESPONSE);
    return response.status < 200 ? pass_interim(txn, &response) : pass_head(txn, &response);
}

/* Relay */

static enum next response_complete(struct http_txn *txn)
{
    bool reusable = txn->origin_keep_alive && txn->upload.ended && !origin_ended(txn) &&
                    !stream_input(txn->origin).length && !stream_queued(txn->origin);
    if (reusable) {
        origin_pool_put_own(txn->proxy->pool, txn->origin, &txn->origin_addr, txn->head.host);
        txn->origin = NULL;
    }
    return finish(txn, txn->keep_alive ? HTTP_END_KEEP : HTTP_END_CLOSE);
}

/* The client must not take what it has for the whole: its framing tells it, or the connection breaks (RFC 9112 section
 * 8). */
static enum next response_cut(struct http_txn *txn)
{
    return finish(txn, txn->cut_is_hidden ? HTTP_END_ABORT : HTTP_END_CLOSE);
}

static enum next step_relay(struct http_txn *txn)
{
    struct stream *client = txn->client->stream;
    if (!upload(txn))
        return response_cut(txn);
    enum status status = http_relay_step(&txn->download, txn->origin, client);
    if (status == ST_OK && !txn->download.ended) {
        if (!origin_ended(txn) || stream_input(txn->origin).length)
            return WAIT; /* for the origin, or until the client has taken what it has */
        status = txn->origin_status == ST_OK ? http_relay_eof(&txn->download, client) : ST_TRUNCATED;
    }
    if (status != ST_OK)
        return response_cut(txn);
    return txn->download.ended ? response_complete(txn) : WAIT;
}
