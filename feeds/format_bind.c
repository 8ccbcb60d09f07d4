/* BIND's zone "name" { ... }, as lists for it have it: a zone that they define is one to be blocked, one of type
 * forward is not. A statement may go over several lines. */
#include <string.h>

#include "feeds/format.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word, brace, semicolon or quoted text of LINE, without its quotes; comments are passed over. Empty: none. */
static struct str take_token(struct bind_options *bind, struct str *line, bool *quoted)
{
    size_t at = 0, n = 0;
    struct str text = *line;
    *quoted = false;
    while (at < text.length) {
        struct str rest = str_from(text, at);
        if (bind->comment) {
            bind->comment = !str_starts(rest, STR("*/"));
            at += bind->comment ? 1 : 2;
        } else if (str_starts(rest, STR("/*"))) {
            bind->comment = true;
            at += 2;
        } else if (rest.data[0] == '#' || str_starts(rest, STR("//"))) {
            at = text.length;
        } else if (is_blank(rest.data[0])) {
            at++;
        } else {
            break;
        }
    }
    text = str_from(text, at);
    if (text.length && text.data[0] == '"') {
        const char *end = memchr(text.data + 1, '"', text.length - 1);
        *quoted = end != NULL;
        n = end ? (size_t)(end - text.data) + 1 : text.length;
        *line = str_from(text, n);
        return (struct str){text.data + *quoted, n - (*quoted ? 2 : 0)};
    }
    while (n < text.length && !is_blank(text.data[n]) && !strchr("{};\"#", text.data[n]))
        n++;
    n += !n && text.length;
    *line = str_from(text, n);
    return (struct str){text.data, n};
}

static bool is_statement(struct str word)
{
    static const char *const words[] = {"acl",          "controls", "dnssec-policy", "include",
                                        "key",          "logging",  "masters",       "options",
                                        "primaries",    "server",   "view",          "statistics-channels",
                                        "trust-anchors"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(word, str_of(words[i])))
            return true;
    return false;
}

/* Counts the statement, which is whole or broken off, and is ready for the next. */
static void end_statement(struct intake *intake, struct bind_options *bind, struct str line)
{
    struct str name = str_of(bind->name);
    if (bind->kind == BIND_ZONE && bind->braced) {
        if (bind->forwards)
            intake->record.flags |= RECORD_ALLOW;
        intake_name_or_network(intake, name);
    } else if (bind->kind == BIND_HINT || bind->kind == BIND_STATEMENT) {
        intake_skip(intake, SKIP_DIRECTIVE, line);
    } else {
        intake_skip(intake, SKIP_NOT_RULE, line);
    }
    *bind = (struct bind_options){.comment = bind->comment, .counted = true};
}

/* Within braces the type of a zone is all there is to know. */
static void take_within(struct bind_options *bind, struct str token)
{
    if (bind->after_type) {
        bind->forwards = str_eq(token, STR("forward"));
        if (str_eq(token, STR("hint")) && bind->kind == BIND_ZONE)
            bind->kind = BIND_HINT;
    }
    bind->after_type = str_eq(token, STR("type"));
}

static void take_word(struct bind_options *bind, struct str token)
{
    if (bind->kind == BIND_NOTHING && str_eq(token, STR("zone"))) {
        bind->kind = BIND_ZONE;
    } else if (bind->kind == BIND_NOTHING) {
        bind->kind = is_statement(token) ? BIND_STATEMENT : BIND_OTHER;
    } else if (bind->kind == BIND_ZONE && !bind->name[0] && token.length < sizeof bind->name) {
        text_copy(bind->name, sizeof bind->name, token);
    }
}

static void take_part(struct intake *intake, struct bind_options *bind, struct str token, bool quoted, struct str line)
{
    if (!quoted && str_eq(token, STR("{"))) {
        bind->depth++;
        bind->braced = true;
    } else if (!quoted && str_eq(token, STR("}")) && bind->depth) {
        bind->depth--;
    } else if (bind->depth) {
        take_within(bind, token);
    } else if (quoted || !str_eq(token, STR(";"))) {
        take_word(bind, token);
    } else if (bind->kind != BIND_NOTHING) {
        end_statement(intake, bind, line);
    }
}

static void take_line(struct intake *intake, struct str line)
{
    struct bind_options *bind = &intake->state.bind;
    struct str rest = line, token;
    bool quoted;
    bind->counted = false;
    while ((token = take_token(bind, &rest, &quoted)).length || quoted)
        take_part(intake, bind, token, quoted, line);
    bool goes_on = bind->depth || (bind->kind == BIND_ZONE && !bind->braced) || bind->comment;
    if (bind->kind != BIND_NOTHING && !goes_on)
        end_statement(intake, bind, line); /* its semicolon has been forgotten, or it is none */
    if (!bind->counted)
        intake_comment(intake);
}

static void finish(struct intake *intake)
{
    struct bind_options *bind = &intake->state.bind;
    if (bind->kind != BIND_NOTHING)
        intake_skip_unfinished(intake, str_of(bind->name));
}

const struct format format_bind = {.name = "bind",
                                   .about = "BIND options: zone \"name\" { ... }",
                                   .line = take_line,
                                   .finish = finish,
                                   .own_match = true};
