/* TLS connections: reads the server name, records a blocked one, and shows the page where the signer has a certificate
 * for it. Without one it ends with an alert: a browser then says that the connection failed, at once and not after a
 * timeout. */
#pragma once

#include "base/addr.h"
#include "blockpage/page_https.h"
#include "callbacks/judge.h"
#include "net/loop.h"

struct page_tls;

/* HTTPS: NULL for none. */
enum status page_tls_open(struct loop *loop, const struct addr *addr, struct judge *judge, struct page_https *https,
                          struct page_tls **tls, struct fault *fault) MUST_CHECK;
void page_tls_close(struct page_tls *tls);
struct addr page_tls_addr(const struct page_tls *tls);
