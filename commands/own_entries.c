#include "commands/own_entries.h"

#include <getopt.h>
#include <string.h>

#include "base/clock.h"
#include "proxy/egress.h"

/* What the options say before it is looked at. */
struct words {
    bool allow, deny;
    const char *time, *category;
};

static int take_words(const struct command *command, const struct words *words, struct own_options *options)
{
    static const uint64_t longest_ms = UINT64_C(3650) * 86400 * 1000;
    uint64_t ms = 0;
    if (words->allow + words->deny + options->has_verb > 1)
        return command_misused(command, "either allow or deny, once");
    if (words->allow || words->deny) {
        options->has_verb = true;
        options->verb = words->allow ? USER_ALLOW : USER_DENY;
    }
    if (words->category && category_parse(str_of(words->category), &options->category) != ST_OK)
        return command_misused(command, "'%s' is no category; docs/lists.md names them", words->category);
    if (words->time && (duration_parse(str_of(words->time), &ms) != ST_OK || !ms || ms > longest_ms))
        return command_misused(command, "'%s' is no time for an entry: write it like 15m, 8h or 7d, at most 3650d",
                               words->time);
    options->for_s = (int64_t)((ms + 999) / 1000);
    return COMMAND_GO_ON;
}

static int take_verb(const struct command *command, const struct command_option *known, const struct own_verbs *verbs,
                     int argc, char **argv, const void **verb)
{
    const struct command_verb *unsaid = verbs->rows;
    *verb = unsaid;
    if (optind >= argc)
        return command_check_options(command, known, unsaid->name);
    *verb = command_verb(command, known, verbs->rows, verbs->row_size, verbs->choices, argc, argv);
    return *verb ? COMMAND_GO_ON : EXIT_USAGE;
}

int own_options_parse(const struct command *command, int argc, char **argv, struct own_options *options,
                      const struct own_verbs *verbs, const void **verb)
{
    enum { OF_AN_ENTRY = 6 }; /* so many rows say what an entry is like */
    const struct own_verbs of = verbs ? *verbs : (struct own_verbs){0};
    const char *first = verbs ? ((const struct command_verb *)verbs->rows)->name : NULL;
    struct words words = {0};
    struct command_option known[] = {{"for", .text = &words.time, .verbs = of.making},
                                     {"note", .text = &options->note, .verbs = of.making},
                                     {"category", .text = &words.category, .verbs = of.making},
                                     {"log-only", .flag = &options->log_only, .verbs = of.making},
                                     {"group", .text = &options->group, .verbs = of.naming},
                                     {"exact", .flag = &options->exact, .verbs = of.naming},
                                     {"allow", .flag = &words.allow, .verbs = of.making},
                                     {"deny", .flag = &words.deny, .verbs = of.making},
                                     {"force", .flag = &options->force, .verbs = of.making},
                                     {"config", 'c', .text = &options->config_path},
                                     {"json", .flag = &options->json, .verbs = of.json},
                                     {of.all ? "all" : NULL, .flag = of.all, .verbs = first},
                                     {0}};
    int code = command_options(command, known, argc, argv);
    if (code == COMMAND_GO_ON && verbs)
        code = take_verb(command, known, verbs, argc, argv, verb);
    if (code == COMMAND_GO_ON)
        code = take_words(command, &words, options);
    if (code != COMMAND_GO_ON || !verbs || options->has_verb ||
        strcmp(((const struct command_verb *)*verb)->name, verbs->making))
        return code;
    for (size_t i = 0; i < OF_AN_ENTRY; i++)
        if (known[i].given)
            return command_misused(command, "--%s goes with %s", known[i].name, verbs->makers);
    return COMMAND_GO_ON;
}

enum status own_subject_parse(const char *text, bool exact, struct user_subject *subject, struct fault *fault)
{
    char whole[USER_SUBJECT_SIZE + 2];
    if (!exact || text[0] == '=')
        return user_subject_parse(str_of(text), subject, fault);
    if (strlen(text) > USER_SUBJECT_SIZE)
        return fault_set(fault, ST_TOO_LARGE, "the name is too long");
    snprintf(whole, sizeof whole, "=%s", text);
    return user_subject_parse(str_of(whole), subject, fault);
}

static enum status check_listeners(const struct addr_list *list, const struct user_subject *subject, struct fault *why)
{
    struct egress egress = {.own = list->items, .own_count = list->count};
    struct addr addr = {0};
    memcpy(addr.ip, subject->network.ip, sizeof addr.ip);
    for (size_t i = 0; i < list->count; i++) {
        const struct addr *listener = &list->items[i];
        addr.port = listener->port;
        bool within = !addr_is_unspecified(listener) && network_contains(&subject->network, listener);
        bool same = subject->network.prefix == 128 && egress_is_our_listener(&egress, &addr);
        if (within || same)
            return fault_set(why, ST_DENIED, "%s is where ccward itself answers", subject->text);
    }
    return ST_OK;
}

enum status own_subject_check(const struct config *config, const struct user_subject *subject, enum user_verb verb,
                              struct fault *why)
{
    const struct addr_list *lists[] = {&config->dns.listen,         &config->dns.tls_listen,
                                       &config->dns.https_listen,   &config->proxy.listen,
                                       &config->blockpage.listen,   &config->blockpage.tls_listen,
                                       &config->blockpage.address,  &config->console.listen,
                                       &config->proxy.socks_listen, &config->proxy.transparent_listen};
    enum status status = user_subject_check(subject, verb == USER_DENY, why);
    if (verb == USER_ALLOW || subject->kind != INDICATOR_NETWORK)
        return status;
    for (size_t i = 0; status == ST_OK && i < sizeof lists / sizeof lists[0]; i++)
        status = check_listeners(lists[i], subject, why);
    return status;
}

bool own_group_known(const struct config *config, const char *group)
{
    bool known = !*group || !strcmp(group, "default");
    for (size_t i = 0; !known && i < config->group_count; i++)
        known = !strcmp(config->groups[i].name, group);
    return known;
}

enum status own_group_check(const struct config *config, const char *group, struct fault *why)
{
    if (own_group_known(config, group))
        return ST_OK;
    struct buf names = {0};
    char shown[100];
    text_printable(shown, sizeof shown, str_of(group));
    buf_add_text(&names, "default");
    for (size_t i = 0; i < config->group_count; i++)
        if (strcmp(config->groups[i].name, "default"))
            buf_printf(&names, ", %s", config->groups[i].name);
    fault_set(why, ST_NOT_FOUND, "the configuration has no group '%s'; there are: %s", shown, buf_text(&names));
    buf_free(&names);
    return ST_NOT_FOUND;
}

struct user_entry own_entry(const struct own_options *options, const struct user_subject *subject, int64_t now_s)
{
    return (struct user_entry){.subject = subject->text,
                               .verb = options->verb,
                               .log_only = options->log_only,
                               .group = options->group,
                               .note = options->note,
                               .category = options->category,
                               .created_s = now_s,
                               .expires_s = options->for_s ? now_s + options->for_s : 0};
}

void own_left_text(int64_t expires_s, int64_t now_s, char out[CLOCK_SPAN_SIZE])
{
    if (!expires_s)
        text_copy(out, CLOCK_SPAN_SIZE, STR("for good"));
    else
        clock_format_span(expires_s - now_s, out);
}

void own_entry_text(const struct user_entry *entry, int64_t now_s, struct buf *out)
{
    struct user_subject subject;
    const char *extent = "";
    char left[CLOCK_SPAN_SIZE];
    if (user_subject_parse(str_of(entry->subject), &subject, NULL) == ST_OK && subject.kind == INDICATOR_NAME)
        extent = subject.exact ? " (this name alone)" : " and all below it";
    buf_printf(out, "%s %s%s", user_verb_text(entry->verb), entry->subject, extent);
    own_left_text(entry->expires_s, now_s, left);
    if (entry->expires_s)
        buf_printf(out, ", for %s", left);
    if (entry->group[0])
        buf_printf(out, ", for group %s", entry->group);
    if (entry->log_only)
        buf_add_text(out, ", only recorded");
    if (entry->note[0])
        buf_printf(out, ", \"%s\"", entry->note);
}

static json_t *time_or_null(int64_t s)
{
    char text[CLOCK_TEXT_SIZE];
    if (!s)
        return json_null();
    clock_format(s * 1000, text);
    return json_string(text);
}

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

json_t *own_entry_json(const struct user_entry *entry, int64_t now_s)
{
    if (!entry)
        return NULL;
    int64_t left_s = entry->expires_s > now_s ? entry->expires_s - now_s : 0;
    return json_pack("{s:s, s:s, s:b, s:o, s:o, s:s, s:o, s:o, s:o}", "subject", entry->subject, "verb",
                     user_verb_text(entry->verb), "log_only", entry->log_only, "group", text_or_null(entry->group),
                     "note", text_or_null(entry->note), "category", category_text(entry->category), "created",
                     time_or_null(entry->created_s), "expires", time_or_null(entry->expires_s), "left_s",
                     entry->expires_s ? json_integer((json_int_t)left_s) : json_null());
}
