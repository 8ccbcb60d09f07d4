/* The way of one request.
 *
 *     receive -> parse -> authorize -> decide -> resolve -> inspect -> connect -> send -> await -> relay -> done
 *                                         blocked: -> page | report
 *
 * A SOCKS client's request, and a TLS connection that the firewall redirected, is read by steps of its own in place of
 * the first two, and is a CONNECT from then on (http_door.h).
 *
 * Each step is a function in the table below, in this order. It does what it can now and says whether to go on or to
 * wait. What is waited for comes by a callback, which stores what came and steps the client again (http_client.c); the
 * step that waited then runs again and finds it. Everything of a request is freed in http_txn_free(). */
#include "proxy/http_txn.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/http_door.h"
#include "proxy/http_page.h"
#include "proxy/http_report.h"
#include "proxy/http_steps.h"
#include "proxy/http_verdict.h"

enum {
    ARENA_BYTES = 128 << 10, /* a head of HTTP_MAX_HEAD and what is made of it */
    MAX_SPARE_TXNS = 64,
    PACE_WINDOW_MS = 20000,
};

static enum next (*const steps[])(struct http_txn *txn) = {
    [STEP_SOCKS_GREET] = http_step_socks_greet,
    [STEP_SOCKS_LOGIN] = http_step_socks_login,
    [STEP_SOCKS_REQUEST] = http_step_socks_request,
    [STEP_TELL_APART] = http_step_tell_apart, /* HTTP or TLS? */
    [STEP_HELLO] = http_step_hello,
    [STEP_RECEIVE] = http_step_receive,     /* the head, whole */
    [STEP_PARSE] = http_step_parse,         /* is it a request that a proxy takes? */
    [STEP_AUTHORIZE] = http_step_authorize, /* may this user use the proxy? */
    [STEP_DECIDE] = http_step_decide,       /* may this client have this host and URL? */
    [STEP_RESOLVE] = http_step_resolve,     /* the host's aliases and addresses */
    [STEP_INSPECT] = http_step_inspect,     /* may it be an alias of these names? may the addresses be dialled? */
    [STEP_PAGE] = http_step_page,           /* of a CONNECT that is blocked alone: a certificate for the page */
    [STEP_REPORT] = http_step_report,       /* to what is blocked alone: the block page's form */
    [STEP_CONNECT] = http_step_connect,     /* an idle connection, or a new one */
    [STEP_SEND] = http_step_send,           /* the request's head */
    [STEP_AWAIT] = http_step_await,         /* the response's head; the request's body goes on */
    [STEP_RELAY] = http_step_relay,         /* the response's body */
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
    txn->speech = &http_speech_http;
    txn->step = http_door_step(client->door);
    txn->client_idle_ms = proxy->settings->idle_timeout_ms;
    access_note_begin(txn);
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
    access_note_end(txn);
    if (txn->lookup == RUNNING)
        proxy->resolver->cancel(proxy->resolver->self, txn);
    auth_ask_cancel(&txn->auth_ask);
    leaf_ask_cancel(&txn->leaf_ask);
    tls_leaf_unref(txn->leaf);
    origin_connect_stop(&txn->connect);
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

/* A client that waits for 100 (Continue) sends nothing and is not slow. */
static bool is_client_to_send(const struct http_txn *txn)
{
    if (txn->step < STEP_AWAIT || txn->upload.ended || txn->upload_failed || stream_is_full(txn->origin))
        return false;
    return !txn->awaits_continue || txn->upload.taken;
}

/* Once there is a response a client may well stop sending. http_origin.c:is_too_slow() looks at what has come when the
 * timer has run off. */
static void watch_pace(struct http_txn *txn, bool client_sends)
{
    bool watched = client_sends && txn->step == STEP_AWAIT;
    if (watched == txn->timer_running)
        return;
    txn->timer_running = watched;
    txn->window_from = txn->upload.taken;
    if (watched)
        timer_start(txn->timer, PACE_WINDOW_MS);
    else
        timer_stop(txn->timer);
}

/* Who is waited for has a bound on his silence; who waits has none. */
static void set_clocks(struct http_txn *txn)
{
    const struct proxy_settings *settings = txn->proxy->settings;
    struct stream *client = txn->client->stream;
    if (txn->step <= STEP_PARSE)
        return;
    bool sends = is_client_to_send(txn);
    watch_pace(txn, sends);
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

struct tls_leaf *http_txn_take_leaf(struct http_txn *txn)
{
    struct tls_leaf *leaf = txn->leaf;
    txn->leaf = NULL;
    return leaf;
}

enum next http_txn_go_to(struct http_txn *txn, enum http_step step)
{
    txn->step = step;
    return GO_ON;
}

enum next http_txn_finish(struct http_txn *txn, enum http_end end)
{
    CHECK(end != HTTP_END_WAIT);
    txn->end = end;
    return http_txn_go_to(txn, STEP_DONE);
}

/* Answers of our own */

/* What was built goes to the client. */
enum status http_txn_send_out(struct http_txn *txn, struct stream *to)
{
    struct buf *out = &txn->proxy->out;
    if (to == txn->client->stream)
        access_note_answer(txn, out);
    enum status status = out->failed ? ST_NOMEM : stream_write(to, out->data, out->length);
    buf_clear(out);
    return status;
}

/* A body that nobody reads ends the connection, as do our own stop and the client's wish. */
static bool may_keep(const struct http_txn *txn)
{
    return txn->keep_alive && txn->head.framing == HTTP_BODY_NONE && !txn->proxy->draining;
}

enum next http_txn_reject(struct http_txn *txn, enum http_answer answer, enum http_reject reject)
{
    struct proxy_counters *counters = &txn->proxy->counters;
    access_note_verdict(txn, http_answer_blame(answer) == BLAME_RULES ? ACCESS_REFUSED : ACCESS_PASSED);
    txn->access.is_malformed = answer == ANSWER_BAD_REQUEST || answer == ANSWER_BAD_HOST;
    counters->malformed += http_answer_blame(answer) == BLAME_CLIENT;
    counters->refused += http_answer_blame(answer) == BLAME_RULES;
    counters->failed += http_answer_blame(answer) == BLAME_ORIGIN;
    bool keep = may_keep(txn) && http_answer_blame(answer) != BLAME_CLIENT; /* nothing more is believed of it */
    txn->speech->answer(txn, answer, reject, keep);
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    return http_txn_finish(txn, keep ? HTTP_END_KEEP : HTTP_END_CLOSE);
}

enum next http_txn_answer(struct http_txn *txn, enum http_answer answer)
{
    return http_txn_reject(txn, answer, HTTP_REJECT_NONE);
}

enum next http_txn_block(struct http_txn *txn, const struct http_finding *finding)
{
    if (http_report_is_one(txn))
        return http_report_begin(txn, finding);
    return http_page_is_possible(txn) ? http_page_begin(txn, finding) : http_txn_refuse(txn, finding);
}

const struct http_finding *http_txn_keep_finding(struct http_txn *txn, const struct http_finding *finding)
{
    struct http_finding *kept = arena_alloc(txn->arena, sizeof *kept);
    if (kept)
        *kept = *finding;
    txn->finding = kept;
    return kept;
}

enum next http_txn_refuse(struct http_txn *txn, const struct http_finding *finding)
{
    bool keep = may_keep(txn);
    txn->proxy->counters.blocked++;
    txn->speech->refuse(txn, &finding->verdict, keep);
    http_verdict_record(txn, finding, txn->speech->refused_status);
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    return http_txn_finish(txn, keep ? HTTP_END_KEEP : HTTP_END_CLOSE);
}
