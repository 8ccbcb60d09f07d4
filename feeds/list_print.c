/* How `feeds list` looks: a table, one feed in full, JSON. */
#include <string.h>

#include "base/clock.h"
#include "feeds/list.h"
#include "feeds/report.h"
#include "feeds/web_url.h"

/* How it fares, in a few words. */
static void verdict_text(const struct list_row *row, char *out, size_t size)
{
    const struct feed_state *state = &row->state;
    if (row->built_in)
        snprintf(out, size, "built-in");
    else if (!row->feed)
        snprintf(out, size, strcmp(row->info->name, SOURCE_USER) ? "imported" : "your own: `ccward lists`");
    else if (state->failures && state->held_back)
        snprintf(out, size, "held back: %s", state->reason);
    else if (state->failures)
        snprintf(out, size, "failed %u time%s: %s", state->failures, state->failures == 1 ? "" : "s", state->reason);
    else
        snprintf(out, size, row->info ? "ok" : "not fetched yet");
}

/* "3 h" since WALL_MS; "-" for never. */
static void age_text(int64_t wall_ms, char out[CLOCK_SPAN_SIZE])
{
    if (wall_ms)
        clock_format_span((clock_wall_ms() - wall_ms) / 1000, out);
    else
        snprintf(out, CLOCK_SPAN_SIZE, "-");
}

/* A feed that the server calls unchanged is as young as its last success. */
static int64_t fresh_ms(const struct list_row *row)
{
    int64_t created_ms = row->info && !row->built_in ? row->info->created_ms : 0;
    return row->state.last_success_ms > created_ms ? row->state.last_success_ms : created_ms;
}

static const char *row_format(const struct list_row *row)
{
    if (row->state.report.format[0])
        return row->state.report.format; /* the one that was found, for "auto" */
    return row->info ? row->info->format : row->feed->format;
}

void list_print_table(const struct list *list, FILE *out)
{
    fprintf(out, "%-24s %-10s %10s %8s %9s  %s\n", "NAME", "FORMAT", "ENTRIES", "AGE", "LAST TRY", "STATE");
    for (size_t i = 0; i < list->count; i++) {
        const struct list_row *row = &list->rows[i];
        char age[CLOCK_SPAN_SIZE], last_try[CLOCK_SPAN_SIZE], verdict[640], warnings[LIST_WARNINGS][LIST_WARNING_SIZE];
        age_text(fresh_ms(row), age);
        age_text(row->state.last_try_ms, last_try);
        verdict_text(row, verdict, sizeof verdict);
        fprintf(out, "%-24s %-10s %10llu %8s %9s  %s\n", list_row_name(row), row_format(row),
                (unsigned long long)list_row_entries(row), age, last_try, verdict);
        size_t count = list_row_warnings(row, warnings);
        for (size_t k = 0; k < count; k++)
            fprintf(out, "  warning: %s\n", warnings[k]);
    }
    if (list->damaged)
        fprintf(out, "%u source%s in the store can't be read; `ccward feeds verify` says why\n", list->damaged,
                list->damaged == 1 ? "" : "s");
}

static void print_time(const char *title, int64_t wall_ms, FILE *out)
{
    char when[CLOCK_TEXT_SIZE], age[CLOCK_SPAN_SIZE];
    if (!wall_ms) {
        fprintf(out, "%-14s never\n", title);
        return;
    }
    clock_format(wall_ms, when);
    age_text(wall_ms, age);
    fprintf(out, "%-14s %s (%s ago)\n", title, when, age);
}

static void print_settings(const struct list *list, const struct list_row *row, FILE *out)
{
    const struct feed *feed = row->feed;
    char shown[FEED_URL_SIZE], span[CLOCK_SPAN_SIZE];
    if (!feed) {
        if (row->state.from[0])
            fprintf(out, "%-14s %s\n", "imported from", row->state.from);
        return;
    }
    for (size_t i = 0; i <= feed->mirror_count; i++) {
        web_url_shown(i ? feed->mirrors[i - 1] : feed->url, shown, sizeof shown);
        fprintf(out, "%-14s %s\n", i ? "mirror" : "url", shown);
    }
    fprintf(out, "%-14s %s, %s, %s, %s\n", "settings", feed->format, category_text(feed->category),
            feed_use_text(feed->use), feed_retain_text(feed->retain));
    clock_format_span(feed_due_in_s(list->state_dir, feed), span);
    fprintf(out, "%-14s in %s\n", "next try", span);
}

static void print_entries(const struct list_row *row, FILE *out)
{
    char when[CLOCK_TEXT_SIZE];
    if (!row->info) {
        fprintf(out, "%-14s nothing\n", "in force");
        return;
    }
    clock_format(row->info->created_ms, when);
    const uint64_t *counts = row->info->counts;
    fprintf(out, "%-14s %llu name%s, %llu URL%s, %llu network%s; generation %llu of %s\n", "in force",
            (unsigned long long)counts[INDICATOR_NAME], text_plural(counts[INDICATOR_NAME]),
            (unsigned long long)counts[INDICATOR_URL], text_plural(counts[INDICATOR_URL]),
            (unsigned long long)counts[INDICATOR_NETWORK], text_plural(counts[INDICATOR_NETWORK]),
            (unsigned long long)row->info->generation, when);
}

void list_print_details(const struct list *list, const struct list_row *row, FILE *out)
{
    const struct feed_state *state = &row->state;
    char verdict[640], warnings[LIST_WARNINGS][LIST_WARNING_SIZE];
    verdict_text(row, verdict, sizeof verdict);
    fprintf(out, "%-14s %s (%s)\n%-14s %s\n", "name", list_row_name(row), list_row_kind(row), "state", verdict);
    size_t count = list_row_warnings(row, warnings);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%-14s %s\n", "warning", warnings[i]);
    print_settings(list, row, out);
    print_entries(row, out);
    if (row->built_in)
        return;
    print_time("last try", state->last_try_ms, out);
    print_time("last success", state->last_success_ms, out);
    print_time("last change", state->last_change_ms, out);
    if (state->rejected[0])
        print_time("rolled back", state->rejected_ms, out);
    if (state->report.lines) {
        fprintf(out, "\nThe list in force: ");
        (void)!feed_report_print(&state->report, false, out);
    }
    if (state->refused.lines) {
        fprintf(out, "\nThe list that was not taken: ");
        (void)!feed_report_print(&state->refused, false, out);
    }
}

/* RFC 3339, or null for never. */
static json_t *time_json(int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (!wall_ms)
        return json_null();
    clock_format(wall_ms, text);
    return json_string(text);
}

static json_t *warnings_json(const struct list_row *row)
{
    char warnings[LIST_WARNINGS][LIST_WARNING_SIZE];
    json_t *json = json_array();
    size_t count = list_row_warnings(row, warnings);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(json, json_string(warnings[i]));
    return json;
}

static json_t *feed_json(const struct list *list, const struct list_row *row)
{
    const struct feed *feed = row->feed;
    char shown[FEED_URL_SIZE];
    json_t *mirrors = json_array();
    for (size_t i = 0; i < feed->mirror_count; i++) {
        web_url_shown(feed->mirrors[i], shown, sizeof shown);
        json_array_append_new(mirrors, json_string(shown));
    }
    web_url_shown(feed->url, shown, sizeof shown);
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:I, s:I}", "url", shown, "mirrors", mirrors, "action",
                     feed_use_text(feed->use), "match", feed_match_text(feed->match), "retain",
                     feed_retain_text(feed->retain), "interval_s", (json_int_t)feed->interval_s, "due_in_s",
                     (json_int_t)feed_due_in_s(list->state_dir, feed));
}

static json_t *state_json(const struct feed_state *state)
{
    return json_pack("{s:o, s:o, s:o, s:i, s:b, s:o, s:o, s:s*, s:s*, s:o, s:o}", "last_try",
                     time_json(state->last_try_ms), "last_success", time_json(state->last_success_ms), "last_change",
                     time_json(state->last_change_ms), "failures", (int)state->failures, "held_back",
                     state->failures && state->held_back, "retry_at", time_json(state->retry_at_ms), "rolled_back",
                     time_json(state->rejected_ms), "reason", state->reason[0] ? state->reason : NULL, "body",
                     state->body[0] ? state->body : NULL, "report",
                     state->report.lines ? report_json(&state->report) : json_null(), "refused",
                     state->refused.lines ? report_json(&state->refused) : json_null());
}

static json_t *row_json(const struct list *list, const struct list_row *row)
{
    const struct source_info none = {0}, *info = row->info ? row->info : &none;
    json_t *state = state_json(&row->state), *feed = row->feed ? feed_json(list, row) : json_object();
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:o}", "name", list_row_name(row), "kind",
                  list_row_kind(row), "format", row_format(row), "category",
                  category_text(row->feed ? row->feed->category : info->category), "in_store", row->info != NULL,
                  "generation", (json_int_t)info->generation, "names", (json_int_t)info->counts[INDICATOR_NAME], "urls",
                  (json_int_t)info->counts[INDICATOR_URL], "networks", (json_int_t)info->counts[INDICATOR_NETWORK],
                  "created", time_json(row->built_in ? 0 : info->created_ms), "warnings", warnings_json(row));
    if (json && row->damage)
        json_object_set_new(json, "damage", json_string(row->damage));
    if (json && (json_object_update(json, state) || json_object_update(json, feed))) {
        json_decref(json);
        json = NULL;
    }
    json_decref(state);
    json_decref(feed);
    return json;
}

enum status list_print_json(const struct list *list, size_t first, size_t end, FILE *out)
{
    json_t *rows = json_array();
    for (size_t i = first; i < end; i++)
        json_array_append_new(rows, row_json(list, &list->rows[i]));
    json_t *all = json_pack("{s:o, s:i}", "feeds", rows, "damaged", (int)list->damaged);
    int failed = all ? json_dumpf(all, out, JSON_INDENT(2)) : -1;
    json_decref(all);
    return failed || fputc('\n', out) == EOF ? ST_IO : ST_OK;
}
