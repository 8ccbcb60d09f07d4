#include "feeds/adblock_rule.h"

#include <string.h>
#include <xxhash.h>

static bool contains(struct str text, const char *part)
{
    return text.length && memmem(text.data, text.length, part, strlen(part));
}

/* RFC 3597 section 5 for types without a name here. */
static uint16_t type_of(struct str word)
{
    static const struct {
        const char *name;
        uint16_t type;
    } types[] = {
        {"A", 1},    {"NS", 2},     {"CNAME", 5},  {"SOA", 6},     {"PTR", 12},  {"HINFO", 13}, {"MX", 15},
        {"TXT", 16}, {"AAAA", 28},  {"LOC", 29},   {"SRV", 33},    {"CERT", 37}, {"DNAME", 39}, {"NAPTR", 35},
        {"DS", 43},  {"SSHFP", 44}, {"RRSIG", 46}, {"DNSKEY", 48}, {"TLSA", 52}, {"SVCB", 64},  {"HTTPS", 65},
        {"SPF", 99}, {"CAA", 257},  {"URI", 256},  {"ANY", 255},   {"NSEC", 47}, {"NSEC3", 50},
    };
    uint64_t number;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq_nocase(word, str_of(types[i].name)))
            return types[i].type;
    if (word.length > 4 && str_eq_nocase((struct str){word.data, 4}, STR("TYPE")) &&
        text_u64(str_from(word, 4), UINT16_MAX, &number) == ST_OK)
        return (uint16_t)number;
    return 0;
}

/* Keeps the types in ascending order, each once. False: there is no room. */
static bool add_type(struct adblock_rule *rule, uint16_t type)
{
    size_t at = 0;
    while (at < rule->types_length && (rule->types[at] << 8 | rule->types[at + 1]) < type)
        at += 2;
    if (at < rule->types_length && (rule->types[at] << 8 | rule->types[at + 1]) == type)
        return true;
    if (rule->types_length + 2 > sizeof rule->types)
        return false;
    memmove(rule->types + at + 2, rule->types + at, rule->types_length - at);
    rule->types[at] = (uint8_t)(type >> 8);
    rule->types[at + 1] = (uint8_t)type;
    rule->types_length += 2;
    return true;
}

/* "A|AAAA", "~CNAME"; where there are both, those without '~' alone count. */
static bool take_types(struct adblock_rule *rule, struct str list)
{
    bool named = false;
    for (int round = 0; round < 2 && !named; round++) {
        struct str rest = list, word = {0};
        for (bool more = true; more;) {
            more = str_cut(rest, '|', &word, &rest);
            if (!more)
                word = rest;
            word = str_trim(word);
            bool except = str_starts(word, STR("~"));
            uint16_t type = type_of(str_from(word, except));
            if (!type || (except == (round == 1) && !add_type(rule, type)))
                return false;
        }
        named = rule->types_length > 0;
        rule->types_except = round == 1;
    }
    return true;
}

/* False: DNS filters must ignore a rule with this modifier, or its value is none. */
static bool take_modifier(struct adblock_rule *rule, struct str modifier)
{
    struct str key = modifier, value = {0};
    bool has_value = str_cut(modifier, '=', &key, &value);
    if (str_eq(key, STR("important")) && !has_value)
        rule->important = true;
    else if (str_eq(key, STR("badfilter")) && !has_value)
        rule->badfilter = true;
    else if (str_eq(key, STR("dnstype")) && !rule->types_length)
        return take_types(rule, value);
    else if (str_eq(key, STR("denyallow")) && value.length && !rule->denyallow.length)
        rule->denyallow = value;
    else
        return false;
    return true;
}

static bool take_modifiers(struct adblock_rule *rule, struct str modifiers)
{
    bool known = true, more = true;
    while (more) {
        struct str modifier, rest = {0};
        more = str_cut(modifiers, ',', &modifier, &rest);
        if (!more)
            modifier = modifiers;
        known = take_modifier(rule, str_trim(modifier)) && known;
        modifiers = rest;
    }
    return known && !(rule->allow && rule->denyallow.length);
}

static bool ends_with(struct str text, char c)
{
    return text.length && text.data[text.length - 1] == c;
}

/* The anchors say how far the rule reaches; what is between them is the name. */
static enum skip take_pattern(struct adblock_rule *rule, struct str pattern)
{
    bool end = ends_with(pattern, '|') && pattern.length > 2;
    pattern.length -= end;
    bool separator = ends_with(pattern, '^');
    pattern.length -= separator;
    if (str_starts(pattern, STR("||*.")) && separator) {
        rule->extent = ADBLOCK_BELOW;
        rule->name = str_from(pattern, 4);
    } else if (str_starts(pattern, STR("||")) && separator) {
        rule->extent = ADBLOCK_SUBTREE;
        rule->name = str_from(pattern, 2);
    } else if (str_starts(pattern, STR("|")) && !str_starts(pattern, STR("||")) && (separator || end)) {
        rule->extent = ADBLOCK_EXACT;
        rule->name = str_from(pattern, 1);
    } else if (!separator && !end && pattern.length && pattern.data[0] != '|') {
        rule->extent = ADBLOCK_EXACT;
        rule->name = pattern;
    } else {
        return SKIP_PATTERN;
    }
    return rule->name.length ? SKIP_NOT : SKIP_PATTERN;
}

static bool is_regex(struct str rule)
{
    return rule.length > 1 && rule.data[0] == '/' && (ends_with(rule, '/') || contains(rule, "/$"));
}

enum skip adblock_rule_parse(struct str line, struct adblock_rule *rule)
{
    struct str pattern = line, modifiers;
    *rule = (struct adblock_rule){0};
    if (str_starts(pattern, STR("@@"))) {
        rule->allow = true;
        pattern = str_from(pattern, 2);
    }
    if (is_regex(pattern))
        return SKIP_REGEX;
    bool known = !str_cut(pattern, '$', &pattern, &modifiers) || take_modifiers(rule, modifiers);
    enum skip skip = take_pattern(rule, pattern);
    return known ? skip : SKIP_MODIFIER;
}

static uint64_t hash_lower(struct str text, uint64_t hash)
{
    for (size_t i = 0; i < text.length;) {
        char part[64];
        size_t n = 0;
        while (n < sizeof part && i < text.length)
            part[n++] = ascii_lower(text.data[i++]);
        hash = XXH3_64bits_withSeed(part, n, hash);
    }
    return hash;
}

struct adblock_id adblock_rule_id(const struct adblock_rule *rule)
{
    struct {
        uint64_t name, excepted;
        uint8_t kind, types[RECORD_TYPES_MAX];
    } facts;
    memset(&facts, 0, sizeof facts);
    facts.name = hash_lower(rule->name, 1);
    struct str rest = rule->denyallow, word = {0};
    for (bool more = rest.length > 0; more;) {
        more = str_cut(rest, '|', &word, &rest);
        facts.excepted += hash_lower(more ? word : rest, 2); /* in any order */
    }
    facts.kind = (uint8_t)(rule->extent | rule->allow << 2 | rule->important << 3 | rule->types_except << 4);
    memcpy(facts.types, rule->types, rule->types_length);
    XXH128_hash_t hash = XXH3_128bits(&facts, sizeof facts);
    return (struct adblock_id){hash.high64, hash.low64};
}
