/* Response policy zones (draft-vixie-dnsop-dns-rpz-00): the owner says what triggers a rule, the data what is done.
 *
 * A rule for a name alone or for all below it is just that; one for addresses is the network. What it is compared with
 * and how it wants to be answered stand in the record; of local data each record becomes an entry. Every rule is also
 * handed aside as "TRIGGER OWNER ACTION". */
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "feeds/format.h"
#include "feeds/normal.h"
#include "feeds/zone_data.h"
#include "reputation/canonical.h"

enum { RULE_SIZE = DNAME_TEXT_SIZE + 64, IP_TEXT_SIZE = 64, IP_LABELS = 9, LOCAL_SIZE = 32, RECORD_HEAD_BYTES = 8 };

/* Sections 4.1 to 4.5 of the draft. */
static const struct trigger {
    struct str suffix;
    const char *text;
    enum record_trigger trigger;
    bool network;
} triggers[] = {
    {{"", 0}, "qname", TRIGGER_SUBJECT, false},
    {{".rpz-ip", 7}, "rpz-ip", TRIGGER_SUBJECT, true},
    {{".rpz-client-ip", 14}, "rpz-client-ip", TRIGGER_CLIENT, true},
    {{".rpz-nsip", 9}, "rpz-nsip", TRIGGER_NS_ADDRESS, true},
    {{".rpz-nsdname", 12}, "rpz-nsdname", TRIGGER_NS_NAME, false},
};

struct rule {
    struct str owner; /* without the trigger's suffix */
    const struct trigger *trigger;
    const char *action;
    char local[LOCAL_SIZE]; /* what `action` may point to */
    uint8_t data[RECORD_HEAD_BYTES + ZONE_DATA_MAX];
};

static bool ends_with(struct str text, struct str suffix)
{
    return text.length > suffix.length && str_eq(str_from(text, text.length - suffix.length), suffix);
}

static const struct trigger *trigger_of(struct str owner)
{
    for (size_t i = 1; i < sizeof triggers / sizeof triggers[0]; i++)
        if (ends_with(owner, triggers[i].suffix))
            return &triggers[i];
    return &triggers[0];
}

/* Section 3 of the draft: targets that stand for an action. */
static const struct {
    const char *wire; /* without the root's zero byte, which ends the text */
    const char *text;
    enum record_answer answer;
    uint8_t flags;
} actions[] = {
    {"", "nxdomain", RECORD_ANSWER_NXDOMAIN, 0},
    {"\1*", "nodata", RECORD_ANSWER_NODATA, 0},
    {"\14rpz-passthru", "passthru", RECORD_ANSWER_CONFIGURED, RECORD_ALLOW},
    {"\10rpz-drop", "drop", RECORD_ANSWER_DROP, 0},
    {"\14rpz-tcp-only", "tcp-only", RECORD_ANSWER_TCP_ONLY, 0},
};

static bool is_owner_itself(const struct zone_record *record, const struct dname *target)
{
    struct dname owner;
    return dname_from_text(record->owner, &owner) == ST_OK && dname_equal(&owner, target);
}

/* What a CNAME stands for. A CNAME to the owner itself is how rules were passed through before. False: for local data.
 */
static bool take_action(struct intake *intake, const struct zone_record *record, const struct zone_data *data,
                        struct rule *rule)
{
    struct dname target;
    if (dname_from_wire(data->bytes, data->length, &target) != ST_OK)
        return false;
    dname_lower(&target);
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        bool passes = actions[i].flags & RECORD_ALLOW;
        size_t n = strlen(actions[i].wire) + 1;
        if ((n == target.length && !memcmp(target.wire, actions[i].wire, n)) ||
            (passes && is_owner_itself(record, &target))) {
            rule->action = actions[i].text;
            intake->record.answer = actions[i].answer;
            intake->record.flags |= actions[i].flags;
            return true;
        }
    }
    return false;
}

static void take_local_data(struct intake *intake, const struct zone_record *record, const struct zone_data *data,
                            struct rule *rule)
{
    int n = snprintf(rule->local, sizeof rule->local, "local:%.*s",
                     (int)(record->type.length < 16 ? record->type.length : 16), record->type.data);
    for (int i = 6; i < n; i++)
        if (rule->local[i] >= 'a' && rule->local[i] <= 'z')
            rule->local[i] = (char)(rule->local[i] - 32);
    rule->action = rule->local;
    intake->record.answer = RECORD_ANSWER_DATA;
    struct wire wire = wire_into(rule->data, sizeof rule->data);
    wire_u16(&wire, data->type);
    wire_u32(&wire, record->ttl_s);
    wire_u16(&wire, (uint16_t)data->length);
    wire_bytes(&wire, data->bytes, data->length);
    intake->record.data = (struct str){(const char *)rule->data, wire_length(&wire)};
}

/* Sets what the rule's data asks for. SKIP_NOT, or why it can't be done; the action is known in any case. */
static enum skip set_action(struct intake *intake, const struct zone_record *record, struct rule *rule)
{
    struct zone_data data;
    enum status status = zone_data_build(&intake->state.zone, record, &data);
    if (status == ST_OK && data.type == ZONE_TYPE_CNAME && take_action(intake, record, &data, rule))
        return SKIP_NOT;
    take_local_data(intake, record, &data, rule);
    if (status == ST_UNSUPPORTED) /* the name has local data, but none that could be given */
        intake->record.data = (struct str){0};
    return status == ST_OK || status == ST_UNSUPPORTED ? SKIP_NOT : SKIP_DATA;
}

/* PREFIX and the address's parts, last first: "24.0.2.0.192", "48.zz.db8.2001". */
static enum skip network_of(struct str owner, char out[IP_TEXT_SIZE], struct network *network)
{
    struct str labels[IP_LABELS], rest = owner;
    size_t count = 0, length = 0;
    bool v4 = true, more = true;
    while (more) {
        if (count == IP_LABELS)
            return SKIP_NOT_ADDRESS;
        more = str_cut(rest, '.', &labels[count], &rest);
        if (!more)
            labels[count] = rest;
        v4 = v4 && !str_eq(labels[count], STR("zz"));
        count++;
    }
    v4 = v4 && count == 5;
    for (size_t i = count - 1; i; i--) {
        bool gap = str_eq(labels[i], STR("zz"));
        if (length + labels[i].length + 3 > IP_TEXT_SIZE - 8)
            return SKIP_NOT_ADDRESS;
        if (i < count - 1)
            out[length++] = v4 ? '.' : ':';
        if (gap && (i == count - 1 || i == 1))
            out[length++] = ':';
        if (!gap) {
            memcpy(out + length, labels[i].data, labels[i].length);
            length += labels[i].length;
        }
    }
    uint64_t prefix;
    if (count < 3 || text_u64(labels[0], 128, &prefix) != ST_OK)
        return SKIP_NOT_ADDRESS;
    snprintf(out + length, IP_TEXT_SIZE - length, "/%u", (unsigned)prefix);
    if (!prefix)
        return SKIP_EVERY_ADDRESS;
    return network_parse(str_of(out), network) == ST_OK ? SKIP_NOT : SKIP_NOT_ADDRESS;
}

/* TEXT with its escapes undone, as far as a host name may have such bytes. */
static bool unescape_host(struct str text, char out[DNAME_TEXT_SIZE])
{
    struct dname name;
    size_t used = 0;
    if (!text.length || !memchr(text.data, '\\', text.length)) {
        text_copy(out, DNAME_TEXT_SIZE, text);
        return true;
    }
    if (dname_from_text(text, &name) != ST_OK)
        return false;
    for (size_t at = 0; name.wire[at];) {
        if (used)
            out[used++] = '.';
        for (uint8_t n = name.wire[at++]; n; n--, at++) {
            if (!name.wire[at] || name.wire[at] == '.')
                return false;
            out[used++] = (char)name.wire[at];
        }
    }
    out[used] = '\0';
    return true;
}

static void hand_aside(struct intake *intake, const char *trigger, const char *owner, const char *action)
{
    char rule[RULE_SIZE];
    snprintf(rule, sizeof rule, "%s %s %s", trigger, owner, action);
    intake_aside(intake, FEED_DUMP_RULES, str_of(rule));
}

static void take_network(struct intake *intake, const struct rule *rule, enum skip unusable)
{
    char text[IP_TEXT_SIZE];
    struct network network;
    enum skip skip = network_of(rule->owner, text, &network);
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, rule->owner);
        return;
    }
    network_format(&network, text);
    hand_aside(intake, rule->trigger->text, text, rule->action);
    if (unusable != SKIP_NOT)
        intake_skip(intake, unusable, rule->owner);
    else
        intake_network(intake, str_of(text));
}

static void take_name(struct intake *intake, const struct rule *rule, enum skip unusable)
{
    char text[DNAME_TEXT_SIZE], trigger[32];
    struct dname name;
    bool wild = str_starts(rule->owner, STR("*."));
    if (str_eq(rule->owner, STR("*"))) {
        intake_skip(intake, SKIP_PATTERN, rule->owner);
        return;
    }
    if (!unescape_host(str_from(rule->owner, wild ? 2 : 0), text) ||
        canonical_host_name(str_of(text), &name) != ST_OK) {
        intake_skip(intake, SKIP_NOT_NAME, rule->owner);
        return;
    }
    dname_to_text(&name, text);
    snprintf(trigger, sizeof trigger, "%s%s", rule->trigger->text, wild ? "-wild" : "");
    hand_aside(intake, trigger, text, rule->action);
    intake->record.flags |= wild ? RECORD_BELOW_ONLY : RECORD_EXACT;
    if (unusable != SKIP_NOT)
        intake_skip(intake, unusable, rule->owner);
    else
        intake_name(intake, str_of(text));
}

/* A link in the record's comment is where the publisher says more. */
static struct str reference_of(struct str comment)
{
    for (struct str word = str_word(&comment); word.length; word = str_word(&comment))
        if (str_starts(word, STR("https://")) || str_starts(word, STR("http://")))
            return word;
    return (struct str){0};
}

static void take_rule(struct intake *intake, const struct zone_record *record)
{
    struct rule rule;
    if (record->outside) {
        intake_skip(intake, SKIP_OUTSIDE, record->owner);
        return;
    }
    rule.trigger = trigger_of(record->owner);
    rule.owner = (struct str){record->owner.data, record->owner.length - rule.trigger->suffix.length};
    enum skip unusable = set_action(intake, record, &rule);
    intake_know(intake);
    intake->record.reference = reference_of(record->comment);
    intake->record.trigger = rule.trigger->trigger;
    if (rule.trigger->network)
        take_network(intake, &rule, unusable);
    else
        take_name(intake, &rule, unusable);
}

static void take_line(struct intake *intake, struct str line)
{
    struct zone_record record;
    switch (zone_take(&intake->state.zone, intake->line, &record)) {
    case ZONE_NOTHING:
        intake_comment(intake);
        break;
    case ZONE_RECORD:
        take_rule(intake, &record);
        break;
    case ZONE_DIRECTIVE:
        intake_skip(intake, SKIP_DIRECTIVE, line);
        break;
    case ZONE_BAD:
        intake_skip(intake, SKIP_NOT_RULE, line);
        break;
    }
}

const struct format format_rpz = {
    .name = "rpz", .about = "a response policy zone as a zone file", .line = take_line, .own_match = true};
