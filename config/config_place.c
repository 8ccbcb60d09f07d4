/* What is wrong with a file that the configuration names shows only when that is opened, long after the configuration
 * was read. It is told like the faults of the configuration itself. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "config/config_loading.h"

enum { MAX_FILE_BYTES = 4 << 20 };

/* "SECTION.KEY: ..." of an option that there is. */
static const struct section *find_option(struct str text, struct str *key)
{
    struct str field, rest, name;
    if (!str_cut(text, ':', &field, &rest) || !str_cut(field, '.', &name, key))
        return NULL;
    for (size_t i = 0; i < config_section_count; i++) {
        const struct section *section = &config_sections[i];
        if (!section->item_size && !section->is_map && str_eq(str_of(section->name), name))
            return section_option(section, *key) ? section : NULL;
    }
    return NULL;
}

/* 0: the file does not have it, or is gone. */
static size_t find_line(const char *path, const struct section *section, struct str key)
{
    struct loading loading = {0};
    struct buf bytes = {0};
    yaml_parser_t parser;
    size_t line = 0;
    if (file_read(path, MAX_FILE_BYTES, &bytes, NULL) == ST_OK) {
        CHECK(yaml_parser_initialize(&parser));
        yaml_parser_set_input_string(&parser, (const unsigned char *)buf_text(&bytes), bytes.length);
        if (yaml_parser_load(&parser, &loading.document)) {
            line = config_value_line(&loading, section, -1, key, -1);
            yaml_document_delete(&loading.document);
        }
        yaml_parser_delete(&parser);
    }
    buf_free(&bytes);
    return line;
}

void config_place_fault(const struct config *config, struct fault *fault)
{
    struct str key;
    struct fault told = *fault;
    const struct section *section = find_option(str_of(told.text), &key);
    size_t line = section && config->path ? find_line(config->path, section, key) : 0;
    if (!line)
        return;
    *fault = (struct fault){0};
    fault_set(fault, ST_INVALID, "%s:%zu: %s", config->path, line, told.text);
}
