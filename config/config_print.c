/* The configuration as YAML text again. */
#include <stdlib.h>
#include <string.h>

#include "config/config_schema.h"

/* "# text" in lines of at most 110 columns. */
static void print_comment(FILE *out, const char *indent, const char *text)
{
    size_t column = 0;
    for (struct str rest = str_of(text), word; (word = str_word(&rest)).length;) {
        if (column && column + word.length + 1 > 110) {
            fputc('\n', out);
            column = 0;
        }
        if (!column)
            column = (size_t)fprintf(out, "%s#", indent);
        column += (size_t)fprintf(out, " %.*s", (int)word.length, word.data);
    }
    if (column)
        fputc('\n', out);
}

static void print_about(FILE *out, const char *indent, const struct config_option *option)
{
    struct buf text = {0}, range = {0};
    option_format_range(option, &range);
    buf_add_text(&text, option->help);
    if (range.length)
        buf_printf(&text, " (%s)", buf_text(&range));
    print_comment(out, indent, buf_text(&text));
    buf_free(&text);
    buf_free(&range);
}

/* The most frequent word as `default`, the others by name. */
static void print_by_category(FILE *out, const char *indent, const struct config_option *option, const void *base)
{
    const int *values = (const int *)((const char *)base + option->offset);
    int votes[16] = {0}, most = 0;
    for (int i = 0; i < CATEGORY_COUNT; i++)
        votes[values[i]]++;
    for (int i = 0; i < option->words->count; i++)
        if (votes[i] > votes[most])
            most = i;
    fprintf(out, "%sdefault: %s\n", indent, option->words->text(most));
    for (int i = 0; i < CATEGORY_COUNT; i++)
        if (values[i] != most)
            fprintf(out, "%s%s: %s\n", indent, category_text((enum category)i), option->words->text(values[i]));
}

static void print_value(FILE *out, const char *indent, const struct config_option *option, const void *base)
{
    if (option->type == OPTION_BY_CATEGORY) {
        char deeper[16];
        snprintf(deeper, sizeof deeper, "%s  ", indent);
        fputc('\n', out);
        print_by_category(out, deeper, option, base);
        return;
    }
    struct buf text = {0};
    for (size_t i = 0; i < option_elements(option, base); i++) {
        if (i)
            buf_add_text(&text, ", ");
        option_format(option, base, i, &text);
    }
    fprintf(out, option_is_list(option) ? " [%s]\n" : " %s\n", buf_text(&text));
    buf_free(&text);
}

static void print_items(FILE *out, const struct section *section, const struct config *config, bool annotated)
{
    const char *items;
    size_t count;
    memcpy(&items, (const char *)config + section->items_offset, sizeof items);
    memcpy(&count, (const char *)config + section->count_offset, sizeof count);
    fputs(count ? "\n" : " []\n", out);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < section->option_count; k++) {
            fprintf(out, "  %s %s:", k ? " " : "-", section->options[k].key);
            print_value(out, "    ", &section->options[k], items + i * section->item_size);
        }
    if (!annotated)
        return;
    fputs("  # An item has:\n", out);
    for (size_t k = 0; k < section->option_count; k++) {
        const struct config_option *option = &section->options[k];
        const char *value = !option->default_text    ? "... (must be given)"
                            : !*option->default_text ? (option_is_list(option) ? "[]" : "\"\"")
                                                     : option->default_text;
        fprintf(out, "  #   %s: %s\n", option->key, value);
        print_about(out, "  #       ", option);
    }
}

void config_print(const struct config *config, bool annotated, FILE *out)
{
    for (size_t i = 0; i < config_section_count; i++) {
        const struct section *section = &config_sections[i];
        if (annotated) {
            if (i)
                fputc('\n', out);
            print_comment(out, "", section->help);
        }
        fprintf(out, "%s:", section->name);
        if (section->item_size) {
            print_items(out, section, config, annotated);
            continue;
        }
        fputc('\n', out);
        if (section->is_map) {
            if (annotated)
                print_about(out, "  ", section->options);
            print_by_category(out, "  ", section->options, config);
            continue;
        }
        for (size_t k = 0; k < section->option_count; k++) {
            if (annotated)
                print_about(out, "  ", &section->options[k]);
            fprintf(out, "  %s:", section->options[k].key);
            print_value(out, "  ", &section->options[k], config);
        }
    }
}
