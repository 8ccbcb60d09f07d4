#include "dnsfilter/dns_inspect.h"

#include <string.h>

#include "message/dns_message.h"

/* Past the question of a message that was parsed before. */
static bool start_walk(const uint8_t *response, size_t n, struct dns_walk *walk)
{
    struct dns_message message;
    struct dname name;
    struct cursor cursor = cursor_over(response, n);
    if (dns_header_parse(response, n, &message.header) != ST_OK || !message.header.ancount)
        return false;
    cursor_bytes(&cursor, DNS_HEADER_BYTES);
    if (dns_name_parse(&cursor, &name) != ST_OK)
        return false;
    cursor_u32(&cursor); /* type and class */
    message.question_end = cursor_offset(&cursor);
    *walk = dns_walk_start(response, n, &message);
    return !cursor.failed;
}

static bool subject_of(const uint8_t *response, size_t n, const struct dns_record *record, struct dname *target,
                       struct subject *subject)
{
    struct cursor rdata = cursor_over(response, n);
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

enum action dns_inspect(struct judge *judge, const struct addr *client, const uint8_t *response, size_t n,
                        struct dns_finding *finding)
{
    enum action highest = ACTION_ALLOW;
    struct subject subject = {.client = *client};
    struct dname target;
    struct dns_walk walk;
    struct dns_record record;
    if (!start_walk(response, n, &walk))
        return ACTION_ALLOW;
    while (highest < ACTION_BLOCK && dns_walk_next(&walk, &record) && record.section == DNS_ANSWER) {
        struct verdict verdict;
        if (!subject_of(response, n, &record, &target, &subject))
            continue;
        judge_decide(judge, &subject, &verdict);
        if (verdict.action <= highest)
            continue;
        highest = verdict.action;
        finding->match = subject.kind == SUBJECT_NAME ? MATCH_CNAME : MATCH_ANSWER_IP;
        finding->verdict = verdict;
    }
    return highest;
}
