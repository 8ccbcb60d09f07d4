/* CONNECT to a blocked host where there is an authority: 200, then TLS, then the block page in it. What a signer does
 * not sign for, or not in time, is refused as it is without one. */
#pragma once

#include "proxy/http_steps.h"

/* Whether TXN may end so. */
bool http_page_is_possible(const struct http_txn *txn);
/* FINDING is why the host is blocked. */
enum next http_page_begin(struct http_txn *txn, const struct http_finding *finding);
enum next http_step_page(struct http_txn *txn);
