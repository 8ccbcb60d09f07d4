#include "daemon/control_socket.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "net/http_server.h"
#include "net/local_socket.h"

struct control_socket {
    char *state_dir;
    struct dns_cache *cache;
    struct http_server *server;
    struct traces *traces;
};

#define JSON_HEADERS "Content-Type: application/json\r\nCache-Control: no-store\r\n"

static void answer_own(struct http_exchange *exchange, unsigned status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text)
        http_response_add(exchange, status, JSON_HEADERS, str_of(text));
    free(text);
    json_decref(json);
}

static void answer_counters(struct control_socket *socket, struct http_exchange *exchange)
{
    struct dns_cache_counters counters = dns_cache_counters(socket->cache);
    answer_own(exchange, 200,
               json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)counters.entries, "bytes",
                         (json_int_t)counters.bytes, "max_bytes", (json_int_t)dns_cache_max_bytes(socket->cache),
                         "hits", (json_int_t)counters.hits, "misses", (json_int_t)counters.misses, "stale",
                         (json_int_t)counters.stale));
}

static void refuse(struct http_exchange *exchange, const char *why)
{
    answer_own(exchange, 400, json_pack("{s:s}", "error", why));
}

static void flush(struct control_socket *socket, struct http_exchange *exchange)
{
    const char *text = NULL;
    int subtree = 0;
    struct dname name;
    json_t *request = json_loadb(exchange->body.data, exchange->body.length, JSON_REJECT_DUPLICATES, NULL);
    if (!request || json_unpack(request, "{s?s, s?b !}", "name", &text, "subtree", &subtree)) {
        refuse(exchange, "not what is expected: {} or {\"name\": NAME, \"subtree\": BOOL}");
    } else if (text && dname_from_text(str_of(text), &name) != ST_OK) {
        refuse(exchange, "not a name");
    } else {
        size_t flushed = dns_cache_flush(socket->cache, text ? &name : NULL, subtree);
        log_info("%zu answers flushed from the cache", flushed);
        answer_own(exchange, 200, json_pack("{s:I}", "flushed", (json_int_t)flushed));
    }
    json_decref(request);
}

static void answer_query(struct control_socket *socket, struct http_exchange *exchange,
                         json_t *(*answer)(struct traces *traces, json_t *request, unsigned *http_status))
{
    unsigned http_status = 500;
    json_t *request = json_loadb(exchange->body.data, exchange->body.length, JSON_REJECT_DUPLICATES, NULL);
    json_t *json = answer(socket->traces, request, &http_status);
    answer_own(exchange, http_status, json);
    json_decref(request);
}

static void begin_query(struct control_socket *socket, struct http_exchange *exchange)
{
    answer_query(socket, exchange, traces_begin);
}

static void end_query(struct control_socket *socket, struct http_exchange *exchange)
{
    answer_query(socket, exchange, traces_end);
}

static const struct {
    struct str method, path;
    void (*answer)(struct control_socket *socket, struct http_exchange *exchange);
} routes[] = {
    {{"GET", 3}, {"/cache", 6}, answer_counters},
    {{"POST", 4}, {"/cache/flush", 12}, flush},
    {{"POST", 4}, {"/query", 6}, begin_query},
    {{"POST", 4}, {"/query/end", 10}, end_query},
};

static void on_request(void *arg, struct http_exchange *exchange)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (str_eq(exchange->request->method, routes[i].method) && str_eq(exchange->request->path, routes[i].path)) {
            routes[i].answer(arg, exchange);
            return;
        }
    answer_own(exchange, 404, json_pack("{s:s}", "error", "there is nothing of that kind here"));
}

enum status control_socket_open(struct loop *loop, const char *state_dir, struct dns_cache *cache,
                                trace_begin_fn *begin, void *arg, struct control_socket **out, struct fault *fault)
{
    static const struct http_server_settings settings = {
        .max_body_bytes = 4096, .idle_ms = 10000, .head_ms = 10000, .max_connections = 16};
    struct control_socket *socket = calloc(1, sizeof *socket);
    if (!socket || !(socket->state_dir = strdup(state_dir)) || !(socket->traces = traces_new(begin, arg))) {
        control_socket_close(socket);
        return fault_set(fault, ST_NOMEM, "out of memory");
    }
    socket->cache = cache;
    enum status status =
        http_server_open_local(loop, state_dir, CONTROL_SOCKET, &settings, on_request, socket, &socket->server, fault);
    if (status == ST_OK)
        *out = socket;
    else
        control_socket_close(socket);
    return status;
}

void control_socket_close(struct control_socket *socket)
{
    if (!socket)
        return;
    if (socket->server)
        local_socket_remove(socket->state_dir, CONTROL_SOCKET);
    http_server_close(socket->server);
    traces_free(socket->traces);
    free(socket->state_dir);
    free(socket);
}
