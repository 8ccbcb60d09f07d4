#include "dnsfilter/dns_inspect.h"

#include <string.h>

#include "dnsfilter/dns_servers.h"
#include "message/dns_message.h"

struct inspection {
    struct judge *judge;
    struct subject subject;
    struct dns_finding *finding;
    enum action action; /* the highest so far */
    unsigned strength;  /* of it */
    const uint8_t *response;
    size_t n;
    struct dns_message message; /* header and question's end */
};

/* What a walk needs of a message that was parsed before. */
static bool find_question(struct inspection *inspection)
{
    struct dname name;
    struct cursor cursor = cursor_over(inspection->response, inspection->n);
    if (dns_header_parse(inspection->response, inspection->n, &inspection->message.header) != ST_OK)
        return false;
    cursor_bytes(&cursor, DNS_HEADER_BYTES);
    if (dns_name_parse(&cursor, &name) != ST_OK)
        return false;
    cursor_u32(&cursor); /* type and class */
    inspection->message.question_end = cursor_offset(&cursor);
    return !cursor.failed;
}

static bool subject_of(const struct inspection *inspection, const struct dns_record *record, struct dname *target,
                       struct subject *subject)
{
    struct cursor rdata = cursor_over(inspection->response, inspection->n);
    cursor_bytes(&rdata, record->rdata_offset);
    switch (record->type) {
    case DNS_TYPE_CNAME:
        subject->kind = SUBJECT_NAME;
        subject->name = target;
        subject->qtype = DNS_TYPE_CNAME; /* adblock's $dnstype means the record that has the name */
        return dns_name_parse(&rdata, target) == ST_OK;
    case DNS_TYPE_A:
        subject->kind = SUBJECT_ADDRESS;
        subject->addr = addr_v4(cursor_u32(&rdata), 0);
        return !rdata.failed;
    case DNS_TYPE_AAAA: {
        const uint8_t *ip = cursor_bytes(&rdata, sizeof subject->addr.ip);
        subject->kind = SUBJECT_ADDRESS;
        if (ip)
            memcpy(subject->addr.ip, ip, sizeof subject->addr.ip);
        return ip != NULL;
    }
    default:
        return false;
    }
}

/* False: it is blocked, and nothing else needs to be looked at. */
static bool judge_part(struct inspection *inspection, struct passed *passed, enum match match)
{
    struct verdict verdict;
    inspection->subject.passed = passed;
    judge_decide(inspection->judge, &inspection->subject, &verdict);
    if (verdict_strength(&verdict) > inspection->strength) {
        inspection->action = verdict.action;
        inspection->strength = verdict_strength(&verdict);
        inspection->finding->match = match;
        inspection->finding->verdict = verdict;
    }
    return inspection->action < ACTION_BLOCK;
}

/* Each in the order of the answer. What exempts an alias holds for all behind it; an address that is exempt does not
 * clear the others, or whoever makes the answer would add one, but it has passed its zone when name servers are looked
 * at. */
static bool judge_answer(struct inspection *inspection, struct passed *passed)
{
    struct dns_walk walk = dns_walk_start(inspection->response, inspection->n, &inspection->message);
    struct passed later = {0};
    struct dname target;
    struct dns_record record;
    while (dns_walk_next(&walk, &record) && record.section == DNS_ANSWER) {
        if (!subject_of(inspection, &record, &target, &inspection->subject))
            continue;
        struct passed own = *passed;
        bool alias = inspection->subject.kind == SUBJECT_NAME;
        if (!judge_part(inspection, alias ? passed : &own, alias ? MATCH_CNAME : MATCH_ANSWER_IP))
            return false;
        if (!alias && own.count > passed->count)
            passed_merge(&later, &own);
    }
    if (later.count)
        passed_merge(passed, &later);
    return true;
}

static void judge_servers(struct inspection *inspection, struct passed *passed)
{
    struct resolver_servers servers;
    servers.name_count = servers.addr_count = 0;
    dns_servers_add(&servers, inspection->response, inspection->n, &inspection->message);
    inspection->subject.kind = SUBJECT_NS_NAME;
    for (size_t i = 0; i < servers.name_count; i++) {
        inspection->subject.name = &servers.names[i];
        if (!judge_part(inspection, passed, MATCH_NS_NAME))
            return;
    }
    inspection->subject.kind = SUBJECT_NS_ADDRESS;
    for (size_t i = 0; i < servers.addr_count; i++) {
        inspection->subject.addr = servers.addrs[i];
        if (!judge_part(inspection, passed, MATCH_NS_IP))
            return;
    }
}

enum action dns_inspect(struct judge *judge, const struct addr *client, struct passed *passed, const uint8_t *response,
                        size_t n, struct dns_finding *finding)
{
    struct inspection inspection;
    inspection.judge = judge;
    inspection.subject = (struct subject){.client = *client};
    inspection.finding = finding;
    inspection.action = ACTION_ALLOW;
    inspection.strength = 0;
    inspection.response = response;
    inspection.n = n;
    if (!find_question(&inspection))
        return ACTION_ALLOW;
    bool go_on = !inspection.message.header.ancount || judge_answer(&inspection, passed);
    if (go_on && (judge_has_trigger(judge, TRIGGER_NS_NAME) || judge_has_trigger(judge, TRIGGER_NS_ADDRESS)))
        judge_servers(&inspection, passed);
    return inspection.action;
}
