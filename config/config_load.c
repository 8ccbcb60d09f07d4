/* From YAML to struct config: libcyaml reads the values by a schema made from the option tables. */
#include <cyaml/cyaml.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "config/config_loading.h"

enum { MAX_FILE_BYTES = 4 << 20, MAX_SECTIONS = 32 };

/* What libcyaml fills for one option: a scalar, a list of them, or one per category. */
struct raw {
    char *scalar;
    char **elements;
    unsigned element_count;
    char **by_category; /* [CATEGORY_COUNT] is `default` */
};

struct raw_section {
    struct raw *options; /* one item */
    struct raw *items;   /* list sections: item_count times CONFIG_MAX_OPTIONS */
    unsigned item_count;
    char **by_category; /* map sections */
};

void config_faults_free(struct config_faults *faults)
{
    buf_free(&faults->text);
    *faults = (struct config_faults){0};
}

void config_report(struct loading *loading, bool error, size_t line, const char *field, const char *format, ...)
{
    char text[700], safe[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error = error || loading->strict;
    text_printable(safe, sizeof safe, str_of(text));
    if (line)
        buf_printf(&loading->faults->text, "%s:%zu: ", loading->name, line);
    else
        buf_printf(&loading->faults->text, "%s: ", loading->name);
    buf_printf(&loading->faults->text, "%s%s%s%s\n", error ? "" : "warning: ", field, *field ? ": " : "", safe);
    if (error)
        loading->faults->errors++;
    else
        loading->faults->warnings++;
}

static const cyaml_schema_value_t string_value = {.type = CYAML_STRING,
                                                  .flags = CYAML_FLAG_POINTER,
                                                  .data_size = sizeof(char),
                                                  .string = {.min = 0, .max = MAX_FILE_BYTES}};

struct schema {
    cyaml_schema_field_t top[MAX_SECTIONS], options[MAX_SECTIONS][CONFIG_MAX_OPTIONS + 1];
    cyaml_schema_field_t categories[CATEGORY_COUNT + 2];
    cyaml_schema_value_t items[MAX_SECTIONS], root;
};

static void schema_categories(struct schema *schema)
{
    for (uint32_t i = 0; i <= CATEGORY_COUNT; i++)
        schema->categories[i] =
            (cyaml_schema_field_t){.key = i < CATEGORY_COUNT ? category_text((enum category)i) : "default",
                                   .data_offset = i * (uint32_t)sizeof(char *),
                                   .value = {.type = CYAML_STRING,
                                             .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                             .data_size = sizeof(char),
                                             .string = {.min = 0, .max = MAX_FILE_BYTES}}};
}

static cyaml_schema_value_t categories_value(const struct schema *schema)
{
    return (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                  .flags = CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
                                  .data_size = (CATEGORY_COUNT + 1) * sizeof(char *),
                                  .mapping = {.fields = schema->categories}};
}

static void schema_options(struct schema *schema, const struct section *section, size_t index)
{
    CHECK(section->option_count <= CONFIG_MAX_OPTIONS);
    for (size_t k = 0; k < section->option_count; k++) {
        const struct config_option *option = &section->options[k];
        cyaml_schema_field_t *field = &schema->options[index][k];
        uint32_t base = (uint32_t)(k * sizeof(struct raw));
        field->key = option->key;
        if (option_is_list(option)) {
            field->data_offset = base + (uint32_t)offsetof(struct raw, elements);
            field->count_offset = base + (uint32_t)offsetof(struct raw, element_count);
            field->count_size = sizeof(unsigned);
            field->value =
                (cyaml_schema_value_t){.type = CYAML_SEQUENCE,
                                       .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                       .data_size = sizeof(char *),
                                       .sequence = {.entry = &string_value, .min = 0, .max = CONFIG_MAX_ELEMENTS}};
        } else if (option->type == OPTION_BY_CATEGORY) {
            field->data_offset = base + (uint32_t)offsetof(struct raw, by_category);
            field->value = categories_value(schema);
        } else {
            field->data_offset = base + (uint32_t)offsetof(struct raw, scalar);
            field->value = string_value;
            field->value.flags |= CYAML_FLAG_OPTIONAL;
        }
    }
}

static void schema_build(const struct loading *loading, struct schema *schema)
{
    CHECK(loading->section_count < MAX_SECTIONS);
    schema_categories(schema);
    for (size_t i = 0; i < loading->section_count; i++) {
        const struct section *section = &loading->sections[i];
        cyaml_schema_field_t *field = &schema->top[i];
        uint32_t base = (uint32_t)(i * sizeof(struct raw_section));
        schema_options(schema, section, i);
        field->key = section->name;
        field->data_offset = base + (uint32_t)offsetof(struct raw_section, options);
        cyaml_schema_value_t mapping = {.type = CYAML_MAPPING,
                                        .flags = CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
                                        .data_size = CONFIG_MAX_OPTIONS * sizeof(struct raw),
                                        .mapping = {.fields = schema->options[i]}};
        if (section->is_map) {
            field->data_offset = base + (uint32_t)offsetof(struct raw_section, by_category);
            field->value = categories_value(schema);
        } else if (section->item_size) {
            schema->items[i] = mapping;
            schema->items[i].flags = CYAML_FLAG_DEFAULT;
            field->data_offset = base + (uint32_t)offsetof(struct raw_section, items);
            field->count_offset = base + (uint32_t)offsetof(struct raw_section, item_count);
            field->count_size = sizeof(unsigned);
            field->value =
                (cyaml_schema_value_t){.type = CYAML_SEQUENCE,
                                       .flags = CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL,
                                       .data_size = CONFIG_MAX_OPTIONS * sizeof(struct raw),
                                       .sequence = {.entry = &schema->items[i], .min = 0, .max = CONFIG_MAX_ITEMS}};
        } else {
            field->value = mapping;
        }
    }
    schema->root = (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                          .flags = CYAML_FLAG_POINTER,
                                          .data_size = (uint32_t)(loading->section_count * sizeof(struct raw_section)),
                                          .mapping = {.fields = schema->top}};
}

/* config_check_document() has tried all values out: what fails now is memory. */
static enum status set_categories(const struct config_option *option, void *base, char *const *by_category)
{
    enum status status = ST_OK;
    /* `default` first, whatever its place in the file: the named ones override it. */
    for (int step = 0; status == ST_OK && step <= CATEGORY_COUNT; step++) {
        int i = step ? step - 1 : CATEGORY_COUNT;
        struct str name = i < CATEGORY_COUNT ? str_of(category_text((enum category)i)) : STR("default");
        if (by_category[i])
            status = option_set_category(option, base, name, str_of(by_category[i]), NULL);
    }
    return status;
}

static enum status set_option(struct loading *loading, const struct section *section, long item,
                              const struct config_option *option, void *base, const struct raw *raw)
{
    enum status status = ST_OK;
    if (raw->by_category)
        return set_categories(option, base, raw->by_category);
    if (!option_is_list(option))
        return raw->scalar ? option_set(option, base, str_of(raw->scalar), NULL) : ST_OK;
    /* An empty list gives no elements here, but it is written, and the default gives way to it. */
    if (config_value_line(loading, section, item, str_of(option->key), -1))
        option_clear(option, base);
    for (unsigned i = 0; status == ST_OK && i < raw->element_count; i++)
        status = option_set(option, base, str_of(raw->elements[i]), NULL);
    return status;
}

static void set_defaults(const struct section *section, void *base)
{
    for (size_t k = 0; k < section->option_count; k++)
        if (section->options[k].default_text)
            CHECK(option_set_default(&section->options[k], base) == ST_OK);
}

static enum status set_items(struct loading *loading, const struct section *section, const struct raw_section *raw)
{
    if (!raw->item_count)
        return ST_OK;
    char *items = calloc(raw->item_count, section->item_size);
    if (!items)
        return ST_NOMEM;
    memcpy((char *)loading->base + section->items_offset, &items, sizeof items);
    size_t count = raw->item_count;
    memcpy((char *)loading->base + section->count_offset, &count, sizeof count);
    enum status status = ST_OK;
    for (unsigned i = 0; i < raw->item_count; i++) {
        void *base = items + i * section->item_size;
        set_defaults(section, base);
        for (size_t k = 0; status == ST_OK && k < section->option_count; k++)
            status = set_option(loading, section, (long)i, &section->options[k], base,
                                &raw->items[i * CONFIG_MAX_OPTIONS + k]);
    }
    return status;
}

/* The shape was checked before, so that little is left for libcyaml to find; of what it says, the first line tells. */
static void PRINTF_LIKE(3, 0) on_cyaml_log(cyaml_log_t level, void *context, const char *format, va_list args)
{
    (void)level;
    struct loading *loading = context;
    if (loading->faults->errors)
        return;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    config_report(loading, true, 0, "", "%s", text);
}

static enum status set_values(struct loading *loading, const void *data, size_t n)
{
    struct schema *schema = calloc(1, sizeof *schema);
    if (!schema)
        return ST_NOMEM;
    schema_build(loading, schema);
    cyaml_config_t settings = {.log_fn = on_cyaml_log,
                               .log_ctx = loading,
                               .mem_fn = cyaml_mem,
                               .log_level = CYAML_LOG_ERROR,
                               .flags = CYAML_CFG_IGNORE_UNKNOWN_KEYS | CYAML_CFG_NO_ALIAS};
    struct raw_section *raw = NULL;
    cyaml_err_t loaded = cyaml_load_data(data, n, &settings, &schema->root, (cyaml_data_t **)&raw, NULL);
    enum status status = loaded == CYAML_OK ? ST_OK : ST_INVALID;
    if (status != ST_OK && !loading->faults->errors)
        config_report(loading, true, 0, "", "%s", cyaml_strerror(loaded));
    for (size_t i = 0; raw && status == ST_OK && i < loading->section_count; i++) {
        const struct section *section = &loading->sections[i];
        if (section->item_size)
            status = set_items(loading, section, &raw[i]);
        else if (raw[i].by_category)
            status = set_categories(section->options, loading->base, raw[i].by_category);
        for (size_t k = 0; raw[i].options && status == ST_OK && k < section->option_count; k++)
            status = set_option(loading, section, -1, &section->options[k], loading->base, &raw[i].options[k]);
    }
    if (raw)
        cyaml_free(&settings, &schema->root, raw, 0);
    free(schema);
    return status;
}

/* Relative to the folder of the file, or to the current one where there is no file. */
static enum status resolve_state_dir(struct config *config, const char *file)
{
    char base[PATH_MAX], joined[PATH_MAX * 2];
    if (config->state.directory[0] == '/') {
        config->state_dir = strdup(config->state.directory);
        return config->state_dir ? ST_OK : ST_NOMEM;
    }
    if (!file) {
        if (!getcwd(base, sizeof base))
            return ST_IO;
    } else {
        text_copy(base, sizeof base, str_of(file));
        char *slash = strrchr(base, '/');
        *slash = '\0';
    }
    snprintf(joined, sizeof joined, "%s/%s", base, config->state.directory);
    config->state_dir = strdup(joined);
    return config->state_dir ? ST_OK : ST_NOMEM;
}

enum status config_load_sections(struct loading *loading, const void *data, size_t n)
{
    enum status status = ST_OK;
    for (size_t i = 0; i < loading->section_count; i++)
        if (!loading->sections[i].item_size)
            set_defaults(&loading->sections[i], loading->base);
    if (n && config_check_document(loading, data, n) && !loading->faults->errors)
        status = set_values(loading, data, n);
    if (status == ST_OK && !loading->faults->errors && loading->check)
        loading->check(loading);
    yaml_document_delete(&loading->document);
    return status == ST_OK && loading->faults->errors ? ST_INVALID : status;
}

static enum status load_bytes(const char *name, const void *data, size_t n, struct config *config,
                              struct config_faults *faults)
{
    *config = (struct config){0};
    struct loading loading = {.name = name,
                              .sections = config_sections,
                              .section_count = config_section_count,
                              .base = config,
                              .check = config_check_whole,
                              .faults = faults};
    enum status status = config_load_sections(&loading, data, n);
    config->own_feed_count = config->feed_count;
    for (size_t i = 0; i < config->feed_count; i++)
        config->feeds[i].own_action = config->feeds[i].action;
    return status;
}

enum status config_load_memory(const char *name, const void *data, size_t n, struct config *config,
                               struct config_faults *faults)
{
    enum status status = load_bytes(name, data, n, config, faults);
    if (status == ST_OK)
        status = resolve_state_dir(config, NULL);
    if (status != ST_OK)
        config_free(config);
    return status;
}

static enum status read_file(const char *path, struct buf *bytes)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return ST_IO;
    char block[4096];
    size_t n;
    bytes->max_bytes = MAX_FILE_BYTES;
    while (!bytes->failed && (n = fread(block, 1, sizeof block, file)) > 0)
        buf_add(bytes, block, n);
    enum status status = ferror(file) ? ST_IO : bytes->failed ? ST_TOO_LARGE : ST_OK;
    int saved = errno;
    fclose(file);
    errno = saved;
    return status;
}

enum status config_load(const char *path, struct config *config, struct config_faults *faults)
{
    if (!path)
        return config_load_memory("built-in defaults", "", 0, config, faults);
    struct buf bytes = {0};
    enum status status = read_file(path, &bytes);
    if (status != ST_OK) {
        *config = (struct config){0};
        buf_printf(&faults->text, "%s: %s\n", path,
                   status == ST_TOO_LARGE ? "too large for a configuration" : strerror(errno));
        faults->errors++;
    } else {
        status = load_bytes(path, bytes.data, bytes.length, config, faults);
    }
    buf_free(&bytes);
    if (status == ST_OK) {
        /* What is no file, as a pipe, has no folder: its state directory is relative to the current one. */
        char *real = realpath(path, NULL);
        status = resolve_state_dir(config, real);
        config->path = real ? real : strdup(path);
        if (!config->path)
            status = ST_NOMEM;
    }
    if (status != ST_OK)
        config_free(config);
    return status;
}

void config_free_sections(const struct section *sections, size_t section_count, void *base)
{
    for (const struct section *section = sections; section < sections + section_count; section++) {
        if (!section->item_size) {
            for (size_t k = 0; k < section->option_count; k++)
                option_clear(&section->options[k], base);
            continue;
        }
        char *items;
        size_t count;
        memcpy(&items, (char *)base + section->items_offset, sizeof items);
        memcpy(&count, (char *)base + section->count_offset, sizeof count);
        for (size_t item = 0; item < count; item++)
            for (size_t k = 0; k < section->option_count; k++)
                option_clear(&section->options[k], items + item * section->item_size);
        free(items);
    }
}

void config_free(struct config *config)
{
    config_free_sections(config_sections, config_section_count, config);
    free(config->path);
    free(config->state_dir);
    *config = (struct config){0};
}

const char *config_default_path(void)
{
    static const char *const places[] = {"ccward.yaml", "/etc/ccward/ccward.yaml"};
    const char *named = getenv("CCWARD_CONFIG");
    if (named && *named)
        return named;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], F_OK) == 0)
            return places[i];
    return NULL;
}

struct proxy_pac config_pac(const struct config *config)
{
    return (struct proxy_pac){.proxies = config->proxy.listen.items,
                              .proxy_count = config->proxy.listen.count,
                              .fail_open = config->proxy.pac_fail_open,
                              .direct = (const char *const *)config->proxy.pac_direct.items,
                              .direct_count = config->proxy.pac_direct.count};
}
