/* Faults of a configuration that are not in a single value, each with its line: libyaml's tree tells the lines, which
 * libcyaml does not. */
#include <string.h>

#include "base/check.h"
#include "daemon/config_loading.h"

static yaml_node_t *node_at(struct loading *loading, yaml_node_item_t index)
{
    return yaml_document_get_node(&loading->document, index);
}

static size_t node_line(const yaml_node_t *node)
{
    return node ? node->start_mark.line + 1 : 0;
}

static struct str node_text(const yaml_node_t *node)
{
    return (struct str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static yaml_node_t *mapping_value(struct loading *loading, yaml_node_t *mapping, struct str key)
{
    if (!mapping || mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = node_at(loading, pair->key);
        if (name->type == YAML_SCALAR_NODE && str_eq(node_text(name), key))
            return node_at(loading, pair->value);
    }
    return NULL;
}

static yaml_node_t *sequence_item(struct loading *loading, yaml_node_t *sequence, size_t index)
{
    if (!sequence || sequence->type != YAML_SEQUENCE_NODE)
        return NULL;
    yaml_node_item_t *item = sequence->data.sequence.items.start + index;
    return item < sequence->data.sequence.items.top ? node_at(loading, *item) : NULL;
}

static bool expect(struct loading *loading, yaml_node_t *node, yaml_node_type_t type, const char *field)
{
    static const char *const names[] = {[YAML_SCALAR_NODE] = "a single value",
                                        [YAML_SEQUENCE_NODE] = "a list",
                                        [YAML_MAPPING_NODE] = "keys with values"};
    if (node->type == type)
        return true;
    config_report(loading, true, node_line(node), field, "%s is expected here, not %s", names[type], names[node->type]);
    return false;
}

/* Calls the checker for each pair of a mapping; tells of keys that are repeated or no plain text. */
typedef void check_pair_fn(struct loading *loading, const void *context, const char *field, yaml_node_t *key,
                           yaml_node_t *value);

static void check_mapping(struct loading *loading, yaml_node_t *mapping, const char *field, check_pair_fn *check,
                          const void *context)
{
    if (!expect(loading, mapping, YAML_MAPPING_NODE, field))
        return;
    yaml_node_pair_t *start = mapping->data.mapping.pairs.start, *top = mapping->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = start; pair < top; pair++) {
        yaml_node_t *key = node_at(loading, pair->key);
        if (!expect(loading, key, YAML_SCALAR_NODE, field))
            continue;
        char inner[200];
        struct str text = node_text(key);
        snprintf(inner, sizeof inner, "%s%s%.*s", field, *field ? "." : "", (int)(text.length < 99 ? text.length : 99),
                 text.data);
        for (yaml_node_pair_t *before = start; before < pair; before++)
            if (node_at(loading, before->key)->type == YAML_SCALAR_NODE &&
                str_eq(node_text(node_at(loading, before->key)), text)) {
                config_report(loading, true, node_line(key), inner, "is given twice, first in line %zu",
                              node_line(node_at(loading, before->key)));
                break;
            }
        check(loading, context, inner, key, node_at(loading, pair->value));
    }
}

static void check_category_pair(struct loading *loading, const void *context, const char *field, yaml_node_t *key,
                                yaml_node_t *value)
{
    (void)context;
    enum category category;
    if (!str_eq(node_text(key), STR("default")) && category_parse(node_text(key), &category) != ST_OK)
        config_report(loading, true, node_line(key), field, "there is no such category");
    expect(loading, value, YAML_SCALAR_NODE, field);
}

static void check_elements(struct loading *loading, yaml_node_t *sequence, const char *field)
{
    if (!expect(loading, sequence, YAML_SEQUENCE_NODE, field))
        return;
    yaml_node_t *element;
    size_t i = 0;
    for (; (element = sequence_item(loading, sequence, i)); i++) {
        char inner[240];
        snprintf(inner, sizeof inner, "%s[%zu]", field, i);
        expect(loading, element, YAML_SCALAR_NODE, inner);
    }
    if (i > CONFIG_MAX_ELEMENTS)
        config_report(loading, true, node_line(sequence), field, "has too many elements: at most %d",
                      CONFIG_MAX_ELEMENTS);
}

static void check_option_pair(struct loading *loading, const void *context, const char *field, yaml_node_t *key,
                              yaml_node_t *value)
{
    const struct config_option *option = section_option(context, node_text(key));
    if (!option)
        config_report(loading, false, node_line(key), field, "there is no such option");
    else if (option_is_list(option))
        check_elements(loading, value, field);
    else if (option->type == OPTION_BY_CATEGORY)
        check_mapping(loading, value, field, check_category_pair, NULL);
    else
        expect(loading, value, YAML_SCALAR_NODE, field);
}

static void check_items(struct loading *loading, const struct section *section, yaml_node_t *sequence)
{
    if (!expect(loading, sequence, YAML_SEQUENCE_NODE, section->name))
        return;
    yaml_node_t *item;
    size_t i = 0;
    for (; (item = sequence_item(loading, sequence, i)); i++) {
        char inner[64];
        snprintf(inner, sizeof inner, "%s[%zu]", section->name, i);
        check_mapping(loading, item, inner, check_option_pair, section);
        for (size_t k = 0; k < section->option_count; k++)
            if (!section->options[k].default_text && !mapping_value(loading, item, str_of(section->options[k].key)))
                config_report(loading, true, node_line(item), inner, "has no %s", section->options[k].key);
    }
    if (i > CONFIG_MAX_ITEMS)
        config_report(loading, true, node_line(sequence), section->name, "has too many items: at most %d",
                      CONFIG_MAX_ITEMS);
}

static void check_section_pair(struct loading *loading, const void *context, const char *field, yaml_node_t *key,
                               yaml_node_t *value)
{
    (void)context;
    for (size_t i = 0; i < config_section_count; i++) {
        const struct section *section = &config_sections[i];
        if (!str_eq(str_of(section->name), node_text(key)))
            continue;
        if (section->is_map)
            check_mapping(loading, value, field, check_category_pair, NULL);
        else if (section->item_size)
            check_items(loading, section, value);
        else
            check_mapping(loading, value, field, check_option_pair, section);
        return;
    }
    config_report(loading, false, node_line(key), field, "there is no such section");
}

bool config_check_document(struct loading *loading, const void *data, size_t n)
{
    yaml_parser_t parser;
    CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, data, n);
    bool whole = yaml_parser_load(&parser, &loading->document);
    if (!whole)
        config_report(loading, true, parser.problem_mark.line + 1, "", "this is not YAML: %s",
                      parser.problem ? parser.problem : "unreadable");
    yaml_parser_delete(&parser);
    if (!whole)
        return false;
    yaml_node_t *root = yaml_document_get_root_node(&loading->document);
    if (!root)
        return false;
    check_mapping(loading, root, "", check_section_pair, NULL);
    return true;
}

size_t config_value_line(struct loading *loading, const struct section *section, long item, struct str key,
                         long element)
{
    yaml_node_t *node = mapping_value(loading, yaml_document_get_root_node(&loading->document), str_of(section->name));
    if (item >= 0)
        node = sequence_item(loading, node, (size_t)item);
    if (!section->is_map)
        node = mapping_value(loading, node, key);
    if (element >= 0 && node && node->type == YAML_SEQUENCE_NODE)
        node = sequence_item(loading, node, (size_t)element);
    return node_line(node);
}

static const struct section *find_section(const char *name)
{
    for (size_t i = 0; i < config_section_count; i++)
        if (!strcmp(config_sections[i].name, name))
            return &config_sections[i];
    CHECK(!"a section");
    return NULL;
}

static void check_feeds(struct loading *loading)
{
    const struct section *section = find_section("feeds");
    for (size_t i = 0; i < loading->config->feed_count; i++) {
        const struct config_feed *feed = &loading->config->feeds[i];
        char field[64];
        snprintf(field, sizeof field, "feeds[%zu].name", i);
        size_t line = config_value_line(loading, section, (long)i, STR("name"), -1);
        if (!feed->name || !feed->url)
            continue; /* told already */
        if (!source_name_valid(str_of(feed->name)))
            config_report(loading, true, line, field,
                          "'%s' is no name for a feed: use lower-case letters, digits, '.', '_' and '-'", feed->name);
        if (!strcmp(feed->name, "test-hosts") || !strcmp(feed->name, "user"))
            config_report(loading, true, line, field, "'%s' is a name of ccward's own", feed->name);
        for (size_t k = 0; k < i; k++)
            if (loading->config->feeds[k].name && !strcmp(loading->config->feeds[k].name, feed->name))
                config_report(loading, true, line, field, "'%s' is the name of feeds[%zu] already", feed->name, k);
        snprintf(field, sizeof field, "feeds[%zu].format", i);
        if (strcmp(feed->format, "auto") && !feed_format_known(str_of(feed->format)))
            config_report(loading, true, config_value_line(loading, section, (long)i, STR("format"), -1), field,
                          "'%s' is no format; there are: auto, %s", feed->format, feed_format_names());
        snprintf(field, sizeof field, "feeds[%zu].url", i);
        if (strncmp(feed->url, "http://", 7) && strncmp(feed->url, "https://", 8) && strncmp(feed->url, "file:///", 8))
            config_report(loading, true, config_value_line(loading, section, (long)i, STR("url"), -1), field,
                          "must start with http://, https:// or file:///");
    }
}

static void check_groups(struct loading *loading)
{
    const struct section *section = find_section("groups");
    for (size_t i = 0; i < loading->config->group_count; i++) {
        const struct config_group *group = &loading->config->groups[i];
        if (!group->name)
            continue;
        char field[64];
        snprintf(field, sizeof field, "groups[%zu]", i);
        size_t line = config_value_line(loading, section, (long)i, STR("name"), -1);
        bool is_default = !strcmp(group->name, "default");
        if (is_default && group->clients.count)
            config_report(loading, true, line, field,
                          "`default` is the group of all other clients: it takes no list of clients");
        if (!is_default && !group->clients.count)
            config_report(loading, true, line, field, "'%s' has no clients", group->name);
        for (size_t k = 0; k < i; k++)
            if (loading->config->groups[k].name && !strcmp(loading->config->groups[k].name, group->name))
                config_report(loading, true, line, field, "'%s' is the name of groups[%zu] already", group->name, k);
    }
}

/* An upstream that is a listener of ours would ask itself for ever. */
static void check_loops(struct loading *loading)
{
    const struct config *config = loading->config;
    for (size_t i = 0; i < config->dns.upstreams.count; i++)
        for (size_t k = 0; k < config->dns.listen.count; k++) {
            const struct addr *up = &config->dns.upstreams.items[i], *own = &config->dns.listen.items[k];
            bool wildcard = addr_is_unspecified(own) && addr_is_loopback(up);
            if (up->port == own->port && (wildcard || addr_same_ip(up, own))) {
                char field[64], text[ADDR_TEXT_SIZE];
                addr_format(up, text);
                snprintf(field, sizeof field, "dns.upstreams[%zu]", i);
                config_report(loading, true,
                              config_value_line(loading, find_section("dns"), -1, STR("upstreams"), (long)i), field,
                              "%s is where ccward itself listens: it would ask itself", text);
            }
        }
}

void config_check_whole(struct loading *loading)
{
    check_feeds(loading);
    check_groups(loading);
    check_loops(loading);
}
