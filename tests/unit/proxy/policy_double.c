/* A policy of one rule: see struct rule. */
#include <string.h>

#include "fixture.h"

bool policy_has_trigger(const struct policy_reader *reader, enum record_trigger trigger)
{
    (void)reader;
    return trigger == TRIGGER_SUBJECT;
}

void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict)
{
    (void)reader;
    char text[ADDR_TEXT_SIZE], name[DNAME_TEXT_SIZE];
    *verdict = (struct verdict){.action = ACTION_ALLOW};
    rule.last = *subject;
    bool hit = false;
    if (subject->kind == SUBJECT_URL) {
        rule.asked++;
        text_copy(rule.last_host, sizeof rule.last_host, subject->host);
        hit = rule.host[0] && str_eq_nocase(subject->host, str_of(rule.host)) &&
              str_starts(subject->path, str_of(rule.path));
        verdict->kind = rule.path[0] ? INDICATOR_URL : INDICATOR_NAME;
        verdict->matched = verdict->exempts = rule.exempt;
    } else if (subject->kind == SUBJECT_NAME) {
        rule.asked_name++;
        dname_to_text(subject->name, name);
        hit = !strcmp(name, rule.alias);
        verdict->kind = INDICATOR_NAME;
    } else if (subject->kind == SUBJECT_ADDRESS) {
        rule.asked_addr++;
        addr_format_ip(&subject->addr, text);
        hit = !strcmp(text, rule.addr);
        verdict->kind = INDICATOR_NETWORK;
    }
    if (hit) {
        verdict->action = rule.action;
        verdict->matched = true;
        verdict->exempts = rule.action == ACTION_ALLOW;
        text_copy(verdict->indicator, sizeof verdict->indicator, str_of("the.indicator"));
    }
}
