#include "dnsfilter/dns_inspect.h"

#include <string.h>

#include "dnsfilter/dns_clean.h"
#include "dnsfilter/dns_servers.h"
#include "message/dns_svcb.h"

struct inspection {
    struct judge *judge;
    struct subject subject;
    struct dns_finding *finding;
    enum action action; /* the highest so far */
    unsigned strength;  /* of it */
    const uint8_t *response;
    size_t n;
    struct dns_message message; /* header and question's end */
    unsigned wanted, unclean;   /* enum dns_clean: to look for, found */
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

static struct cursor rdata_of(const struct inspection *inspection, const struct dns_record *record)
{
    struct cursor rdata = cursor_over(inspection->response, record->rdata_offset + record->rdata_length);
    cursor_bytes(&rdata, record->rdata_offset);
    return rdata;
}

/* A name that resolves an address back is no contact: whoever reads a log asks for it, and whoever owns the address may
 * have it say anything. */
static void only_record(struct verdict *verdict)
{
    if (verdict->action == ACTION_BLOCK)
        verdict->action = ACTION_LOG;
    verdict->answer = RECORD_ANSWER_CONFIGURED;
}

/* False: it is blocked, and nothing else needs to be looked at. */
static bool judge_part(struct inspection *inspection, struct passed *passed, enum match match)
{
    struct verdict verdict;
    inspection->subject.passed = passed;
    judge_decide(inspection->judge, &inspection->subject, &verdict);
    if (match == MATCH_PTR)
        only_record(&verdict);
    if (verdict_strength(&verdict) > inspection->strength) {
        inspection->action = verdict.action;
        inspection->strength = verdict_strength(&verdict);
        inspection->finding->match = match;
        inspection->finding->verdict = verdict;
    }
    return inspection->action < ACTION_BLOCK;
}

/* TYPE: adblock's $dnstype means the record that has the name. */
static bool judge_name(struct inspection *inspection, const struct dname *name, uint16_t type, struct passed *passed,
                       enum match match)
{
    inspection->subject.kind = SUBJECT_NAME;
    inspection->subject.name = name;
    inspection->subject.qtype = type;
    return judge_part(inspection, passed, match);
}

/* An address that is exempt does not clear the others, or whoever makes the answer would add one, but it has passed its
 * zone when name servers are looked at: LATER takes that up. */
static bool judge_address(struct inspection *inspection, const uint8_t *ip, size_t size, const struct passed *passed,
                          struct passed *later)
{
    struct passed own = *passed;
    struct addr *addr = &inspection->subject.addr;
    inspection->subject.kind = SUBJECT_ADDRESS;
    *addr = addr_v4(0, 0);
    memcpy(addr->ip + (sizeof addr->ip - size), ip, size);
    if (!judge_part(inspection, &own, MATCH_ANSWER_IP))
        return false;
    if (own.count > passed->count)
        passed_merge(later, &own);
    return true;
}

/* Where a service is to be had, and the addresses that spare a client from asking for it. */
static bool judge_service(struct inspection *inspection, const struct dns_record *record, const struct passed *passed,
                          struct passed *later)
{
    struct dns_svcb svcb;
    struct dns_svc_param param;
    struct passed own = *passed;
    if (dns_svcb_parse(rdata_of(inspection, record), &svcb) != ST_OK)
        return true;
    if (svcb.target.labels && !judge_name(inspection, &svcb.target, record->type, &own, MATCH_SVCB))
        return false;
    while (dns_svcb_next(&svcb, &param)) {
        size_t size = param.key == DNS_SVC_IPV4_HINT ? 4 : param.key == DNS_SVC_IPV6_HINT ? 16 : 0;
        while (size && cursor_left(&param.value))
            if (!judge_address(inspection, cursor_bytes(&param.value, size), size, &own, later))
                return false;
    }
    return true;
}

/* False: it is blocked. */
static bool judge_record(struct inspection *inspection, const struct dns_record *record, struct passed *passed,
                         struct passed *later)
{
    struct cursor rdata = rdata_of(inspection, record);
    struct dname target;
    switch (record->class == DNS_CLASS_IN ? record->type : 0) {
    case DNS_TYPE_CNAME:
        return dns_name_parse(&rdata, &target) != ST_OK ||
               judge_name(inspection, &target, DNS_TYPE_CNAME, passed, MATCH_CNAME);
    case DNS_TYPE_PTR: {
        struct passed own = *passed;
        return dns_name_parse(&rdata, &target) != ST_OK ||
               judge_name(inspection, &target, DNS_TYPE_PTR, &own, MATCH_PTR);
    }
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        return judge_address(inspection, rdata.at, record->rdata_length, passed, later);
    case DNS_TYPE_SVCB:
    case DNS_TYPE_HTTPS:
        return judge_service(inspection, record, passed, later);
    default:
        return true;
    }
}

/* Each in the order of the answer. What exempts an alias holds for all behind it. */
static bool judge_answer(struct inspection *inspection, struct passed *passed)
{
    struct dns_walk walk = dns_walk_start(inspection->response, inspection->n, &inspection->message);
    struct passed later = {0};
    struct dns_record record;
    while (dns_walk_next(&walk, &record) && record.section != DNS_ADDITIONAL) {
        inspection->unclean |= dns_clean_record(inspection->response, &record, inspection->wanted);
        if (record.section == DNS_ANSWER && !judge_record(inspection, &record, passed, &later))
            return false;
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
                        size_t n, unsigned *unclean, struct dns_finding *finding)
{
    struct inspection inspection;
    inspection.judge = judge;
    inspection.subject = (struct subject){.client = *client};
    inspection.finding = finding;
    inspection.action = ACTION_ALLOW;
    inspection.strength = 0;
    inspection.response = response;
    inspection.n = n;
    inspection.wanted = *unclean;
    inspection.unclean = 0;
    *unclean = 0;
    if (!find_question(&inspection))
        return ACTION_ALLOW;
    bool go_on = !inspection.message.header.ancount || judge_answer(&inspection, passed);
    *unclean = inspection.unclean;
    if (go_on && (judge_has_trigger(judge, TRIGGER_NS_NAME) || judge_has_trigger(judge, TRIGGER_NS_ADDRESS)))
        judge_servers(&inspection, passed);
    return inspection.action;
}
