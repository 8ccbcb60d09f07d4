#include "proxy/http_verdict.h"

#include "base/clock.h"
#include "blockpage/page.h"
#include "message/dns_message.h"
#include "proxy/http_client.h"

static enum match match_of(const struct verdict *verdict)
{
    switch (verdict->kind) {
    case INDICATOR_URL:
        return MATCH_URL;
    case INDICATOR_NETWORK:
        return MATCH_ORIGIN_IP;
    default:
        return MATCH_HOST;
    }
}

enum action http_verdict_target(const struct http_txn *txn, struct http_finding *finding)
{
    struct subject subject = {.kind = SUBJECT_URL,
                              .client = txn->client->peer,
                              .host = txn->head.host,
                              .port = txn->port,
                              .path = txn->head.path};
    judge_decide(txn->proxy->judge, &subject, &finding->verdict);
    if (finding->verdict.action != ACTION_ALLOW)
        finding->match = match_of(&finding->verdict);
    return finding->verdict.action;
}

/* Keeps what asks for more than FINDING does. */
static void judge_part(const struct http_txn *txn, const struct subject *subject, enum match match,
                       struct http_finding *finding)
{
    struct verdict verdict;
    judge_decide(txn->proxy->judge, subject, &verdict);
    if (verdict.action <= finding->verdict.action)
        return;
    finding->match = match;
    finding->verdict = verdict;
}

enum action http_verdict_answer(const struct http_txn *txn, struct http_finding *finding)
{
    struct subject subject = {.kind = SUBJECT_NAME, .client = txn->client->peer, .qtype = DNS_TYPE_CNAME};
    size_t aliases = txn->exempt ? 0 : txn->alias_count;
    finding->verdict.action = ACTION_ALLOW;
    for (size_t i = 0; i < aliases && finding->verdict.action != ACTION_BLOCK; i++) {
        subject.name = &txn->aliases[i];
        judge_part(txn, &subject, MATCH_CNAME, finding);
    }
    subject.kind = SUBJECT_ADDRESS;
    for (size_t i = 0; i < txn->addr_count && finding->verdict.action != ACTION_BLOCK; i++) {
        subject.addr = txn->addrs[i];
        judge_part(txn, &subject, MATCH_ORIGIN_IP, finding);
    }
    return finding->verdict.action;
}

void http_verdict_record(struct http_txn *txn, const struct http_finding *finding, uint16_t status)
{
    struct callback callback = {
        .time_ms = clock_wall_ms(),
        .client = txn->client->peer,
        .local = txn->client->local,
        .channel = finding->match == MATCH_ORIGIN_IP ? CHANNEL_IP
                   : txn->is_connect                 ? CHANNEL_CONNECT
                                                     : CHANNEL_HTTP,
        .match = finding->match,
        .count = 1,
        .status = status,
        .verdict = finding->verdict,
    };
    text_printable(callback.subject, sizeof callback.subject, txn->head.target);
    text_printable(callback.method, sizeof callback.method, txn->head.method);
    recorder_record(txn->proxy->judge->recorder, &callback);
}

void http_verdict_page(struct http_txn *txn, const struct verdict *verdict, bool keep_alive, struct buf *out)
{
    struct page_facts facts = {
        .url = txn->is_connect ? txn->head.host : txn->head.target,
        .verdict = verdict,
        .client = txn->client->peer,
        .time_ms = clock_wall_ms(),
        .contact = txn->proxy->settings->contact,
    };
    incidents_look(txn->proxy->judge->incidents, &txn->client->peer, verdict, &facts.incident);
    page_answer(out, &txn->head, &facts, keep_alive);
}
