#include "feeds/report.h"

#include <string.h>

#include "feeds/guard.h"
#include "feeds/skip.h"

static const char *const kind_names[INDICATOR_KINDS] = {
    [INDICATOR_NAME] = "names", [INDICATOR_URL] = "urls", [INDICATOR_NETWORK] = "networks"};

static uint64_t sum(const uint64_t counts[INDICATOR_KINDS])
{
    uint64_t total = 0;
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        total += counts[kind];
    return total;
}

uint64_t report_entries(const struct feed_report *report)
{
    return sum(report->entries);
}

void report_print_details(const struct feed_report *report, FILE *out)
{
    if (report->notice[0])
        fprintf(out, "  warning: the list says: %s\n", report->notice);
    for (size_t i = 0; i < report->guarded_count; i++)
        fprintf(out, "  only recorded %llu: guard: %s\n", (unsigned long long)report->guarded[i].count,
                report->guarded[i].reason);
    if (report->unsure)
        fprintf(out, "  only recorded %llu: confidence under min-confidence\n", (unsigned long long)report->unsure);
    uint64_t carried = sum(report->carried);
    if (carried)
        fprintf(out, "  kept %llu: no longer listed, not yet expired\n", (unsigned long long)carried);
    for (size_t i = 0; i < report->skipped_count; i++)
        fprintf(out, "  skipped %llu: %s\n", (unsigned long long)report->skipped[i].count, report->skipped[i].reason);
    for (size_t i = 0; i < report->example_count; i++)
        fprintf(out, "    %s\n", report->examples[i]);
}

static enum status print_text(const struct feed_report *report, FILE *out)
{
    fprintf(out, "format %s, %llu line%s (%llu blank or comments): ", report->format[0] ? report->format : "unknown",
            (unsigned long long)report->lines, text_plural(report->lines), (unsigned long long)report->comments);
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        fprintf(out, "%llu %.*s, ", (unsigned long long)report->entries[kind],
                (int)strlen(kind_names[kind]) - (report->entries[kind] == 1), kind_names[kind]);
    fprintf(out, "%llu duplicate%s%s\n", (unsigned long long)report->duplicates, text_plural(report->duplicates),
            report->unchanged ? ", unchanged" : "");
    report_print_details(report, out);
    return ferror(out) ? ST_IO : ST_OK;
}

static json_t *counts_json(const uint64_t counts[INDICATOR_KINDS])
{
    json_t *json = json_object();
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        json_object_set_new(json, kind_names[kind], json_integer((json_int_t)counts[kind]));
    return json;
}

json_t *report_json(const struct feed_report *report)
{
    json_t *skipped = json_object(), *examples = json_array(), *guarded = json_object();
    for (size_t i = 0; i < report->guarded_count; i++)
        json_object_set_new(guarded, report->guarded[i].reason, json_integer((json_int_t)report->guarded[i].count));
    for (size_t i = 0; i < report->skipped_count; i++)
        json_object_set_new(skipped, report->skipped[i].reason, json_integer((json_int_t)report->skipped[i].count));
    for (size_t i = 0; i < report->example_count; i++)
        json_array_append_new(examples, json_string(report->examples[i]));
    json_t *all = json_pack("{s:s, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:b}", "format", report->format,
                            "lines", (json_int_t)report->lines, "comments", (json_int_t)report->comments,
                            "faulty_lines", (json_int_t)report->faulty_lines, "entries", counts_json(report->entries),
                            "duplicates", (json_int_t)report->duplicates, "skipped", skipped, "examples", examples,
                            "guarded", guarded, "unsure", (json_int_t)report->unsure, "carried",
                            (json_int_t)sum(report->carried), "unchanged", report->unchanged);
    if (all && report->declared)
        json_object_set_new(all, "declared", json_integer((json_int_t)report->declared));
    if (all && report->notice[0])
        json_object_set_new(all, "notice", json_string(report->notice));
    return all;
}

static uint64_t get_count(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static const char *guard_text_find(struct str text)
{
    for (enum guard guard = GUARD_NOT + 1; guard < GUARD_COUNT; guard++)
        if (str_eq(text, str_of(guard_text(guard))))
            return guard_text(guard);
    return NULL;
}

/* Reasons that this version does not know are left out. */
static void get_reasons(const json_t *json, struct feed_report *report)
{
    const char *reason, *known;
    json_t *skipped = json_object_get(json, "skipped"), *guarded = json_object_get(json, "guarded"), *count;
    json_object_foreach(skipped, reason, count)
    {
        if ((known = skip_text_find(str_of(reason))) && report->skipped_count < FEED_REASONS) {
            report->skipped[report->skipped_count].reason = known;
            report->skipped[report->skipped_count++].count = get_count(skipped, reason);
        }
    }
    json_object_foreach(guarded, reason, count)
    {
        if ((known = guard_text_find(str_of(reason))) && report->guarded_count < FEED_GUARDS_MAX) {
            report->guarded[report->guarded_count].reason = known;
            report->guarded[report->guarded_count++].count = get_count(guarded, reason);
        }
    }
    (void)count;
}

void report_from_json(const json_t *json, struct feed_report *report)
{
    json_t *examples = json_object_get(json, "examples"), *example;
    size_t i;
    *report = (struct feed_report){.lines = get_count(json, "lines"),
                                   .comments = get_count(json, "comments"),
                                   .faulty_lines = get_count(json, "faulty_lines"),
                                   .declared = get_count(json, "declared"),
                                   .unsure = get_count(json, "unsure"),
                                   .carried = {get_count(json, "carried")}, /* kinds do not matter any more */
                                   .duplicates = get_count(json, "duplicates")};
    text_printable(report->format, sizeof report->format, str_of(json_string_value(json_object_get(json, "format"))));
    text_printable(report->notice, sizeof report->notice, str_of(json_string_value(json_object_get(json, "notice"))));
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        report->entries[kind] = get_count(json_object_get(json, "entries"), kind_names[kind]);
    get_reasons(json, report);
    json_array_foreach(examples, i, example)
    {
        if (report->example_count < FEED_EXAMPLES)
            text_printable(report->examples[report->example_count++], sizeof report->examples[0],
                           str_of(json_string_value(example)));
    }
}

static enum status print_json_own(json_t *all, FILE *out)
{
    int failed = all ? json_dumpf(all, out, JSON_COMPACT) : -1;
    json_decref(all);
    return failed || fputc('\n', out) == EOF ? ST_IO : ST_OK;
}

enum status feed_report_print(const struct feed_report *report, bool json, FILE *out)
{
    return json ? print_json_own(report_json(report), out) : print_text(report, out);
}

enum status feed_report_print_refused(const struct feed_report *report, const struct fault *fault, FILE *out)
{
    json_t *all = report_json(report);
    if (all)
        json_object_set_new(all, "refused", json_string(fault->text));
    return print_json_own(all, out);
}
