/* Adblock rules as DNS filters read them: "||name^" is the name and all below it, "|name^" and a bare name that name
 * alone, "@@" before it exempts them. $important, $dnstype, $denyallow and $badfilter are followed; a rule with another
 * modifier must be ignored as a whole. Patterns, regular expressions and cosmetic rules say nothing about names. */
#include <string.h>

#include "feeds/adblock_list.h"
#include "feeds/format.h"
#include "feeds/normal.h"

static bool contains(struct str text, const char *part)
{
    return text.length && memmem(text.data, text.length, part, strlen(part));
}

static bool is_cosmetic(struct str rule)
{
    static const char *const marks[] = {"##", "#@#", "#?#", "#$#", "#%#", "$$"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (contains(rule, marks[i]))
            return !str_starts(rule, STR("###"));
    return str_starts(rule, STR("[$"));
}

static bool is_comment(struct str line)
{
    return format_is_comment(line, "![#");
}

static void set_record(struct record *record, const struct adblock_rule *rule)
{
    record->flags |= (rule->allow ? RECORD_ALLOW : 0) | (rule->important ? RECORD_IMPORTANT : 0) |
                     (rule->types_except ? RECORD_TYPES_EXCEPT : 0) |
                     (rule->extent == ADBLOCK_EXACT   ? RECORD_EXACT
                      : rule->extent == ADBLOCK_BELOW ? RECORD_BELOW_ONLY
                                                      : 0);
    record->types = (struct str){(const char *)rule->types, rule->types_length};
}

/* Lines of hosts files stand in such lists too, and mean the name alone. */
static void take_hosts_line(struct intake *intake, struct str line)
{
    struct addr addr;
    struct str rest = line, first = str_word(&rest);
    intake->record.flags |= RECORD_EXACT;
    if (rest.length && addr_parse_ip(first, &addr) == ST_OK)
        format_hosts.line(intake, line);
    else
        intake_skip(intake, SKIP_NOT_RULE, line);
}

static void take_rule(struct intake *intake, const struct adblock_rule *rule, struct str line)
{
    struct adblock_list *list = intake->state.adblock;
    struct network network;
    struct dname name;
    enum skip skip = normal_name(rule->name, &name);
    bool top_level = skip == SKIP_SINGLE_LABEL && rule->extent != ADBLOCK_EXACT &&
                     rule->name.data[rule->name.length - 1] != '.'; /* "||x.^": how a name begins */
    bool address = normal_network(rule->name, &network) == SKIP_NOT;
    if (address && (rule->types_length || rule->denyallow.length || rule->extent == ADBLOCK_BELOW)) {
        intake_skip(intake, SKIP_MODIFIER, line);
    } else if (address) {
        intake_network(intake, rule->name);
    } else if (skip == SKIP_NOT) {
        if (list && !rule->allow && !rule->types_length && !rule->denyallow.length && rule->extent == ADBLOCK_SUBTREE)
            adblock_list_block(list, &name);
        intake_name(intake, rule->name);
    } else {
        intake_skip(intake, top_level ? SKIP_TOP_LEVEL : SKIP_PATTERN, line);
    }
}

static void take_line(struct intake *intake, struct str line)
{
    struct adblock_list *list = intake->state.adblock;
    struct adblock_rule rule;
    if (is_cosmetic(line)) {
        intake_skip(intake, SKIP_COSMETIC, line);
        return;
    }
    if (is_comment(line)) {
        intake_comment(intake);
        return;
    }
    enum skip skip = adblock_rule_parse(line, &rule);
    if (rule.badfilter)
        skip = SKIP_SWITCH;
    else if (skip == SKIP_NOT && list && rule.denyallow.length && !adblock_list_take_excepting(list, &rule))
        skip = SKIP_MODIFIER;
    if (skip == SKIP_NOT && list && adblock_list_is_off(list, &rule))
        skip = SKIP_SWITCHED_OFF;
    if (skip != SKIP_NOT) {
        intake_skip(intake, skip, line);
    } else if (contains(rule.name, " ") || contains(rule.name, "\t")) {
        take_hosts_line(intake, line);
    } else {
        set_record(&intake->record, &rule);
        take_rule(intake, &rule, line);
    }
}

static void survey(struct intake *intake, struct str line)
{
    struct adblock_rule rule;
    if (!memchr(line.data, '$', line.length) || is_comment(line) || is_cosmetic(line) ||
        adblock_rule_parse(line, &rule) != SKIP_NOT || (!rule.badfilter && !rule.denyallow.length))
        return;
    if (!intake->state.adblock)
        intake->state.adblock = adblock_list_new();
    if (!intake->state.adblock || !adblock_list_survey(intake->state.adblock, &rule))
        intake->status = ST_NOMEM;
}

static void exempt(void *user, const struct dname *name, const struct adblock_rule *rule)
{
    struct intake *intake = user;
    char text[DNAME_TEXT_SIZE];
    struct adblock_rule exemption = *rule;
    exemption.allow = true;
    dname_to_text(name, text);
    intake_late(intake);
    set_record(&intake->record, &exemption);
    intake_name(intake, str_of(text));
}

static void finish(struct intake *intake)
{
    if (intake->state.adblock)
        adblock_list_exemptions(intake->state.adblock, exempt, intake);
    adblock_list_free(intake->state.adblock);
    intake->state.adblock = NULL;
}

const struct format format_adblock = {.name = "adblock",
                                      .about = "adblock rules for DNS: ||name^, @@||name^",
                                      .line = take_line,
                                      .survey = survey,
                                      .finish = finish,
                                      .own_match = true};
