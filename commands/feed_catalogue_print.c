#include "commands/feed_catalogue_print.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_schema.h"

static bool speaks_japanese(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"}; /* as setlocale(3) looks at them */
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return !strncmp(value, "ja", 2);
    }
    return false;
}

/* "enabled", "configured", "dead" or empty. */
static const char *state_of(const struct feed_catalogue_entry *entry, const struct config *config)
{
    for (size_t i = 0; i < config->feed_count; i++)
        if (!strcmp(config->feeds[i].name, entry->feed.name))
            return i < config->own_feed_count ? "configured" : "enabled";
    return entry->dead ? "dead" : "";
}

void feed_catalogue_print(const struct feed_catalogue *catalogue, const struct config *config, FILE *out)
{
    fprintf(out, "%-22s %-11s %-8s %-4s %-10s  %s\n", "NAME", "CATEGORY", "ACTION", "KEY", "STATE", "TITLE");
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct feed_catalogue_entry *entry = &catalogue->entries[i];
        fprintf(out, "%-22s %-11s %-8s %-4s %-10s  %s\n", entry->feed.name,
                category_text((enum category)entry->feed.category), feed_use_text((enum feed_use)entry->feed.action),
                entry->key_from[0] ? "yes" : "", state_of(entry, config), entry->title);
    }
    fprintf(out, "\n`ccward feeds catalogue NAME` says more of one, `ccward feeds enable NAME` takes it.\n");
}

/* What differs from the defaults, as it would be written in the configuration. */
static void print_settings(const struct feed_catalogue_entry *entry, FILE *out)
{
    static const char *const shown[] = {
        "url",          "mirrors",     "format", "category", "risk",           "interval",  "action",
        "match",        "retain",      "expire", "top",      "min-confidence", "min-feeds", "min-feeds-addresses",
        "can-be-empty", "must-contain"};
    const struct section feed = {.options = config_feed_options, .option_count = config_feed_option_count};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const struct config_option *option = section_option(&feed, str_of(shown[i]));
        struct buf value = {0}, plain = {0};
        struct config scratch = {0};
        if (option->default_text && option_set_default(option, &scratch) == ST_OK && option_elements(option, &scratch))
            option_format(option, &scratch, 0, &plain);
        for (size_t k = 0; k < option_elements(option, &entry->feed); k++) {
            buf_add_text(&value, k ? ", " : "");
            option_format(option, &entry->feed, k, &value);
        }
        if (i < 6 ? value.length > 0 : strcmp(buf_text(&value), buf_text(&plain)) != 0)
            fprintf(out, "  %-20s %s\n", shown[i], buf_text(&value));
        option_clear(option, &scratch);
        buf_free(&value);
        buf_free(&plain);
    }
}

void feed_catalogue_entry_print(const struct feed_catalogue_entry *entry, const struct config *config, FILE *out)
{
    const char *name = entry->feed.name, *state = state_of(entry, config);
    fprintf(out, "%s: %s%s%s%s\n", name, entry->title, *state ? " (" : "", state, *state ? ")" : "");
    fprintf(out, "  %s\n\n", speaks_japanese() ? entry->about_ja : entry->about);
    print_settings(entry, out);
    fprintf(out, "  %-20s %s\n  %-20s %s\n", "licence", entry->licence, "home", entry->home);
    if (entry->key_from[0])
        fprintf(out, "  %-20s %s, sent as `%s`\n", "key from", entry->key_from, entry->feed.key_as);
    if (entry->dead)
        fprintf(out, "\nIt ended: %s.\n", entry->since);
    else if (!*state)
        fprintf(out, "\n`ccward feeds enable %s%s` takes it.\n", name,
                entry->key_from[0] ? " --key env:NAME` or `--key file:/PATH" : "");
}

static json_t *texts_json(const struct text_list *texts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < texts->count; i++)
        json_array_append_new(list, json_string(texts->items[i]));
    return list;
}

static json_t *entry_json(const struct feed_catalogue_entry *entry, const struct config *config)
{
    const struct config_feed *feed = &entry->feed;
    const char *state = state_of(entry, config);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:s, s:s*, s:s*, s:s, s:o, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:I, "
        "s:I, s:I, s:I, s:I, s:b}",
        "name", feed->name, "title", entry->title, "about", entry->about, "about_ja", entry->about_ja, "licence",
        entry->licence, "home", entry->home, "key_from", entry->key_from[0] ? entry->key_from : NULL, "key_as",
        entry->key_from[0] ? feed->key_as : NULL, "status", entry->dead ? "dead" : "alive", "since",
        entry->since[0] ? entry->since : NULL, "state", *state ? state : NULL, "url", feed->url, "mirrors",
        texts_json(&feed->mirrors), "format", feed->format, "category", category_text((enum category)feed->category),
        "risk", risk_text((enum risk)feed->risk), "interval_s", (json_int_t)(feed->interval_ms / 1000), "action",
        feed_use_text((enum feed_use)feed->action), "match", feed_match_text((enum feed_match)feed->match), "retain",
        feed_retain_text((enum feed_retain)feed->retain), "expire_s", (json_int_t)(feed->expire_ms / 1000), "top",
        (json_int_t)feed->top, "min_confidence", (json_int_t)feed->min_confidence, "min_feeds",
        (json_int_t)feed->min_feeds, "min_feeds_addresses", (json_int_t)feed->min_feeds_addresses, "can_be_empty",
        feed->can_be_empty);
}

enum status feed_catalogue_print_json(const struct feed_catalogue *catalogue, const struct feed_catalogue_entry *entry,
                                      const struct config *config, FILE *out)
{
    json_t *all = entry ? entry_json(entry, config) : json_pack("{s:[]}", "feeds");
    for (size_t i = 0; !entry && i < catalogue->count; i++)
        json_array_append_new(json_object_get(all, "feeds"), entry_json(&catalogue->entries[i], config));
    int failed = all ? json_dumpf(all, out, JSON_INDENT(2)) : -1;
    enum status st = !all ? ST_NOMEM : failed || fputc('\n', out) == EOF ? ST_IO : ST_OK;
    json_decref(all);
    return st;
}
