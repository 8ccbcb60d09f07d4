#include <jansson.h>

#include "feeds/feeds.h"

static const char *const kind_names[INDICATOR_KINDS] = {
    [INDICATOR_NAME] = "names", [INDICATOR_URL] = "urls", [INDICATOR_NETWORK] = "networks"};

static uint64_t sum(const uint64_t counts[INDICATOR_KINDS])
{
    uint64_t total = 0;
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        total += counts[kind];
    return total;
}

static enum status print_text(const struct feed_report *report, FILE *out)
{
    fprintf(out, "format %s, %llu lines (%llu blank or comments): ", report->format[0] ? report->format : "unknown",
            (unsigned long long)report->lines, (unsigned long long)report->comments);
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        fprintf(out, "%llu %s, ", (unsigned long long)report->entries[kind], kind_names[kind]);
    fprintf(out, "%llu duplicates%s\n", (unsigned long long)report->duplicates, report->unchanged ? ", unchanged" : "");
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
    return ferror(out) ? ST_IO : ST_OK;
}

static enum status print_json(const struct feed_report *report, FILE *out)
{
    json_t *entries = json_object(), *skipped = json_object(), *examples = json_array(), *guarded = json_object();
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
        json_object_set_new(entries, kind_names[kind], json_integer((json_int_t)report->entries[kind]));
    for (size_t i = 0; i < report->skipped_count; i++)
        json_object_set_new(skipped, report->skipped[i].reason, json_integer((json_int_t)report->skipped[i].count));
    for (size_t i = 0; i < report->guarded_count; i++)
        json_object_set_new(guarded, report->guarded[i].reason, json_integer((json_int_t)report->guarded[i].count));
    for (size_t i = 0; i < report->example_count; i++)
        json_array_append_new(examples, json_string(report->examples[i]));
    json_t *all =
        json_pack("{s:s, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:o, s:I, s:I, s:b}", "format", report->format, "lines",
                  (json_int_t)report->lines, "comments", (json_int_t)report->comments, "faulty_lines",
                  (json_int_t)report->faulty_lines, "entries", entries, "duplicates", (json_int_t)report->duplicates,
                  "skipped", skipped, "examples", examples, "guarded", guarded, "unsure", (json_int_t)report->unsure,
                  "carried", (json_int_t)sum(report->carried), "unchanged", report->unchanged);
    if (all && report->declared)
        json_object_set_new(all, "declared", json_integer((json_int_t)report->declared));
    if (all && report->notice[0])
        json_object_set_new(all, "notice", json_string(report->notice));
    int failed = all ? json_dumpf(all, out, JSON_COMPACT) : -1;
    json_decref(all);
    return failed || fputc('\n', out) == EOF ? ST_IO : ST_OK;
}

enum status feed_report_print(const struct feed_report *report, bool json, FILE *out)
{
    return json ? print_json(report, out) : print_text(report, out);
}
