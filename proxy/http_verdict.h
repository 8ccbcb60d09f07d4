/* What policy says of a request's target and of what it leads to; the callback and the page that follow. */
#pragma once

#include "blockpage/page.h"
#include "proxy/http_txn.h"

struct http_finding {
    enum match match;
    struct verdict verdict;
};

/* Who asks, the host and URL, before anything is looked up or dialled. The verdict is set in any case, what else is in
 * FINDING only where it is not ACTION_ALLOW. */
enum action http_verdict_target(struct http_txn *txn, struct http_finding *finding);
/* The aliases, addresses and name servers that the name has: the highest action asked for, and where that is not
 * ACTION_ALLOW, what asked for it first. One answer makes one callback, as in DNS. */
enum action http_verdict_answer(struct http_txn *txn, struct http_finding *finding);

/* Records a callback. STATUS 0: passed on. */
void http_verdict_record(struct http_txn *txn, const struct http_finding *finding, uint16_t status);
/* What the page says of it; views of TXN. */
struct page_facts http_verdict_facts(const struct http_txn *txn, const struct verdict *verdict);
/* Appends the 403 with the page. To be called before the callback is recorded, which the page does not count. */
void http_verdict_page(struct http_txn *txn, const struct verdict *verdict, bool keep_alive, struct buf *out);
