/* What policy says of a request's target and of the addresses behind it; the callback and the page that follow. */
#pragma once

#include "proxy/http_txn.h"

/* The host and URL, before anything is looked up or dialled. */
enum action http_verdict_target(const struct http_txn *txn, struct verdict *verdict);
/* The addresses that the name has: the strictest verdict of all, and which address it is of. */
enum action http_verdict_addresses(const struct http_txn *txn, struct verdict *verdict, const struct addr **addr);

/* Records a callback. ADDR: of an address's verdict; NULL: of the target's. STATUS 0: passed on. */
void http_verdict_record(struct http_txn *txn, const struct verdict *verdict, const struct addr *addr, uint16_t status);
/* Appends the 403 with the page. To be called before the callback is recorded, which the page does not count. */
void http_verdict_page(struct http_txn *txn, const struct verdict *verdict, bool keep_alive, struct buf *out);
