/* The shape of a configuration: libyaml's tree tells of unknown and repeated keys, and the lines, which libcyaml does
 * not. */
#include <string.h>

#include "base/check.h"
#include "config/config_loading.h"

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

/* Nothing after the colon, or YAML's words for it. */
static bool is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (str_eq(node_text(node), STR("")) || str_eq(node_text(node), STR("null")) ||
            str_eq(node_text(node), STR("~")));
}

static bool expect(struct loading *loading, yaml_node_t *node, yaml_node_type_t type, const char *field)
{
    static const char *const names[] = {[YAML_SCALAR_NODE] = "a single value",
                                        [YAML_SEQUENCE_NODE] = "a list",
                                        [YAML_MAPPING_NODE] = "a block of keys"};
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

/* Tries a value out, so that all faults are told at once: libcyaml would stop at the first. */
static void check_value(struct loading *loading, const struct config_option *option, const char *field,
                        yaml_node_t *node)
{
    struct config scratch = {0}; /* larger than an item of any list section */
    struct fault why = {0};
    if (!expect(loading, node, YAML_SCALAR_NODE, field))
        return;
    if (option_set(option, &scratch, node_text(node), &why) != ST_OK)
        config_report(loading, true, node_line(node), field, "%s", why.text);
    option_clear(option, &scratch);
}

static void check_category_pair(struct loading *loading, const void *context, const char *field, yaml_node_t *key,
                                yaml_node_t *value)
{
    enum category category;
    if (!str_eq(node_text(key), STR("default")) && category_parse(node_text(key), &category) != ST_OK)
        config_report(loading, true, node_line(key), field, "there is no such category");
    check_value(loading, context, field, value);
}

static void check_elements(struct loading *loading, const struct config_option *option, yaml_node_t *sequence,
                           const char *field)
{
    if (!expect(loading, sequence, YAML_SEQUENCE_NODE, field))
        return;
    yaml_node_t *element;
    size_t i = 0;
    for (; (element = sequence_item(loading, sequence, i)); i++) {
        char inner[240];
        snprintf(inner, sizeof inner, "%s[%zu]", field, i);
        check_value(loading, option, inner, element);
    }
    size_t most = option->max < CONFIG_MAX_ELEMENTS ? option->max : CONFIG_MAX_ELEMENTS;
    if (i > most)
        config_report(loading, true, node_line(sequence), field, "has too many elements: at most %zu", most);
}

static void check_option_pair(struct loading *loading, const void *context, const char *field, yaml_node_t *key,
                              yaml_node_t *value)
{
    const struct config_option *option = section_option(context, node_text(key));
    if (!option)
        config_report(loading, false, node_line(key), field, "there is no such option");
    else if (option_is_list(option))
        check_elements(loading, option, value, field);
    else if (option->type == OPTION_BY_CATEGORY)
        check_mapping(loading, value, field, check_category_pair, option);
    else
        check_value(loading, option, field, value);
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
    for (size_t i = 0; i < loading->section_count; i++) {
        const struct section *section = &loading->sections[i];
        if (!str_eq(str_of(section->name), node_text(key)))
            continue;
        if (is_null(value))
            return; /* all its options are commented out, say */
        if (section->is_map)
            check_mapping(loading, value, field, check_category_pair, section->options);
        else if (section->item_size)
            check_items(loading, section, value);
        else
            check_mapping(loading, value, field, check_option_pair, section);
        return;
    }
    config_report(loading, false, node_line(key), field, "there is no such section");
}

/* What the tree does not show: aliases, and documents after the first. False: there are such faults. */
static bool check_events(struct loading *loading, const void *data, size_t n)
{
    yaml_parser_t parser;
    yaml_event_t event;
    unsigned before = loading->faults->errors, documents = 0;
    CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, data, n);
    for (bool more = true; more;) {
        if (!yaml_parser_parse(&parser, &event)) {
            config_report(loading, true, parser.problem_mark.line + 1, "", "this is not YAML: %s",
                          parser.problem ? parser.problem : "unreadable");
            break;
        }
        size_t line = event.start_mark.line + 1;
        if (event.type == YAML_ALIAS_EVENT)
            config_report(loading, true, line, "", "aliases (*%s) are not taken here", event.data.alias.anchor);
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents == 2)
            config_report(loading, true, line, "", "a second document (---) is not taken here");
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return loading->faults->errors == before;
}

bool config_check_document(struct loading *loading, const void *data, size_t n)
{
    yaml_parser_t parser;
    if (!check_events(loading, data, n))
        return false;
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
