/* Turns TLS connections away: reads the server name, records a blocked one, and ends with an alert, as there is no
 * certificate that a browser would take. A browser then says that the connection failed, at once and not after a
 * timeout. */
#pragma once

#include "base/addr.h"
#include "callbacks/judge.h"
#include "net/loop.h"

struct page_tls;

enum status page_tls_open(struct loop *loop, const struct addr *addr, struct judge *judge, struct page_tls **tls,
                          struct fault *fault) MUST_CHECK;
void page_tls_close(struct page_tls *tls);
struct addr page_tls_addr(const struct page_tls *tls);
