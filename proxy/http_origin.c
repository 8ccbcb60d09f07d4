/* The second half of a request's way: the exchange with the origin, the server that the request is for. */
#include "proxy/http_door.h"
#include "proxy/http_forward.h"
#include "proxy/http_steps.h"
#include "proxy/parent_watch.h"

enum { MAX_INTERIM = 100, LEAST_WINDOW_BYTES = 20 * 256 };

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

static void attach_origin(struct http_txn *txn, struct stream *stream, const struct addr *addr)
{
    static const struct stream_ops ops = {
        .on_data = on_origin, .on_eof = on_origin, .on_drained = on_origin, .on_failed = on_origin_failed};
    stream_set_owner(stream, &ops, txn);
    txn->origin = stream;
    txn->origin_addr = *addr;
    txn->origin_idle_ms = -1;
}

static void on_connected(void *arg, enum origin_result result, struct stream *stream, const struct addr *addr)
{
    struct http_txn *txn = arg;
    txn->connect_state = FINISHED;
    txn->connect_result = result;
    if (result == ORIGIN_CONNECTED)
        attach_origin(txn, stream, addr ? addr : &(struct addr){.port = txn->port});
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

/* Under what an idle connection is kept. One to an HTTP parent that reads requests itself is for every host (and the
 * same port, which is 80 as a rule): no host has the empty name. */
static struct str pool_host(const struct http_txn *txn)
{
    return txn->route == ROUTE_PLAIN ? (struct str){0} : txn->head.host;
}

static bool take_idle_at(struct http_txn *txn, const struct addr *addr)
{
    struct stream *stream = origin_pool_take(txn->proxy->pool, addr, pool_host(txn));
    if (!stream)
        return false;
    attach_origin(txn, stream, addr);
    txn->origin_reused = true;
    return true;
}

/* The parent is told the host's name, so that no address is known. */
static bool is_told_by_name(const struct http_txn *txn)
{
    return txn->route == ROUTE_PARENT && txn->name.length && txn->proxy->settings->parent->by_name;
}

static bool take_idle_origin(struct http_txn *txn)
{
    if (txn->retried || !is_repeatable(txn))
        return false;
    if (txn->route == ROUTE_PLAIN || is_told_by_name(txn))
        return take_idle_at(txn, &(struct addr){.port = txn->port});
    for (size_t i = 0; i < txn->addr_count; i++)
        if (take_idle_at(txn, &txn->addrs[i]))
            return true;
    return false;
}

static enum http_answer connect_answer(enum origin_result result)
{
    static const enum http_answer answers[] = {
        [ORIGIN_CONNECTED] = ANSWER_NONE,
        [ORIGIN_NO_MEMORY] = ANSWER_NO_MEMORY,
        [ORIGIN_UNREACHABLE] = ANSWER_UNREACHABLE,
        [ORIGIN_TIMEOUT] = ANSWER_CONNECT_TIMEOUT,
        [ORIGIN_PARENT_UNREACHABLE] = ANSWER_PARENT_UNREACHABLE,
        [ORIGIN_PARENT_TIMEOUT] = ANSWER_PARENT_TIMEOUT,
        [ORIGIN_PARENT_LOGIN] = ANSWER_PARENT_LOGIN,
        [ORIGIN_PARENT_REFUSED] = ANSWER_PARENT_REFUSED,
        [ORIGIN_PARENT_MALFORMED] = ANSWER_PARENT_MALFORMED,
    };
    return answers[result];
}

static enum status start_connecting(struct http_txn *txn)
{
    bool by_name = is_told_by_name(txn);
    const struct origin_target target = {.route = txn->route,
                                         .addrs = txn->addrs,
                                         .addr_count = by_name ? 0 : txn->addr_count,
                                         .name = by_name ? txn->head.host : (struct str){0},
                                         .host = txn->head.host,
                                         .port = txn->port};
    return origin_connect_start(&txn->connect, txn->proxy, &target, on_connected, txn);
}

/* RFC 9110 section 9.3.6: dialled first, so that a client learns of a failure. */
static enum next open_tunnel(struct http_txn *txn)
{
    txn->speech->connected(txn);
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    return http_txn_finish(txn, HTTP_END_TUNNEL);
}

enum next http_step_connect(struct http_txn *txn)
{
    if (txn->connect_state == NOT_STARTED) {
        if (take_idle_origin(txn))
            return http_txn_go_to(txn, STEP_SEND);
        if (start_connecting(txn) != ST_OK)
            return http_txn_answer(txn, ANSWER_NO_MEMORY);
        txn->connect_state = RUNNING;
    }
    if (txn->connect_state == RUNNING)
        return WAIT;
    if (txn->connect_result != ORIGIN_CONNECTED)
        return http_txn_answer(txn, connect_answer(txn->connect_result));
    return txn->is_connect ? open_tunnel(txn) : http_txn_go_to(txn, STEP_SEND);
}

/* Send */

enum next http_step_send(struct http_txn *txn)
{
    const struct http_forward_request how = {.upgrade = txn->upgrade,
                                             .via_token = txn->via_token,
                                             .parent = txn->route == ROUTE_PLAIN ? txn->proxy->settings->parent : NULL};
    http_forward_request(&txn->proxy->out, &txn->head, &how);
    http_relay_init(&txn->upload, &txn->head, txn->head.framing);
    txn->awaits_continue = txn->head.expect_continue;
    txn->upload_failed = http_txn_send_out(txn, txn->origin) != ST_OK; /* then on_origin_failed() follows */
    return http_txn_go_to(txn, STEP_AWAIT);
}

/* 256 B/s on average, so that nobody holds two connections for next to nothing. Http_txn.c opens the next window. */
static bool is_too_slow(struct http_txn *txn)
{
    if (!txn->timed_out)
        return false;
    txn->timed_out = txn->timer_running = false;
    return txn->upload.taken - txn->window_from < LEAST_WINDOW_BYTES;
}

/* Passes the request's body on. What became of it where it does not go on: its client broke it off (ANSWER_NONE), or
 * its framing, or is too slow. */
static bool upload(struct http_txn *txn, enum http_answer *fault)
{
    struct stream *client = txn->client->stream;
    *fault = ANSWER_NONE;
    if (txn->upload.ended || txn->upload_failed)
        return true;
    enum status status = http_relay_step(&txn->upload, client, txn->origin);
    txn->upload_failed = status != ST_OK; /* its response may still come: 413 */
    if (status == ST_INVALID)
        *fault = ANSWER_BAD_BODY;
    else if (!txn->upload.ended && is_too_slow(txn))
        *fault = ANSWER_BODY_TIMEOUT;
    bool cut_off = stream_saw_eof(client) && !stream_input(client).length;
    return *fault == ANSWER_NONE && (txn->upload.ended || txn->upload_failed || !cut_off);
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
    return http_txn_go_to(txn, STEP_CONNECT);
}

static enum next await_more(struct http_txn *txn, size_t received)
{
    if (!origin_ended(txn))
        return WAIT;
    if (!received && !txn->interim_count && txn->origin_reused && txn->origin_status != ST_TIMEOUT)
        return retry(txn);
    if (txn->origin_status == ST_TIMEOUT)
        return http_txn_answer(txn, ANSWER_RESPONSE_TIMEOUT);
    return http_txn_answer(txn, received ? ANSWER_BAD_RESPONSE : ANSWER_NO_RESPONSE);
}

/* 1xx (RFC 9110 section 15.2): not for HTTP/1.0 clients; 101 only as the answer to an upgrade that we asked for. */
static enum next pass_interim(struct http_txn *txn, const struct http_head *response)
{
    bool switches = response->status == 101;
    txn->awaits_continue &= response->status != 100;
    if (++txn->interim_count > MAX_INTERIM)
        return http_txn_answer(txn, ANSWER_BAD_RESPONSE);
    if (switches && (!txn->upgrade || !http_field_has_token(response, STR("Upgrade"), STR("websocket"))))
        return http_txn_answer(txn, ANSWER_BAD_RESPONSE);
    struct http_forward_response how = {.keep_alive = true, .upgrade = switches};
    size_t length = response->length;
    if (txn->head.version_minor) {
        http_forward_response(&txn->proxy->out, response, &how);
        if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
            return http_txn_finish(txn, HTTP_END_ABORT);
    }
    stream_consume(txn->origin, length);
    return switches ? http_txn_finish(txn, HTTP_END_TUNNEL) : GO_ON;
}

/* Of one that reads requests itself. False: it wants another login. */
static bool note_parent(struct http_txn *txn, const struct http_head *response)
{
    struct parent_watch *watch = txn->proxy->settings->parent_watch;
    bool wants_login = response->status == 407;
    parent_watch_note(watch, wants_login ? PARENT_REACHED : PARENT_ANSWERED,
                      wants_login ? ORIGIN_PARENT_LOGIN : ORIGIN_CONNECTED, txn->head.host);
    return !wants_login;
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
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    http_relay_init(&txn->download, response, how.framing);
    txn->cut_is_hidden = how.framing == HTTP_BODY_UNTIL_CLOSE;
    stream_consume(txn->origin, response->length);
    return http_txn_go_to(txn, STEP_RELAY);
}

enum next http_step_await(struct http_txn *txn)
{
    struct http_head response;
    enum http_reject reject;
    enum http_answer fault;
    if (!upload(txn, &fault))
        return fault == ANSWER_NONE ? http_txn_finish(txn, HTTP_END_CLOSE) : http_txn_answer(txn, fault);
    struct str input = stream_input(txn->origin);
    enum status status = http_response_parse(input, txn->head.method, &response, &reject);
    if (status == ST_TRUNCATED)
        return await_more(txn, input.length);
    if (status != ST_OK)
        return http_txn_answer(txn, ANSWER_BAD_RESPONSE);
    if (txn->route == ROUTE_PLAIN && !note_parent(txn, &response))
        return http_txn_answer(txn, ANSWER_PARENT_LOGIN); /* asked of us, not of the client */
    return response.status < 200 ? pass_interim(txn, &response) : pass_head(txn, &response);
}

/* Relay */

static enum next response_complete(struct http_txn *txn)
{
    bool reusable = txn->origin_keep_alive && txn->upload.ended && !origin_ended(txn) &&
                    !stream_input(txn->origin).length && !stream_queued(txn->origin);
    if (reusable) {
        origin_pool_put_own(txn->proxy->pool, txn->origin, &txn->origin_addr, pool_host(txn));
        txn->origin = NULL;
    }
    if (txn->keep_alive)
        return http_txn_finish(txn, HTTP_END_KEEP);
    /* Behind a body old clients send an empty line, which is not to be met by a reset (RFC 9112 section 2.2). */
    bool is_last = !txn->head.keep_alive && txn->head.framing == HTTP_BODY_NONE;
    return http_txn_finish(txn, is_last ? HTTP_END_SENT : HTTP_END_CLOSE);
}

/* The client must not take what it has for the whole: its framing tells it, or the connection breaks (RFC 9112 section
 * 8). */
static enum next response_cut(struct http_txn *txn)
{
    return http_txn_finish(txn, txn->cut_is_hidden ? HTTP_END_ABORT : HTTP_END_CLOSE);
}

enum next http_step_relay(struct http_txn *txn)
{
    struct stream *client = txn->client->stream;
    enum http_answer fault;
    if (!upload(txn, &fault))
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
