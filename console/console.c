#include "console/console.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "console/setup_page.h"
#include "net/http_server.h"

struct console {
    bool (*health)(void *arg, struct buf *out);
    void *arg;
    struct addr *proxy;
    struct proxy_pac pac;
    struct http_server **servers;
    size_t server_count;
};

/* A web page of someone else may make its own name point at us and read our answers (DNS rebinding); then Host has
 * that name. Programs that send none are no browsers. */
static bool host_is_ours(struct str host)
{
    static const struct str names[] = {
        {"localhost", 9}, {"localhost.", 10}, {"localhost.localdomain", 21}, {"ip6-localhost", 13}};
    struct addr addr;
    if (!host.length || addr_parse_ip(host, &addr) == ST_OK)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq_nocase(host, names[i]))
            return true;
    return false;
}

#define COMMON_HEADERS                                                                                                 \
    "X-Content-Type-Options: nosniff\r\n"                                                                              \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"                                          \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                                    \
    "Referrer-Policy: no-referrer\r\n"
#define TEXT_HEADERS "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n" COMMON_HEADERS

static void answer_index(struct console *console, struct http_exchange *exchange)
{
    (void)console;
    http_response_add(exchange, 200,
                      "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n" COMMON_HEADERS,
                      STR("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>ccward</title>\n"
                          "<h1>ccward</h1>\n<ul>\n"
                          "<li><a href=\"/healthz\">/healthz</a>: whether it works\n"
                          "<li><a href=\"/setup\">/setup</a>: how to set up a browser, step by step\n"
                          "<li><a href=\"/proxy.pac\">/proxy.pac</a>: proxy settings for browsers\n"
                          "</ul>\n</html>\n"));
}

static void answer_health(struct console *console, struct http_exchange *exchange)
{
    struct buf body = {0};
    bool ok = console->health(console->arg, &body);
    http_response_add(exchange, ok ? 200 : 503,
                      "Content-Type: application/json\r\nCache-Control: no-store\r\n" COMMON_HEADERS,
                      str_of(buf_text(&body)));
    buf_free(&body);
}

static void answer_pac(struct console *console, struct http_exchange *exchange)
{
    struct buf body = {0};
    if (proxy_pac_build(&body, &console->pac, &exchange->local))
        http_response_add(exchange, 200,
                          "Content-Type: application/x-ns-proxy-autoconfig\r\nCache-Control: max-age=60\r\n"
                          "X-Content-Type-Options: nosniff\r\n",
                          str_of(buf_text(&body)));
    else
        http_response_add(exchange, 404, TEXT_HEADERS, STR("No proxy listens where you could reach it.\n"));
    buf_free(&body);
}

static void answer_setup(struct console *console, struct http_exchange *exchange)
{
    setup_page_answer(exchange, &console->pac);
}

static const struct {
    struct str path;
    void (*answer)(struct console *console, struct http_exchange *exchange);
} routes[] = {
    {{"/", 1}, answer_index},
    {{"/healthz", 8}, answer_health},
    {{"/proxy.pac", 10}, answer_pac},
    {{"/setup", 6}, answer_setup},
};

static void on_request(void *arg, struct http_exchange *exchange)
{
    struct console *console = arg;
    const struct http_head *request = exchange->request;
    if (!host_is_ours(request->host)) {
        http_response_add(exchange, 403, TEXT_HEADERS, STR("Ask by address, or as localhost.\n"));
        return;
    }
    struct str path = request->path, query;
    str_cut(path, '?', &path, &query);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (!str_eq(path, routes[i].path))
            continue;
        if (str_eq(request->method, STR("GET")) || str_eq(request->method, STR("HEAD")))
            routes[i].answer(console, exchange);
        else
            http_response_add(exchange, 405, "Allow: GET, HEAD\r\n" TEXT_HEADERS, STR("Only GET and HEAD.\n"));
        return;
    }
    http_response_add(exchange, 404, TEXT_HEADERS, STR("Nothing here. See / for what there is.\n"));
}

static enum status open_servers(struct console *console, struct loop *loop, const struct console_settings *settings,
                                struct fault *fault)
{
    static const struct http_server_settings server_settings = {
        .idle_ms = 30000, .head_ms = 10000, .max_connections = 64};
    for (size_t i = 0; i < settings->listen_count; i++) {
        enum status status = http_server_open(loop, &settings->listen[i], &server_settings, on_request, console,
                                              &console->servers[i], fault);
        if (status != ST_OK)
            return status;
        console->server_count++;
    }
    return ST_OK;
}

enum status console_open(struct loop *loop, const struct console_settings *settings, struct console **out,
                         struct fault *fault)
{
    enum status status = ST_NOMEM;
    struct console *console = calloc(1, sizeof *console);
    if (!console)
        goto out;
    console->health = settings->health;
    console->arg = settings->arg;
    console->pac = settings->pac;
    console->pac.proxies = console->proxy = calloc(settings->pac.proxy_count + 1, sizeof *console->proxy);
    console->servers = calloc(settings->listen_count + 1, sizeof(struct http_server *));
    if (!console->proxy || !console->servers)
        goto out;
    for (size_t i = 0; i < settings->pac.proxy_count; i++)
        console->proxy[i] = settings->pac.proxies[i];
    status = open_servers(console, loop, settings, fault);
out:
    if (status != ST_OK) {
        console_close(console);
        return fault_set(fault, status, "console: %s", status_text(status));
    }
    *out = console;
    return ST_OK;
}

void console_close(struct console *console)
{
    if (!console)
        return;
    for (size_t i = 0; i < console->server_count; i++)
        http_server_close(console->servers[i]);
    free(console->servers);
    free(console->proxy);
    free(console);
}

struct addr console_addr(const struct console *console, size_t index)
{
    CHECK(index < console->server_count);
    return http_server_addr(console->servers[index]);
}
