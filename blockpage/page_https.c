#include "blockpage/page_https.h"

#include <stdlib.h>
#include <string.h>

#include "blockpage/page_desk.h"

struct page_https {
    struct page_desk desk;
    struct leaf_source *leaves;
    struct http_server *server;
};

struct page_https *page_https_new(struct loop *loop, struct leaf_source *leaves, struct judge *judge,
                                  const char *contact)
{
    struct page_https *page = calloc(1, sizeof *page);
    if (!page)
        return NULL;
    page->leaves = leaves;
    page->desk = (struct page_desk){.judge = judge, .contact = contact, .https = true};
    page->server = http_server_new(loop, &page_desk_settings, page_desk_answer, &page->desk);
    if (!page->server) {
        free(page);
        return NULL;
    }
    return page;
}

void page_https_free(struct page_https *page)
{
    if (!page)
        return;
    http_server_close(page->server);
    free(page);
}

bool page_https_is_ready(const struct page_https *page)
{
    return page && leaf_source_is_up(page->leaves) && http_server_has_room(page->server);
}

void page_https_ask(struct page_https *page, const struct dname *name, const struct addr *client, struct leaf_ask *ask)
{
    leaf_source_ask(page->leaves, name, client, ask);
}

void page_https_serve_own(struct page_https *page, struct stream *stream, const struct tls_leaf *leaf,
                          const struct addr *client, const struct addr *local)
{
    if (tls_leaf_serve(leaf, stream, "http/1.1"))
        http_server_adopt_own(page->server, stream, client, local);
    else
        stream_free(stream);
}
