/* The first half of a request's way: from the client's bytes to the addresses that may be dialled. */
#include <string.h>

#include "base/check.h"
#include "proxy/http_door.h"
#include "proxy/http_forward.h"
#include "proxy/http_steps.h"
#include "proxy/http_verdict.h"
#include "proxy/transparent.h"

/* Receive */

/* Only what is wrong already is found in a part. */
static enum next receive_part(struct http_txn *txn, struct str input)
{
    struct http_head part;
    enum http_reject reject;
    if (http_request_parse(input, &part, &reject) != ST_TRUNCATED) {
        txn->proxy->counters.requests++;
        return http_txn_reject(txn, ANSWER_BAD_REQUEST, reject);
    }
    return http_door_await(txn);
}

enum next http_step_receive(struct http_txn *txn)
{
    struct str input = stream_input(txn->client->stream);
    size_t room = input.length < HTTP_MAX_HEAD ? input.length : HTTP_MAX_HEAD;
    const char *end = memmem(input.data, room, "\r\n\r\n", 4);
    if (!end)
        return receive_part(txn, input);
    txn->raw.length = (size_t)(end - input.data) + 4;
    txn->raw.data = arena_copy(txn->arena, input.data, txn->raw.length);
    if (!txn->raw.data)
        return http_txn_answer(txn, ANSWER_NO_MEMORY);
    stream_consume(txn->client->stream, txn->raw.length);
    timer_stop(txn->timer);
    txn->timer_running = txn->timed_out = false;
    return http_txn_go_to(txn, STEP_PARSE);
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

enum next http_step_parse(struct http_txn *txn)
{
    enum http_reject reject;
    txn->proxy->counters.requests++;
    if (http_request_parse(txn->raw, &txn->head, &reject) != ST_OK)
        return http_txn_reject(txn, ANSWER_BAD_REQUEST, reject == HTTP_REJECT_NONE ? HTTP_REJECT_SYNTAX : reject);
    txn->is_connect = txn->head.form == HTTP_TARGET_AUTHORITY;
    txn->channel = txn->is_connect ? CHANNEL_CONNECT : CHANNEL_HTTP;
    txn->keep_alive = txn->head.keep_alive && !txn->is_connect;
    txn->upgrade = is_websocket(&txn->head);
    if (txn->head.framing == HTTP_BODY_LENGTH && !txn->head.content_length)
        txn->head.framing = HTTP_BODY_NONE;
    bool redirected = txn->client->door == HTTP_DOOR_REDIRECTED;
    enum http_answer fault = redirected ? transparent_rewrite(txn) : ANSWER_NONE;
    if (fault == ANSWER_NONE)
        fault = find_fault(txn);
    txn->port = txn->head.port ? txn->head.port : 80;
    if (fault != ANSWER_NONE)
        return http_txn_answer(txn, fault);
    return http_txn_go_to(txn, redirected ? STEP_DECIDE : STEP_AUTHORIZE); /* it knows of no proxy to log in to */
}

/* Authorize */

static void on_verdict(void *arg, enum auth_verdict verdict)
{
    struct http_txn *txn = arg;
    txn->auth_state = FINISHED;
    txn->auth_verdict = verdict;
    http_client_step(txn->client);
}

/* Two fields of the kind are no credentials: who would say which holds? */
static enum auth_verdict ask_for_login(struct http_txn *txn)
{
    static const struct str name = {"Proxy-Authorization", 19};
    const struct http_field *found = NULL;
    for (size_t i = 0; i < txn->head.field_count; i++) {
        if (!str_eq_nocase(txn->head.fields[i].name, name))
            continue;
        if (found)
            return AUTH_DENIED;
        found = &txn->head.fields[i];
    }
    txn->auth_ask = (struct auth_ask){.on_verdict = on_verdict, .arg = txn, .user = txn->login_text};
    return found ? proxy_auth_ask_basic(txn->proxy->auth, &txn->client->peer, found->value, &txn->auth_ask)
                 : AUTH_DENIED;
}

enum next http_step_authorize(struct http_txn *txn)
{
    if (!txn->proxy->auth)
        return http_txn_go_to(txn, STEP_DECIDE);
    if (txn->auth_state == NOT_STARTED) {
        txn->auth_verdict = ask_for_login(txn);
        txn->auth_state = txn->auth_verdict == AUTH_PENDING ? RUNNING : FINISHED;
    }
    if (txn->auth_state == RUNNING)
        return WAIT;
    switch (txn->auth_verdict) {
    case AUTH_GRANTED:
        txn->login = str_of(txn->login_text);
        return http_txn_go_to(txn, STEP_DECIDE);
    case AUTH_LIMITED:
        return http_txn_answer(txn, ANSWER_LOGIN_LIMIT);
    case AUTH_BUSY:
        return http_txn_answer(txn, ANSWER_LOGIN_BUSY);
    default:
        return http_txn_answer(txn, ANSWER_LOGIN);
    }
}

/* Decide */

enum next http_step_decide(struct http_txn *txn)
{
    struct http_finding finding;
    enum action action = http_verdict_target(txn, &finding);
    if (action == ACTION_BLOCK)
        return http_txn_block(txn, &finding);
    if (action == ACTION_LOG) {
        http_verdict_record(txn, &finding, 0);
        txn->address_recorded = finding.match == MATCH_ORIGIN_IP;
    }
    txn->exempt = finding.verdict.exempts;
    if (txn->is_connect && !http_door_allows_port(txn))
        return http_txn_answer(txn, ANSWER_CONNECT_PORT);
    return http_txn_go_to(txn, STEP_RESOLVE);
}

/* Resolve */

static enum status keep_answer(struct http_txn *txn, const struct resolver_answer *answer)
{
    if (answer->alias_count) {
        size_t bytes = answer->alias_count * sizeof answer->aliases[0];
        txn->aliases = arena_alloc(txn->arena, bytes);
        if (!txn->aliases)
            return ST_NOMEM;
        memcpy(txn->aliases, answer->aliases, bytes);
        txn->alias_count = answer->alias_count;
    }
    if (answer->servers && answer->servers->name_count) {
        txn->servers = arena_alloc(txn->arena, sizeof *txn->servers);
        if (!txn->servers)
            return ST_NOMEM;
        *txn->servers = *answer->servers;
    }
    txn->addr_count = answer->status == ST_OK ? answer->addr_count : 0;
    for (size_t i = 0; i < txn->addr_count; i++)
        txn->addrs[i] = answer->addrs[i];
    return answer->status;
}

static void on_resolved(void *arg, const struct resolver_answer *answer)
{
    struct http_txn *txn = arg;
    CHECK(txn->lookup == RUNNING && answer->addr_count <= RESOLVER_MAX_ADDRS);
    txn->lookup = FINISHED;
    txn->lookup_status = keep_answer(txn, answer);
    http_client_step(txn->client);
}

enum next http_step_resolve(struct http_txn *txn)
{
    struct resolver *resolver = txn->proxy->resolver;
    if (!txn->name.length) { /* the host is an address */
        txn->addr_count = 1;
        return http_txn_go_to(txn, STEP_INSPECT);
    }
    if (txn->lookup == NOT_STARTED) {
        txn->lookup = RUNNING;
        resolver->lookup(resolver->self, &txn->name, on_resolved, txn); /* may call back at once */
    }
    return txn->lookup == RUNNING ? WAIT : http_txn_go_to(txn, STEP_INSPECT);
}

/* Inspect */

static enum http_answer lookup_answer(enum status status)
{
    switch (status) {
    case ST_TIMEOUT:
        return ANSWER_NAME_TIMEOUT;
    case ST_NOT_FOUND:
        return ANSWER_NO_SUCH_NAME;
    case ST_NOMEM:
        return ANSWER_NO_MEMORY;
    default:
        return ANSWER_NO_RESOLVER;
    }
}

/* Why no address was left. Where one is our own, the way that opens others would not open it. */
static enum http_answer refusal(const struct http_txn *txn, size_t refused)
{
    enum http_answer answer = ANSWER_DESTINATION;
    for (size_t i = 0; i < refused; i++) {
        if (egress_is_our_listener(&txn->proxy->egress, &txn->addrs[i]))
            return ANSWER_OUR_LISTENER;
        if (egress_is_private(&txn->addrs[i]))
            answer = ANSWER_PRIVATE;
    }
    return answer;
}

/* Takes out the addresses that nobody may reach through the proxy. */
static void keep_allowed(struct http_txn *txn)
{
    size_t allowed = 0;
    for (size_t i = 0; i < txn->addr_count; i++)
        if (egress_allows(&txn->proxy->egress, &txn->client->whence, &txn->addrs[i]))
            txn->addrs[allowed++] = txn->addrs[i];
    txn->addr_count = allowed;
}

/* Names without an address are judged too: a contact is one though its server is gone. */
enum next http_step_inspect(struct http_txn *txn)
{
    struct http_finding finding;
    bool redirected = txn->client->door == HTTP_DOOR_REDIRECTED;
    if (redirected)
        transparent_aim(txn);
    for (size_t i = 0; i < txn->addr_count; i++)
        txn->addrs[i].port = txn->port;
    enum action action = http_verdict_answer(txn, &finding);
    if (action == ACTION_BLOCK)
        return http_txn_block(txn, &finding);
    if (action == ACTION_LOG && !txn->address_recorded)
        http_verdict_record(txn, &finding, 0);
    if (redirected)
        txn->addr_count = 1; /* the client has chosen */
    const struct origin_parent *parent = txn->proxy->settings->parent;
    size_t found = txn->addr_count;
    if (!found && !origin_route_without_addr(parent, &txn->name))
        return http_txn_answer(txn, lookup_answer(txn->lookup_status));
    keep_allowed(txn);
    if (found && !txn->addr_count)
        return http_txn_answer(txn, refusal(txn, found));
    bool is_plain = !txn->is_connect && !txn->upgrade && !redirected; /* whose port the request may not tell */
    txn->route = origin_route(parent, &txn->name, txn->addrs, &txn->addr_count, is_plain);
    return http_txn_go_to(txn, STEP_CONNECT);
}
