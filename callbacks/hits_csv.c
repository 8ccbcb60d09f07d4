#include "callbacks/hits_csv.h"

#include <string.h>

enum { CELL_SIZE = 4096 };

/* In the order of the columns: a field of the line, or one of its client. */
static const struct {
    const char *title, *key;
    bool of_client;
} columns[] = {
    {"time", "time", false},
    {"id", "id", false},
    {"client_ip", "ip", true},
    {"client_port", "port", true},
    {"client_name", "name", true},
    {"group", "group", true},
    {"pid", "pid", true},
    {"process", "process", true},
    {"user", "user", true},
    {"channel", "channel", false},
    {"subject", "subject", false},
    {"indicator", "indicator", false},
    {"match", "match", false},
    {"action", "action", false},
    {"category", "category", false},
    {"family", "family", false},
    {"risk", "risk", false},
    {"sources", "sources", false},
    {"incident", "incident", false},
    {"method", "method", false},
    {"status", "status", false},
    {"count", "count", false},
    {"last", "last", false},
    {"summary", "summary", false},
    {"subjects", "subjects", false},
    {"login", "login", true},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void print_end(FILE *out, size_t column)
{
    fputs(column + 1 < COLUMNS ? "," : "\r\n", out);
}

static void print_text(FILE *out, const char *text)
{
    char safe[CELL_SIZE];
    text_printable(safe, sizeof safe, str_of(text));
    bool formula = safe[0] && strchr("=+-@", safe[0]);
    bool quoted = strpbrk(safe, "\",;") != NULL;
    if (quoted)
        fputc('"', out);
    if (formula)
        fputc('\'', out);
    for (const char *at = safe; *at; at++) {
        if (*at == '"')
            fputc('"', out);
        fputc(*at, out);
    }
    if (quoted)
        fputc('"', out);
}

static void print_sources(FILE *out, const json_t *sources)
{
    char text[CELL_SIZE];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(sources); i++) {
        struct str name = str_of(json_string_value(json_array_get(sources, i)));
        if (used + name.length + 2 > sizeof text)
            break;
        if (used)
            text[used++] = ' ';
        text_copy(text + used, sizeof text - used, name);
        used += name.length;
    }
    print_text(out, text);
}

static void print_value(FILE *out, const json_t *value)
{
    if (json_is_string(value))
        print_text(out, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_array(value))
        print_sources(out, value);
    else if (json_is_true(value))
        fputs("true", out);
}

void hits_csv_header(FILE *out)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        fputs(columns[i].title, out);
        print_end(out, i);
    }
}

void hits_csv_row(FILE *out, const struct log_entry *entry)
{
    const json_t *client = json_object_get(entry->object, "client");
    for (size_t i = 0; i < COLUMNS; i++) {
        print_value(out, json_object_get(columns[i].of_client ? client : entry->object, columns[i].key));
        print_end(out, i);
    }
}
