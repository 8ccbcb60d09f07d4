#include "proxy/http_page.h"

#include "base/check.h"
#include "blockpage/page_https.h"
#include "proxy/http_door.h"
#include "proxy/http_verdict.h"

/* What was answered on this connection before has to be sent, as TLS begins behind our 200. */
bool http_page_is_possible(const struct http_txn *txn)
{
    return txn->is_connect && txn->channel != CHANNEL_SOCKS && txn->name.length &&
           page_https_is_ready(txn->proxy->settings->page) && !stream_queued(txn->client->stream) &&
           !stream_saw_eof(txn->client->stream) && http_door_allows_port(txn);
}

enum next http_page_begin(struct http_txn *txn, const struct http_finding *finding)
{
    return http_txn_keep_finding(txn, finding) ? http_txn_go_to(txn, STEP_PAGE) : http_txn_refuse(txn, finding);
}

static void on_leaf(void *arg, struct tls_leaf *leaf)
{
    struct http_txn *txn = arg;
    CHECK(txn->leaf_state == RUNNING);
    txn->leaf_state = FINISHED;
    txn->leaf = leaf ? tls_leaf_ref(leaf) : NULL;
    http_client_step(txn->client);
}

enum next http_step_page(struct http_txn *txn)
{
    if (txn->leaf_state == NOT_STARTED) {
        txn->leaf_state = RUNNING;
        txn->leaf_ask = (struct leaf_ask){.on_leaf = on_leaf, .arg = txn};
        /* May call back at once. */
        page_https_ask(txn->proxy->settings->page, &txn->name, &txn->client->peer, &txn->leaf_ask);
    }
    if (txn->leaf_state == RUNNING)
        return WAIT;
    if (!txn->leaf || stream_saw_eof(txn->client->stream))
        return http_txn_refuse(txn, txn->finding);
    txn->proxy->counters.blocked++;
    http_verdict_record(txn, txn->finding, 403);
    txn->speech->connected(txn);
    if (http_txn_send_out(txn, txn->client->stream) != ST_OK)
        return http_txn_finish(txn, HTTP_END_ABORT);
    stream_flush(txn->client->stream);
    return http_txn_finish(txn, HTTP_END_PAGE);
}
