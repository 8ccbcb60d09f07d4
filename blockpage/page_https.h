/* The block page over TLS, on connections to a blocked host that others have accepted: after a CONNECT, or at the page
 * server. One for each worker. */
#pragma once

#include "callbacks/judge.h"
#include "net/leaf_source.h"

struct page_https;

/* Borrows all; CONTACT see struct page_facts, may be NULL. NULL when out of memory. */
struct page_https *page_https_new(struct loop *loop, struct leaf_source *leaves, struct judge *judge,
                                  const char *contact) MUST_CHECK;
void page_https_free(struct page_https *page); /* and its connections; NULL is allowed */

/* Whether a page may be shown: there is a signer, and room. NULL is allowed. */
bool page_https_is_ready(const struct page_https *page);
/* As leaf_source_ask(). */
void page_https_ask(struct page_https *page, const struct dname *name, const struct addr *client, struct leaf_ask *ask);
/* Takes STREAM, with what it has received, and greets by TLS; see tls_leaf_serve(). */
void page_https_serve_own(struct page_https *page, struct stream *stream, const struct tls_leaf *leaf,
                          const struct addr *client, const struct addr *local);
