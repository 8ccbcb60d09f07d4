#include "blockpage/page_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "blockpage/page_desk.h"
#include "blockpage/page_tls.h"

struct page_server {
    struct page_desk desk;
    char *contact;
    struct http_server **http;
    struct page_tls **tls;
    size_t http_count, tls_count;
};

static enum status open_listeners(struct page_server *server, struct loop *loop,
                                  const struct page_server_settings *settings, struct fault *fault)
{
    for (size_t i = 0; i < settings->listen_count; i++, server->http_count++) {
        enum status status = http_server_open(loop, &settings->listen[i], &page_desk_settings, page_desk_answer,
                                              &server->desk, &server->http[i], fault);
        if (status != ST_OK)
            return status;
    }
    for (size_t i = 0; i < settings->tls_listen_count; i++, server->tls_count++) {
        enum status status =
            page_tls_open(loop, &settings->tls_listen[i], server->desk.judge, settings->https, &server->tls[i], fault);
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
    server->contact = strdup(settings->contact ? settings->contact : "");
    server->desk = (struct page_desk){.judge = judge, .contact = server->contact};
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
