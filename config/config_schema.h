/* The options, each declared once: from these tables come the parser, the defaults, the range errors, --print-config,
 * the annotated default file and docs/configuration.md. */
#pragma once

#include "config/config.h"

enum option_type {
    OPTION_TEXT,
    OPTION_COUNT,
    OPTION_DURATION, /* "1500ms", "10s", "5m", "1h", "7d"; kept in ms */
    OPTION_SIZE,     /* "512KiB", "16MiB", "1GiB", or bytes */
    OPTION_WORD,
    OPTION_ADDRESSES,
    OPTION_NETWORKS,
    OPTION_PORTS,
    OPTION_TEXTS,
    OPTION_UPSTREAMS,
    OPTION_BY_CATEGORY, /* a mapping of category to word, with `default` for those not named */
};

/* The words of an OPTION_WORD or OPTION_BY_CATEGORY, in the order of their enum. */
struct words {
    const char *(*text)(int value);
    int count;
};

struct config_option {
    const char *key;
    enum option_type type;
    size_t offset;            /* in struct config, or in the item of a list section */
    const char *default_text; /* as written in YAML; lists: elements separated by ", ";
                                 BY_CATEGORY: "word, category: word"; NULL: must be given */
    uint64_t min, max;        /* numbers: of the value; lists: most elements in max; ADDRESSES: min is a default port */
    const struct words *words;
    const char *help;                                         /* one sentence */
    enum status (*check)(struct str text, struct fault *why); /* TEXT, TEXTS: what more it must be; NULL: nothing */
};

struct section {
    const char *name, *help;
    const struct config_option *options;
    size_t option_count;
    /* A list section (feeds, groups) is a sequence of mappings, kept as an array of items. */
    size_t item_size, items_offset, count_offset;
    /* A map section (categories) is one OPTION_BY_CATEGORY whose mapping is the section itself. */
    bool is_map;
};

extern const struct section config_sections[];
extern const size_t config_section_count;
/* Those of a feed, which other documents have as well. */
extern const struct config_option config_feed_options[];
extern const size_t config_feed_option_count;

enum { CONFIG_MAX_OPTIONS = 64, CONFIG_MAX_ITEMS = 256, CONFIG_MAX_ELEMENTS = 1024 };

const struct config_option *section_option(const struct section *section, struct str key);

/* Parses one scalar or list element into the option's place in BASE; WHY gets the reason, for a person. Lists: appends.
 */
enum status option_set(const struct config_option *option, void *base, struct str text, struct fault *why) MUST_CHECK;
/* One category's word. CATEGORY "default" sets all. */
enum status option_set_category(const struct config_option *option, void *base, struct str category, struct str text,
                                struct fault *why) MUST_CHECK;
enum status option_set_default(const struct config_option *option, void *base) MUST_CHECK;
void option_clear(const struct config_option *option, void *base); /* frees and zeroes the place */
bool option_is_list(const struct config_option *option);

/* The value as written in YAML (scalars; an element of a list). */
void option_format(const struct config_option *option, const void *base, size_t element, struct buf *out);
size_t option_elements(const struct config_option *option, const void *base);
/* "10ms to 1h", "one of: page, nxdomain", ...; empty when there is nothing to say. */
void option_format_range(const struct config_option *option, struct buf *out);
