#include "config/feed_catalogue.h"

#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "config/config_loading.h"

enum { MAX_BYTES = 4 << 20 };

static const char *state_text(int dead)
{
    return dead ? "dead" : "alive";
}

static const struct words states = {state_text, 2};

static enum status check_page(struct str text, struct fault *why)
{
    bool web = str_starts(text, STR("https://")) || str_starts(text, STR("http://"));
    return web && !memchr(text.data, ' ', text.length)
               ? ST_OK
               : fault_set(why, ST_INVALID, "'%.*s' is no address of a page", (int)text.length, text.data);
}

static enum status check_key_from(struct str text, struct fault *why)
{
    return text.length ? check_page(text, why) : ST_OK;
}

static const struct config_option own_options[] = {
    {"title", OPTION_TEXT, offsetof(struct feed_catalogue_entry, title), NULL, 1, 100, NULL, "Its name for people."},
    {"about", OPTION_TEXT, offsetof(struct feed_catalogue_entry, about), NULL, 1, 500, NULL, "What it is good for."},
    {"about-ja", OPTION_TEXT, offsetof(struct feed_catalogue_entry, about_ja), NULL, 1, 1000, NULL,
     "The same in Japanese."},
    {"licence", OPTION_TEXT, offsetof(struct feed_catalogue_entry, licence), NULL, 1, 200, NULL,
     "What one may do with it."},
    {"home", OPTION_TEXT, offsetof(struct feed_catalogue_entry, home), NULL, 1, 500, NULL, "The publisher's page.",
     check_page},
    {"key-from", OPTION_TEXT, offsetof(struct feed_catalogue_entry, key_from), "", 0, 500, NULL,
     "Where a key is had; empty: none is needed.", check_key_from},
    {"status", OPTION_WORD, offsetof(struct feed_catalogue_entry, dead), "alive", 0, 0, &states,
     "Whether it still comes."},
    {"since", OPTION_TEXT, offsetof(struct feed_catalogue_entry, since), "", 0, 40, NULL,
     "Of a dead one: when it ended."},
};

enum { OWN_OPTIONS = sizeof own_options / sizeof own_options[0] };

/* Those of a feed, which stands first in an entry, and the catalogue's own. */
static const struct section *feed_catalogue_section(void)
{
    static struct config_option options[CONFIG_MAX_OPTIONS];
    static struct section section = {.name = "catalogue",
                                     .options = options,
                                     .item_size = sizeof(struct feed_catalogue_entry),
                                     .items_offset = offsetof(struct feed_catalogue, entries),
                                     .count_offset = offsetof(struct feed_catalogue, count)};
    _Static_assert(offsetof(struct feed_catalogue_entry, feed) == 0, "offsets of a feed's options hold in an entry");
    _Static_assert(sizeof(struct feed_catalogue_entry) <= sizeof(struct config), "a value is tried out in a config");
    CHECK(config_feed_option_count + OWN_OPTIONS <= CONFIG_MAX_OPTIONS);
    memcpy(options, config_feed_options, config_feed_option_count * sizeof options[0]);
    memcpy(options + config_feed_option_count, own_options, sizeof own_options);
    section.option_count = config_feed_option_count + OWN_OPTIONS;
    return &section;
}

static void report(struct loading *loading, size_t index, struct str key, const char *text)
{
    char field[64];
    snprintf(field, sizeof field, "catalogue[%zu].%.*s", index, (int)key.length, key.data);
    size_t line = config_value_line(loading, loading->sections, (long)index, key, -1);
    if (!line)
        line = config_value_line(loading, loading->sections, (long)index, STR("name"), -1);
    config_report(loading, true, line, field, "%s", text);
}

static void check_whole(struct loading *loading)
{
    const struct feed_catalogue *catalogue = loading->base;
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct feed_catalogue_entry *entry = &catalogue->entries[i];
        for (size_t k = 0; k < i; k++)
            if (!strcmp(catalogue->entries[k].feed.name, entry->feed.name))
                report(loading, i, STR("name"), "is the name of an entry before it");
        if (entry->feed.key[0])
            report(loading, i, STR("key"), "a catalogue holds no keys");
        if (entry->dead && !entry->since[0])
            report(loading, i, STR("since"), "is missing: when did it end?");
        if (!strcmp(entry->feed.format, "auto"))
            report(loading, i, STR("format"), "is missing: a catalogue says it");
    }
}

static enum status load_bytes(const char *name, struct str bytes, struct feed_catalogue *catalogue,
                              struct config_faults *faults)
{
    struct loading loading = {.name = name,
                              .sections = feed_catalogue_section(),
                              .section_count = 1,
                              .base = catalogue,
                              .check = check_whole,
                              .strict = true,
                              .faults = faults};
    *catalogue = (struct feed_catalogue){0};
    enum status status = config_load_sections(&loading, bytes.data, bytes.length);
    if (status != ST_OK)
        feed_catalogue_free(catalogue);
    return status;
}

enum status feed_catalogue_load(const char *path, struct feed_catalogue *catalogue, struct config_faults *faults)
{
    struct buf bytes = {0};
    struct fault why = {0};
    *catalogue = (struct feed_catalogue){0};
    enum status status = file_read(path ? path : CCWARD_DATA_DIR "/catalogue.yaml", MAX_BYTES, &bytes, &why);
    if (status == ST_OK)
        status = load_bytes(path ? path : CCWARD_DATA_DIR "/catalogue.yaml", (struct str){bytes.data, bytes.length},
                            catalogue, faults);
    else if (!path && status == ST_NOT_FOUND)
        status = load_bytes("the built-in catalogue", feed_catalogue_built_in, catalogue, faults);
    else {
        buf_printf(&faults->text, "%s\n", why.text);
        faults->errors++;
    }
    buf_free(&bytes);
    return status;
}

void feed_catalogue_free(struct feed_catalogue *catalogue)
{
    config_free_sections(feed_catalogue_section(), 1, catalogue);
    *catalogue = (struct feed_catalogue){0};
}

const struct feed_catalogue_entry *feed_catalogue_find(const struct feed_catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (!strcmp(catalogue->entries[i].feed.name, name))
            return &catalogue->entries[i];
    return NULL;
}
