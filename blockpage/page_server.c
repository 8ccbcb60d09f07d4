#include "blockpage/page_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "blockpage/page.h"
#include "blockpage/page_tls.h"
#include "net/http_server.h"

struct page_server {
    struct judge *judge;
    char *contact;
    struct http_server **http;
    struct page_tls **tls;
    size_t http_count, tls_count;
};

/* The URL that the client meant to ask for; it believes that it talks to the blocked host. */
static void build_url(const struct http_head *request, struct buf *url)
{
    buf_add_text(url, "http://");
    buf_add(url, request->authority.data, request->authority.length);
    buf_add(url, request->path.data, request->path.length);
}

static void judge_request(struct page_server *server, const struct http_exchange *exchange, struct verdict *verdict)
{
    const struct http_head *request = exchange->request;
    struct subject subject = {
        .kind = SUBJECT_URL,
        .client = exchange->client,
        .host = request->host,
        .port = request->port ? request->port : 80,
        .path = request->path,
    };
    *verdict = (struct verdict){.action = ACTION_ALLOW};
    if (request->host.length) /* HTTP/1.0 may come without */
        judge_decide(server->judge, &subject, verdict);
}

static void record_request(struct page_server *server, const struct http_exchange *exchange,
                           const struct verdict *verdict, int64_t now_ms, struct str url)
{
    struct callback callback = {
        .time_ms = now_ms,
        .client = exchange->client,
        .local = exchange->local,
        .channel = CHANNEL_PAGE,
        .match = verdict->kind == INDICATOR_URL ? MATCH_URL : MATCH_HOST,
        .count = 1,
        .status = verdict->action == ACTION_BLOCK ? 403 : 404,
        .verdict = *verdict,
    };
    text_printable(callback.subject, sizeof callback.subject, url);
    text_printable(callback.method, sizeof callback.method, exchange->request->method);
    recorder_record(server->judge->recorder, &callback);
}

static void on_request(void *arg, struct http_exchange *exchange)
{
    struct page_server *server = arg;
    const struct http_head *request = exchange->request;
    struct verdict verdict;
    struct buf url = {0};
    int64_t now_ms = clock_wall_ms();
    judge_request(server, exchange, &verdict);
    build_url(request, &url);
    struct str url_text = {buf_text(&url), url.length};

    if (verdict.action == ACTION_BLOCK) {
        struct page_facts facts = {
            .url = url_text,
            .verdict = &verdict,
            .client = exchange->client,
            .time_ms = now_ms,
            .contact = server->contact,
        };
        incidents_look(server->judge->incidents, &exchange->client, &verdict, &facts.incident);
        page_answer(exchange->response, request, &facts, request->keep_alive);
    } else {
        page_answer_not_blocked(exchange->response, request, request->host, request->keep_alive);
    }
    if (verdict.action != ACTION_ALLOW)
        record_request(server, exchange, &verdict, now_ms, url_text);
    buf_free(&url);
}

static enum status open_listeners(struct page_server *server, struct loop *loop,
                                  const struct page_server_settings *settings, struct fault *fault)
{
    static const struct http_server_settings http_settings = {
        .idle_ms = 15000, .head_ms = 10000, .max_connections = 512};
    for (size_t i = 0; i < settings->listen_count; i++, server->http_count++) {
        enum status status =
            http_server_open(loop, &settings->listen[i], &http_settings, on_request, server, &server->http[i], fault);
        if (status != ST_OK)
            return status;
    }
    for (size_t i = 0; i < settings->tls_listen_count; i++, server->tls_count++) {
        enum status status = page_tls_open(loop, &settings->tls_listen[i], server->judge, &server->tls[i], fault);
        if (status != ST_OK)
            return status;
    }
    return ST_OK;
}

enum status page_server_open(struct loop *loop, const struct page_server_settings *settings, struct judge *judge,
                             struct page_server **out, struct fault *fault)
{
    enum status status = ST_NOMEM;
    struct page_server *server = calloc(1, sizeof *server);
    if (!server)
        goto out;
    server->judge = judge;
    server->contact = strdup(settings->contact ? settings->contact : "");
    server->http = calloc(settings->listen_count + 1, sizeof(struct http_server *));
    server->tls = calloc(settings->tls_listen_count + 1, sizeof(struct page_tls *));
    if (!server->contact || !server->http || !server->tls)
        goto out;
    status = open_listeners(server, loop, settings, fault);
out:
    if (status != ST_OK) {
        page_server_close(server);
        return fault_set(fault, status, "page server: %s", status_text(status));
    }
    *out = server;
    return ST_OK;
}

void page_server_close(struct page_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->http_count; i++)
        http_server_close(server->http[i]);
    for (size_t i = 0; i < server->tls_count; i++)
        page_tls_close(server->tls[i]);
    free(server->http);
    free(server->tls);
    free(server->contact);
    free(server);
}

struct addr page_server_addr(const struct page_server *server, size_t index)
{
    CHECK(index < server->http_count);
    return http_server_addr(server->http[index]);
}

struct addr page_server_tls_addr(const struct page_server *server, size_t index)
{
    CHECK(index < server->tls_count);
    return page_tls_addr(server->tls[index]);
}
