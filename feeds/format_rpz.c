/* Response policy zones (draft-vixie-dnsop-dns-rpz-00): the owner says what triggers a rule, the data what is done.
 *
 * A rule for a name alone or for all below it is just that; one for answers with an address is the network. What is
 * triggered by clients or name servers is left out. Every rule is handed aside as "TRIGGER OWNER ACTION". */
#include <stdio.h>
#include <string.h>

#include "feeds/format.h"
#include "feeds/normal.h"
#include "reputation/canonical.h"

enum { RULE_SIZE = 400, IP_TEXT_SIZE = 64, IP_LABELS = 9 };

static const struct {
    struct str suffix;
    const char *trigger;
} suffixes[] = {
    {{".rpz-ip", 7}, "rpz-ip"},
    {{".rpz-client-ip", 14}, "rpz-client-ip"},
    {{".rpz-nsip", 9}, "rpz-nsip"},
    {{".rpz-nsdname", 12}, "rpz-nsdname"},
};

static bool ends_with(struct str text, struct str suffix)
{
    return text.length > suffix.length && str_eq(str_from(text, text.length - suffix.length), suffix);
}

/* Section 3 of the draft; a CNAME to the owner itself is how rules were passed through before. */
static const char *action_of(const struct zone_record *record, char local[32])
{
    static const struct {
        struct str target;
        const char *action;
    } actions[] = {{{".", 1}, "nxdomain"},
                   {{"*.", 2}, "nodata"},
                   {{"rpz-passthru.", 13}, "passthru"},
                   {{"rpz-drop.", 9}, "drop"},
                   {{"rpz-tcp-only.", 13}, "tcp-only"}};
    struct str target = record->data;
    if (str_eq_nocase(record->type, STR("CNAME"))) {
        for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
            if (str_eq_nocase(target, actions[i].target))
                return actions[i].action;
        if (target.data[target.length - 1] == '.' &&
            str_eq_nocase((struct str){target.data, target.length - 1}, record->owner))
            return "passthru";
    }
    int n = snprintf(local, 32, "local:%.*s", (int)(record->type.length < 16 ? record->type.length : 16),
                     record->type.data);
    for (int i = 6; i < n; i++)
        if (local[i] >= 'a' && local[i] <= 'z')
            local[i] = (char)(local[i] - 32);
    return local;
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

static void hand_aside(struct intake *intake, const char *trigger, const char *owner, const char *action)
{
    char rule[RULE_SIZE];
    snprintf(rule, sizeof rule, "%s %s %s", trigger, owner, action);
    intake_aside(intake, FEED_DUMP_RULES, str_of(rule));
}

/* Whether the rule is one that the store can act on: it blocks or exempts. */
static bool set_action(struct intake *intake, const char *action, struct str owner)
{
    if (!strcmp(action, "tcp-only")) {
        intake_skip(intake, SKIP_ACTION, owner);
        return false;
    }
    if (!strcmp(action, "passthru"))
        intake->record.flags |= RECORD_ALLOW;
    return true;
}

static void take_network(struct intake *intake, struct str owner, const char *trigger, const char *action)
{
    char text[IP_TEXT_SIZE];
    struct network network;
    enum skip skip = network_of(owner, text, &network);
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, owner);
        return;
    }
    network_format(&network, text);
    hand_aside(intake, trigger, text, action);
    if (strcmp(trigger, "rpz-ip"))
        intake_skip(intake, SKIP_TRIGGER, owner);
    else if (set_action(intake, action, owner))
        intake_network(intake, str_of(text));
}

static void take_name(struct intake *intake, struct str owner, const char *trigger, const char *action)
{
    char text[DNAME_TEXT_SIZE], wild_trigger[32];
    struct dname name;
    struct str base = owner;
    bool wild = str_starts(owner, STR("*."));
    if (wild)
        base = str_from(owner, 2);
    if (str_eq(owner, STR("*"))) {
        intake_skip(intake, SKIP_PATTERN, owner);
        return;
    }
    if (canonical_host_name(base, &name) != ST_OK) {
        intake_skip(intake, SKIP_NOT_NAME, owner);
        return;
    }
    dname_to_text(&name, text);
    snprintf(wild_trigger, sizeof wild_trigger, "%s%s", trigger, wild ? "-wild" : "");
    hand_aside(intake, wild_trigger, text, action);
    intake->record.flags |= wild ? RECORD_BELOW_ONLY : RECORD_EXACT;
    if (strcmp(trigger, "qname"))
        intake_skip(intake, SKIP_TRIGGER, owner);
    else if (set_action(intake, action, owner))
        intake_name(intake, base);
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
    char local[32];
    const char *action = action_of(record, local), *trigger = "qname";
    struct str owner = record->owner;
    if (record->outside) {
        intake_skip(intake, SKIP_OUTSIDE, owner);
        return;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (ends_with(owner, suffixes[i].suffix)) {
            trigger = suffixes[i].trigger;
            owner.length -= suffixes[i].suffix.length;
        }
    intake_know(intake);
    intake->record.reference = reference_of(record->comment);
    if (!strcmp(trigger, "qname") || !strcmp(trigger, "rpz-nsdname"))
        take_name(intake, owner, trigger, action);
    else
        take_network(intake, owner, trigger, action);
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
