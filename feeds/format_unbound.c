/* Unbound's local-zone: "name" TYPE (unbound.conf(5)): the name and all below it. The types that let a query through
 * exempt the name. local-data: "name A ADDRESS" without a zone is that name alone, where the address leads nowhere. */
#include <string.h>

#include "base/addr.h"
#include "feeds/format.h"

static bool is_one_of(struct str word, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_nocase(word, str_of(*words)))
            return true;
    return false;
}

static bool lets_through(struct str type)
{
    return is_one_of(type, (const char *const[]){"transparent", "always_transparent", "typetransparent", "inform",
                                                 "nodefault", "noview", "ipset", NULL});
}

static struct str unquote(struct str text)
{
    char quote = text.length >= 2 ? text.data[0] : '\0';
    if ((quote == '"' || quote == '\'') && text.data[text.length - 1] == quote)
        return (struct str){text.data + 1, text.length - 2};
    return text;
}

static struct str without_dot(struct str name)
{
    name.length -= name.length && name.data[name.length - 1] == '.';
    return name;
}

static void take_zone(struct intake *intake, struct str value)
{
    static const char type_a[] = {0, 1};
    struct str name = unquote(str_word(&value)), type = unquote(str_word(&value));
    if (lets_through(type))
        intake->record.flags |= RECORD_ALLOW;
    if (str_eq_nocase(type, STR("block_a")))
        intake->record.types = (struct str){type_a, sizeof type_a};
    struct str key = without_dot(name);
    text_copy(intake->state.unbound.zone, sizeof intake->state.unbound.zone, key);
    intake_name_or_network(intake, name);
}

/* Data of a zone says how a block is answered, and is no entry of its own. */
static void take_data(struct intake *intake, struct str value, struct str line)
{
    struct str data = unquote(str_trim(value)), name = str_word(&data), word = str_word(&data);
    struct addr addr;
    uint64_t ttl;
    if (text_u64(word, UINT32_MAX, &ttl) == ST_OK)
        word = str_word(&data);
    if (str_eq_nocase(word, STR("IN")))
        word = str_word(&data);
    bool is_address = str_eq_nocase(word, STR("A")) || str_eq_nocase(word, STR("AAAA"));
    bool of_zone = str_eq_nocase(without_dot(name), str_of(intake->state.unbound.zone));
    if (of_zone || !is_address || addr_parse_ip(str_word(&data), &addr) != ST_OK) {
        intake_skip(intake, SKIP_DIRECTIVE, line);
    } else if (addr_is_unspecified(&addr) || addr_is_loopback(&addr)) {
        intake->record.flags |= RECORD_EXACT;
        intake_name(intake, name);
    } else {
        intake_skip(intake, SKIP_REWRITE, line);
    }
}

static void take_line(struct intake *intake, struct str line)
{
    struct str key, value;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    if (!str_cut(format_without_comment(line, "#"), ':', &key, &value) || key.length != str_trim(key).length)
        intake_skip(intake, SKIP_NOT_RULE, line);
    else if (str_eq(key, STR("local-zone")))
        take_zone(intake, value);
    else if (value.length && value.data[0] != ' ' && value.data[0] != '\t')
        intake_skip(intake, SKIP_NOT_RULE, line); /* http://... */
    else if (str_eq(key, STR("local-data")))
        take_data(intake, value, line);
    else
        intake_skip(intake, SKIP_DIRECTIVE, line);
}

const struct format format_unbound = {
    .name = "unbound", .about = "Unbound options: local-zone: \"name\" type", .line = take_line, .own_match = true};
