/* Adblock rules as DNS filters read them (AdGuard's "DNS filtering rules syntax"): "||name^" is the name and all below
 * it, "@@" before it exempts them, a bare name is that name alone. A rule with a modifier other than $important must be
 * ignored as a whole; patterns, regular expressions and cosmetic rules say nothing about names. */
#include <string.h>

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
            return true;
    return false;
}

/* "||NAME^" or "||NAME^|": what is between. */
static bool name_rule(struct str rule, struct str *name)
{
    if (rule.length && rule.data[rule.length - 1] == '|')
        rule.length--;
    if (rule.length < 4 || !str_starts(rule, STR("||")) || rule.data[rule.length - 1] != '^')
        return false;
    *name = (struct str){rule.data + 2, rule.length - 3};
    return true;
}

static void take_name_rule(struct intake *intake, struct str name, struct str rule)
{
    struct network network;
    struct dname parsed;
    enum skip skip = normal_name(name, &parsed);
    bool top_level = skip == SKIP_SINGLE_LABEL && name.data[name.length - 1] != '.'; /* "||x.^": how a name begins */
    if (normal_network(name, &network) == SKIP_NOT)
        intake_network(intake, name);
    else if (skip == SKIP_NOT)
        intake_name(intake, name);
    else
        intake_skip(intake, top_level ? SKIP_TOP_LEVEL : SKIP_PATTERN, rule);
}

static void take_bare_rule(struct intake *intake, struct str rule)
{
    struct network network;
    struct dname parsed;
    intake->record.flags |= RECORD_EXACT;
    if (normal_network(rule, &network) == SKIP_NOT)
        intake_network(intake, rule);
    else if (normal_name(rule, &parsed) == SKIP_NOT)
        intake_name(intake, rule);
    else
        intake_skip(intake, contains(rule, " ") ? SKIP_NOT_RULE : SKIP_PATTERN, rule);
}

static void take_line(struct intake *intake, struct str line)
{
    struct str rule = line, modifiers, name;
    if (rule.data[0] == '!' || rule.data[0] == '[') {
        intake_comment(intake);
        return;
    }
    if (is_cosmetic(rule) && !str_starts(rule, STR("###"))) {
        intake_skip(intake, SKIP_COSMETIC, line);
        return;
    }
    if (rule.data[0] == '#') {
        intake_comment(intake);
        return;
    }
    if (str_starts(rule, STR("@@"))) {
        intake->record.flags |= RECORD_ALLOW;
        rule = str_from(rule, 2);
    }
    if (rule.length > 1 && rule.data[0] == '/' && (rule.data[rule.length - 1] == '/' || contains(rule, "/$"))) {
        intake_skip(intake, SKIP_REGEX, line);
        return;
    }
    if (str_cut(rule, '$', &rule, &modifiers) && !str_eq(modifiers, STR("important"))) {
        intake_skip(intake, SKIP_MODIFIER, line);
        return;
    }
    if (name_rule(rule, &name))
        take_name_rule(intake, name, line);
    else
        take_bare_rule(intake, rule);
}

const struct format format_adblock = {
    .name = "adblock", .about = "adblock rules for DNS: ||name^, @@||name^", .line = take_line, .own_match = true};
