#include "commands/would_block.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "callbacks/log_entry.h"
#include "callbacks/log_reader.h"

enum { SHOWN = 10, SHOWN_BYTES = 100 };

static bool names_source(const struct log_entry *entry, const char *name)
{
    const json_t *sources = json_object_get(entry->object, "sources"), *source;
    size_t i;
    json_array_foreach(sources, i, source)
    {
        if (!strcmp(json_string_value(source), name))
            return true;
    }
    return false;
}

static enum status count_entry(struct would_block *found, const struct log_entry *entry, const char *name)
{
    if (!found->since_ms)
        found->since_ms = entry->time_ms;
    if (strcmp(log_entry_text(entry, "action"), "log") || !names_source(entry, name))
        return ST_OK;
    const char *indicator = log_entry_text(entry, "indicator");
    json_int_t before = json_integer_value(json_object_get(found->indicators, indicator));
    found->contacts += entry->count;
    return json_object_set_new(found->indicators, indicator, json_integer(before + entry->count)) ? ST_NOMEM : ST_OK;
}

enum status would_block_count(const char *state_dir, const char *name, struct would_block *found, struct fault *fault)
{
    struct log_reader reader;
    struct str line;
    *found = (struct would_block){.indicators = json_object()};
    if (!found->indicators)
        return fault_set(fault, ST_NOMEM, "out of memory");
    enum status st = log_reader_open(state_dir, 0, &reader, fault);
    if (st != ST_OK)
        return st;
    while ((st = log_reader_next(&reader, &line)) != ST_NOT_FOUND && st != ST_IO && st != ST_NOMEM) {
        struct log_entry entry;
        if (st != ST_OK || log_entry_parse(line, &entry) != ST_OK)
            continue; /* `ccward hits` tells of damaged lines */
        st = count_entry(found, &entry, name);
        log_entry_fini(&entry);
        if (st != ST_OK)
            break;
    }
    log_reader_close(&reader);
    return st == ST_NOT_FOUND ? ST_OK : fault_set(fault, st, "the callback log can't be read: %s", status_text(st));
}

void would_block_fini(struct would_block *found)
{
    json_decref(found->indicators);
    found->indicators = NULL;
}

struct line {
    const char *indicator;
    json_int_t contacts;
};

static int compare(const void *pa, const void *pb)
{
    const struct line *a = pa, *b = pb;
    if (a->contacts != b->contacts)
        return a->contacts < b->contacts ? 1 : -1;
    return strcmp(a->indicator, b->indicator);
}

static void print_lines(const struct would_block *found, FILE *out)
{
    size_t count = json_object_size(found->indicators), n = 0;
    struct line *lines = calloc(count + 1, sizeof *lines);
    const char *indicator;
    json_t *contacts;
    if (!lines)
        return;
    json_object_foreach(found->indicators, indicator, contacts)
    {
        lines[n++] = (struct line){indicator, json_integer_value(contacts)};
    }
    qsort(lines, n, sizeof *lines, compare);
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        char shown[SHOWN_BYTES];
        text_printable(shown, sizeof shown, str_of(lines[i].indicator));
        fprintf(out, "%8lld  %s\n", (long long)lines[i].contacts, shown);
    }
    if (n > SHOWN)
        fprintf(out, "          and %zu more; `ccward hits` shows them\n", n - SHOWN);
    free(lines);
}

void would_block_print(const struct would_block *found, const char *name, FILE *out)
{
    char since[CLOCK_TEXT_SIZE];
    if (!found->contacts) {
        fprintf(out, "%s has recorded no contact that it would have blocked.\n", name);
        return;
    }
    clock_format(found->since_ms, since);
    fprintf(out, "%s has recorded, in the callback log since %.10s, %lld contact%s that it would have blocked%s:\n",
            name, since, (long long)found->contacts, found->contacts == 1 ? "" : "s",
            " (but for entries that are only recorded anyway)");
    print_lines(found, out);
}
