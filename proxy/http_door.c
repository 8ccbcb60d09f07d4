#include "proxy/http_door.h"

#include <stdio.h>
#include <string.h>

#include "proxy/http_verdict.h"

/* HTTP */

static void answer_http(struct http_txn *txn, enum http_answer answer, enum http_reject reject, bool keep_alive)
{
    bool head_only = str_eq(txn->head.method, STR("HEAD"));
    http_answer_build(&txn->proxy->out, answer, reject, proxy_context_date(txn->proxy), head_only, keep_alive);
}

static void refuse_http(struct http_txn *txn, const struct verdict *verdict, bool keep_alive)
{
    http_verdict_page(txn, verdict, keep_alive, &txn->proxy->out);
}

static void connected_http(struct http_txn *txn)
{
    buf_add_text(&txn->proxy->out, "HTTP/1.1 200 Connection Established\r\n\r\n");
}

const struct http_speech http_speech_http = {answer_http, refuse_http, connected_http, .refused_status = 403};

/* A client that believes to talk to the server itself is not spoken to. */

static void answer_nothing(struct http_txn *txn, enum http_answer answer, enum http_reject reject, bool keep_alive)
{
    (void)txn, (void)answer, (void)reject, (void)keep_alive;
}

static void refuse_silently(struct http_txn *txn, const struct verdict *verdict, bool keep_alive)
{
    (void)txn, (void)verdict, (void)keep_alive;
}

static void connected_silently(struct http_txn *txn)
{
    (void)txn;
}

const struct http_speech http_speech_silent = {answer_nothing, refuse_silently, connected_silently, 0};

enum http_step http_door_step(enum http_door door)
{
    static const enum http_step first[HTTP_DOOR_COUNT] = {
        [HTTP_DOOR_PROXY] = STEP_RECEIVE,
        [HTTP_DOOR_SOCKS] = STEP_SOCKS_GREET,
        [HTTP_DOOR_REDIRECTED] = STEP_TELL_APART,
    };
    return first[door];
}

enum status http_door_connect(struct http_txn *txn, struct str host, uint16_t port)
{
    char text[DNAME_TEXT_SIZE];
    struct http_head *head = &txn->head;
    if (egress_parse_host(host, &txn->addrs[0], &txn->name) != ST_OK)
        return ST_INVALID;
    if (txn->name.length) {
        snprintf(text, sizeof text, "%.*s:%u", (int)host.length, host.data, port);
    } else {
        txn->addrs[0].port = port;
        addr_format(&txn->addrs[0], text);
    }
    head->target.length = strlen(text);
    head->target.data = arena_copy(txn->arena, text, head->target.length);
    if (!head->target.data)
        return ST_NOMEM;
    const char *colon = memrchr(head->target.data, ':', head->target.length);
    head->is_request = true;
    head->form = HTTP_TARGET_AUTHORITY;
    head->authority = head->target;
    head->host = (struct str){head->target.data, (size_t)(colon - head->target.data)};
    head->port = txn->port = port;
    txn->is_connect = true;
    return ST_OK;
}

bool http_door_allows_port(const struct http_txn *txn)
{
    const struct egress *egress = &txn->proxy->egress;
    switch (txn->client->door) {
    case HTTP_DOOR_REDIRECTED:
        return true;
    case HTTP_DOOR_SOCKS:
        return egress_allows_socks_port(egress, txn->port);
    default:
        return egress_allows_connect_port(egress, txn->port);
    }
}

enum next http_door_await(struct http_txn *txn)
{
    if (stream_saw_eof(txn->client->stream))
        return http_txn_finish(txn, HTTP_END_CLOSE);
    if (txn->timed_out)
        return http_txn_answer(txn, ANSWER_HEAD_TIMEOUT);
    if (!txn->timer_running)
        timer_start(txn->timer, txn->proxy->settings->head_timeout_ms);
    txn->timer_running = true;
    return WAIT;
}
