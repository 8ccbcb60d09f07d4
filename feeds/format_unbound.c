/* Unbound's local-zone: "name" TYPE (unbound.conf(5)): the name and all below it. The types that let a query through
 * exempt the name. */
#include "feeds/format.h"

static bool lets_through(struct str type)
{
    static const struct str types[] = {
        {"transparent", 11}, {"always_transparent", 18}, {"typetransparent", 15}, {"inform", 6}, {"nodefault", 9},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq(type, types[i]))
            return true;
    return false;
}

static struct str unquote(struct str text)
{
    if (text.length >= 2 && text.data[0] == '"' && text.data[text.length - 1] == '"')
        return (struct str){text.data + 1, text.length - 2};
    return text;
}

static void take_line(struct intake *intake, struct str line)
{
    struct str key, value;
    if (format_is_comment(line, "#")) {
        intake_comment(intake);
        return;
    }
    if (!str_cut(format_without_comment(line, "#"), ':', &key, &value) || key.length != str_trim(key).length) {
        intake_skip(intake, SKIP_NOT_RULE, line);
        return;
    }
    if (!str_eq(key, STR("local-zone"))) {
        if (value.length && value.data[0] != ' ' && value.data[0] != '\t')
            intake_skip(intake, SKIP_NOT_RULE, line); /* http://... */
        else
            intake_skip(intake, SKIP_DIRECTIVE, line);
        return;
    }
    struct str name = unquote(str_word(&value)), type = str_word(&value);
    if (lets_through(unquote(type)))
        intake->record.flags |= RECORD_ALLOW;
    intake_name_or_network(intake, name);
}

const struct format format_unbound = {
    .name = "unbound", .about = "Unbound options: local-zone: \"name\" type", .line = take_line, .own_match = true};
