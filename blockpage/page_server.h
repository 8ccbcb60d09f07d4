/* The server that blocked names resolve to: HTTP with the page, TLS with the page where there
 * is a certificate to show, and that ends with an alert where there is none. */
#pragma once

#include "base/addr.h"
#include "blockpage/page_https.h"
#include "callbacks/judge.h"
#include "net/loop.h"

struct page_server;

struct page_server_settings {
    const struct addr *listen, *tls_listen;
    size_t listen_count, tls_listen_count;
    const char *contact;      /* see struct page_facts; copied */
    struct page_https *https; /* for the page over TLS; borrowed, may be NULL */
};

/* Requests: the Host is judged again; the callback is recorded on channel `page` (TLS: the SNI, channel `tls`). */
enum status page_server_open(struct loop *loop, const struct page_server_settings *settings, struct judge *judge,
                             struct page_server **server, struct fault *fault) MUST_CHECK;
void page_server_close(struct page_server *server);
/* Where the listener INDEX of listen or tls_listen is bound; for tests, which ask for port 0. */
struct addr page_server_addr(const struct page_server *server, size_t index);
struct addr page_server_tls_addr(const struct page_server *server, size_t index);
