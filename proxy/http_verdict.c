#include "proxy/http_verdict.h"

#include "base/clock.h"
#include "blockpage/page.h"
#include "proxy/http_client.h"

enum action http_verdict_target(const struct http_txn *txn, struct verdict *verdict)
{
    struct subject subject = {.kind = SUBJECT_URL,
                              .client = txn->client->peer,
                              .host = txn->head.host,
                              .port = txn->port,
                              .path = txn->head.path};
    judge_decide(txn->proxy->judge, &subject, verdict);
    return verdict->action;
}

enum action http_verdict_addresses(const struct http_txn *txn, struct verdict *verdict, const struct addr **addr)
{
    struct subject subject = {.kind = SUBJECT_ADDRESS, .client = txn->client->peer};
    struct verdict each;
    *verdict = (struct verdict){.action = ACTION_ALLOW};
    for (size_t i = 0; i < txn->addr_count && verdict->action != ACTION_BLOCK; i++) {
        subject.addr = txn->addrs[i];
        judge_decide(txn->proxy->judge, &subject, &each);
        if (each.action > verdict->action) {
            *verdict = each;
            *addr = &txn->addrs[i];
        }
    }
    return verdict->action;
}

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

void http_verdict_record(struct http_txn *txn, const struct verdict *verdict, const struct addr *addr, uint16_t status)
{
    struct callback callback = {
        .time_ms = clock_wall_ms(),
        .client = txn->client->peer,
        .local = txn->client->local,
        .channel = addr              ? CHANNEL_IP
                   : txn->is_connect ? CHANNEL_CONNECT
                                     : CHANNEL_HTTP,
        .match = addr ? MATCH_ORIGIN_IP : match_of(verdict),
        .count = 1,
        .status = status,
        .verdict = *verdict,
    };
    if (addr)
        addr_format(addr, callback.subject);
    else
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
