#include "proxy/http_verdict.h"

#include "base/clock.h"
#include "blockpage/page.h"
#include "message/dns_message.h"
#include "proxy/http_client.h"

static enum match match_of(const struct http_txn *txn, const struct verdict *verdict)
{
    switch (verdict->kind) {
    case INDICATOR_URL:
        return MATCH_URL;
    case INDICATOR_NETWORK:
        return MATCH_ORIGIN_IP;
    default:
        return txn->channel == CHANNEL_TLS ? MATCH_SNI : MATCH_HOST;
    }
}

/* Rules for clients stand before those for URLs, of which FINDING has the verdict that was made without regard to them;
 * it is made anew where they let the request pass some source. */
static void judge_client(struct http_txn *txn, const struct subject *target, struct http_finding *finding)
{
    struct passed passed = {0};
    struct subject client = {.kind = SUBJECT_CLIENT, .client = txn->client->peer, .passed = &passed};
    struct verdict verdict;
    judge_decide(txn->proxy->judge, &client, &verdict);
    if (passed.count) {
        txn->passed = passed;
        judge_decide(txn->proxy->judge, target, &finding->verdict);
    }
    if (verdict.action != ACTION_BLOCK && verdict.action <= finding->verdict.action)
        return;
    finding->match = MATCH_CLIENT_IP;
    finding->verdict = verdict;
}

enum action http_verdict_target(struct http_txn *txn, struct http_finding *finding)
{
    struct subject subject = {.kind = SUBJECT_URL,
                              .client = txn->client->peer,
                              .host = txn->head.host,
                              .port = txn->port,
                              .path = txn->head.path,
                              .passed = &txn->passed};
    judge_decide(txn->proxy->judge, &subject, &finding->verdict);
    finding->match = MATCH_HOST;
    if (!finding->verdict.exempts && judge_has_trigger(txn->proxy->judge, TRIGGER_CLIENT))
        judge_client(txn, &subject, finding);
    if (finding->verdict.action != ACTION_ALLOW && finding->match != MATCH_CLIENT_IP)
        finding->match = match_of(txn, &finding->verdict);
    return finding->verdict.action;
}

/* Keeps what asks for more than FINDING does. False: it is a block, and nothing else needs to be looked at. */
static bool judge_part(const struct http_txn *txn, struct subject *subject, struct passed *passed, enum match match,
                       struct http_finding *finding)
{
    struct verdict verdict;
    subject->passed = passed;
    judge_decide(txn->proxy->judge, subject, &verdict);
    if (verdict.action > finding->verdict.action) {
        finding->match = match;
        finding->verdict = verdict;
    }
    return finding->verdict.action != ACTION_BLOCK;
}

/* Whoever writes a good name and goes to a bad address is judged as if he had written the address. */
static bool judge_misnamed(const struct http_txn *txn, struct http_finding *finding)
{
    char host[ADDR_TEXT_SIZE];
    struct passed none = {0};
    struct subject subject = {
        .kind = SUBJECT_URL, .client = txn->client->peer, .port = txn->port, .path = txn->head.path};
    addr_format_ip(&txn->client->original, host);
    subject.host = str_of(host);
    bool go_on = judge_part(txn, &subject, &none, MATCH_URL, finding);
    if (finding->verdict.action != ACTION_ALLOW && finding->match == MATCH_URL)
        finding->match = match_of(txn, &finding->verdict);
    return go_on;
}

/* An address that is exempt does not clear the others, but it has passed its source when name servers are looked at. */
static bool judge_addresses(struct http_txn *txn, struct subject *subject, struct http_finding *finding)
{
    struct passed later = {0};
    subject->kind = SUBJECT_ADDRESS;
    for (size_t i = 0; i < txn->addr_count; i++) {
        struct passed own = txn->passed;
        subject->addr = txn->addrs[i];
        if (!judge_part(txn, subject, &own, MATCH_ORIGIN_IP, finding))
            return false;
        passed_merge(&later, &own);
    }
    passed_merge(&txn->passed, &later);
    return true;
}

static void judge_servers(struct http_txn *txn, struct subject *subject, struct http_finding *finding)
{
    bool go_on = true;
    subject->kind = SUBJECT_NS_NAME;
    for (size_t i = 0; go_on && i < txn->servers->name_count; i++) {
        subject->name = &txn->servers->names[i];
        go_on = judge_part(txn, subject, &txn->passed, MATCH_NS_NAME, finding);
    }
    subject->kind = SUBJECT_NS_ADDRESS;
    for (size_t i = 0; go_on && i < txn->servers->addr_count; i++) {
        subject->addr = txn->servers->addrs[i];
        go_on = judge_part(txn, subject, &txn->passed, MATCH_NS_IP, finding);
    }
}

enum action http_verdict_answer(struct http_txn *txn, struct http_finding *finding)
{
    struct subject subject = {.kind = SUBJECT_NAME, .client = txn->client->peer, .qtype = DNS_TYPE_CNAME};
    size_t aliases = txn->exempt ? 0 : txn->alias_count;
    bool go_on = true;
    finding->verdict.action = ACTION_ALLOW;
    for (size_t i = 0; go_on && i < aliases; i++) {
        subject.name = &txn->aliases[i];
        go_on = judge_part(txn, &subject, &txn->passed, MATCH_CNAME, finding);
    }
    if (go_on && txn->misnamed)
        go_on = judge_misnamed(txn, finding);
    if (go_on && judge_addresses(txn, &subject, finding) && txn->servers && !txn->exempt)
        judge_servers(txn, &subject, finding);
    return finding->verdict.action;
}

void http_verdict_record(struct http_txn *txn, const struct http_finding *finding, uint16_t status)
{
    access_note_verdict(txn, finding->verdict.action == ACTION_BLOCK ? ACCESS_BLOCKED : ACCESS_LOGGED);
    struct callback callback = {
        .time_ms = clock_wall_ms(),
        .client = txn->client->peer,
        .local = *http_client_far_end(txn->client),
        .channel = finding->match == MATCH_ORIGIN_IP ? CHANNEL_IP : txn->channel,
        .match = finding->match,
        .count = 1,
        .status = status,
        .verdict = finding->verdict,
    };
    text_printable(callback.subject, sizeof callback.subject, txn->head.target);
    text_printable(callback.method, sizeof callback.method, txn->head.method);
    text_printable(callback.login, sizeof callback.login, txn->login);
    recorder_record(txn->proxy->judge->recorder, &callback);
}

struct page_facts http_verdict_facts(const struct http_txn *txn, const struct verdict *verdict)
{
    struct page_facts facts = {
        .url = txn->is_connect ? txn->head.host : txn->head.target,
        .verdict = verdict,
        .client = txn->client->peer,
        .time_ms = clock_wall_ms(),
        .contact = txn->proxy->settings->contact,
        .host = txn->head.host,
        .reports = txn->proxy->judge->reports,
    };
    incidents_look(txn->proxy->judge->incidents, &txn->client->peer, verdict, &facts.incident);
    return facts;
}

void http_verdict_page(struct http_txn *txn, const struct verdict *verdict, bool keep_alive, struct buf *out)
{
    struct page_facts facts = http_verdict_facts(txn, verdict);
    page_answer(out, &txn->head, &facts, keep_alive);
}
