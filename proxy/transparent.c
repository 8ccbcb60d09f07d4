#include "proxy/transparent.h"

#include <string.h>

#include "net/tls_hello.h"
#include "proxy/http_door.h"

enum { TLS_HANDSHAKE = 22, HTTP_PORT = 80 };

enum next http_step_tell_apart(struct http_txn *txn)
{
    struct str input = stream_input(txn->client->stream);
    bool tls = input.length && (uint8_t)input.data[0] == TLS_HANDSHAKE;
    return http_txn_go_to(txn, tls ? STEP_HELLO : STEP_RECEIVE);
}

/* TLS */

static enum status take_target(struct http_txn *txn, const struct tls_hello *hello)
{
    char text[ADDR_TEXT_SIZE];
    const struct addr *original = &txn->client->original;
    addr_format_ip(original, text);
    return http_door_connect(txn, str_of(hello->sni[0] ? hello->sni : text), original->port);
}

/* The hello stays in the input: it is for the server, or for the page. */
enum next http_step_hello(struct http_txn *txn)
{
    struct str input = stream_input(txn->client->stream);
    struct tls_hello hello = {0};
    txn->speech = &http_speech_silent;
    txn->channel = CHANNEL_TLS;
    enum status status = input.length < txn->hello_bytes ? ST_TRUNCATED : tls_hello_parse(input, &hello);
    if (status == ST_TRUNCATED) {
        if (hello.missing_bytes)
            txn->hello_bytes = input.length + hello.missing_bytes;
        return http_door_await(txn);
    }
    txn->proxy->counters.requests++;
    if (status != ST_OK)
        return http_txn_answer(txn, ANSWER_BAD_REQUEST);
    status = take_target(txn, &hello);
    if (status != ST_OK)
        return http_txn_answer(txn, status == ST_INVALID ? ANSWER_BAD_HOST : ANSWER_NO_MEMORY);
    return http_txn_go_to(txn, STEP_DECIDE);
}

/* HTTP */

/* An HTTP/1.0 client need not name a host: it is the address then. */
static enum status name_host(struct http_txn *txn)
{
    char text[ADDR_TEXT_SIZE];
    struct http_head *head = &txn->head;
    if (head->host.length)
        return ST_OK;
    addr_format(&txn->client->original, text);
    size_t length = strlen(text);
    const char *copy = arena_copy(txn->arena, text, length);
    if (!copy)
        return ST_NOMEM;
    const char *colon = memrchr(copy, ':', length);
    head->host = (struct str){copy, (size_t)(colon - copy)};
    head->authority = txn->client->original.port == HTTP_PORT ? head->host : (struct str){copy, length};
    return ST_OK;
}

/* The URL as a proxy would have been asked for it, for the verdict, the callback and the page. */
static enum status write_target(struct http_txn *txn)
{
    struct http_head *head = &txn->head;
    struct buf url = {0};
    buf_add_text(&url, "http://");
    buf_add(&url, head->host.data, head->host.length);
    if (txn->client->original.port != HTTP_PORT)
        buf_printf(&url, ":%u", txn->client->original.port);
    buf_add(&url, head->path.data, head->path.length);
    head->target.length = url.length;
    head->target.data = url.failed ? NULL : arena_copy(txn->arena, url.data, url.length);
    buf_free(&url);
    head->form = HTTP_TARGET_ABSOLUTE;
    head->scheme = STR("http");
    return head->target.data ? ST_OK : ST_NOMEM;
}

enum http_answer transparent_rewrite(struct http_txn *txn)
{
    struct http_head *head = &txn->head;
    if (head->form == HTTP_TARGET_AUTHORITY)
        return ANSWER_CONNECT_TO_SERVER;
    head->port = txn->client->original.port; /* wherever the client says that it is going */
    if (head->form == HTTP_TARGET_ABSOLUTE)
        return ANSWER_NONE;
    if (head->form == HTTP_TARGET_ASTERISK)
        head->path = (struct str){0}; /* RFC 9112 section 3.2.4 */
    return name_host(txn) == ST_OK && write_target(txn) == ST_OK ? ANSWER_NONE : ANSWER_NO_MEMORY;
}

void transparent_aim(struct http_txn *txn)
{
    const struct addr *original = &txn->client->original;
    size_t at = 0;
    while (at < txn->addr_count && !addr_same_ip(&txn->addrs[at], original))
        at++;
    if (at == txn->addr_count) {
        txn->misnamed = true;
        txn->exempt = txn->address_recorded = false;
        txn->passed = (struct passed){0};
        if (at == RESOLVER_MAX_ADDRS)
            at--; /* the last one has to go */
        else
            txn->addr_count++;
    }
    memmove(&txn->addrs[1], &txn->addrs[0], at * sizeof txn->addrs[0]);
    txn->addrs[0] = *original;
}
