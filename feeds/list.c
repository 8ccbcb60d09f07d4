/* `feeds list`: what is configured, what is in the store, and how each fares. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "feeds/feed_state.h"

enum { PATH_SIZE = 4096 };

struct row {
    const struct feed *feed;        /* NULL: none is configured of that name */
    const struct source_info *info; /* NULL: not in the store */
    bool built_in;
    struct feed_state state;
};

struct list {
    struct store *store;
    struct source *built_in;
    struct row rows[STORE_MAX_SOURCES * 2];
    size_t count;
    unsigned damaged;
};

static const struct source_info *find_info(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store_source_count(store); i++)
        if (!strcmp(store_source_info(store, i)->name, name))
            return store_source_info(store, i);
    return NULL;
}

static bool is_configured(const char *name, const struct feed *feeds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(feeds[i].name, name))
            return true;
    return false;
}

/* How it fares, in a few words. */
static void verdict_text(const struct row *row, char *out, size_t size)
{
    if (row->built_in)
        snprintf(out, size, "built-in");
    else if (!row->feed)
        snprintf(out, size, strcmp(row->info->name, SOURCE_USER) ? "imported" : "your own: `ccward lists`");
    else if (row->state.failures)
        snprintf(out, size, "failed %u time%s: %s", row->state.failures, row->state.failures == 1 ? "" : "s",
                 row->state.reason);
    else
        snprintf(out, size, row->info ? "ok" : "not fetched yet");
}

static void add_row(struct list *list, const char *state_dir, const struct feed *feed, const struct source_info *info,
                    bool built_in)
{
    if (list->count == sizeof list->rows / sizeof list->rows[0])
        return;
    struct row *row = &list->rows[list->count++];
    *row = (struct row){.feed = feed, .info = info, .built_in = built_in};
    if (feed)
        feed_state_load(state_dir, feed->name, &row->state);
}

static enum status gather(struct list *list, const char *state_dir, const struct feed *feeds, size_t count,
                          struct fault *fault)
{
    char store_dir[PATH_SIZE];
    int n = snprintf(store_dir, sizeof store_dir, "%s/reputation", state_dir);
    if (n < 0 || (size_t)n >= sizeof store_dir)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    list->store = store_new();
    if (!list->store)
        return fault_set(fault, ST_NOMEM, "can't open the store: %s", status_text(ST_NOMEM));
    enum status st = store_add_directory(list->store, store_dir, &list->damaged, fault);
    if (st == ST_OK)
        st = test_hosts_source(&list->built_in, fault);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < count; i++)
        add_row(list, state_dir, &feeds[i], find_info(list->store, feeds[i].name), false);
    for (size_t i = 0; i < store_source_count(list->store); i++) {
        const struct source_info *info = store_source_info(list->store, i);
        if (!is_configured(info->name, feeds, count))
            add_row(list, state_dir, NULL, info, false);
    }
    add_row(list, state_dir, NULL, source_info(list->built_in), true);
    return ST_OK;
}

static uint64_t row_entries(const struct row *row)
{
    uint64_t sum = 0;
    for (size_t kind = 0; row->info && kind < INDICATOR_KINDS; kind++)
        sum += row->info->counts[kind];
    return sum;
}

/* "3 h" since WALL_MS; "-" for never. */
static void age_text(int64_t wall_ms, char *out, size_t size)
{
    int64_t s = (clock_wall_ms() - wall_ms) / 1000;
    if (!wall_ms)
        snprintf(out, size, "-");
    else if (s < 120)
        snprintf(out, size, "%lld s", (long long)(s > 0 ? s : 0));
    else if (s < 2 * 3600)
        snprintf(out, size, "%lld min", (long long)(s / 60));
    else if (s < 2 * 86400)
        snprintf(out, size, "%lld h", (long long)(s / 3600));
    else
        snprintf(out, size, "%lld d", (long long)(s / 86400));
}

static const char *row_name(const struct row *row)
{
    return row->feed ? row->feed->name : row->info->name;
}

static const char *row_format(const struct row *row)
{
    return row->info ? row->info->format : row->feed->format;
}

static void print_table(const struct list *list, FILE *out)
{
    fprintf(out, "%-24s %-10s %10s %8s %9s  %s\n", "NAME", "FORMAT", "ENTRIES", "AGE", "LAST TRY", "STATE");
    for (size_t i = 0; i < list->count; i++) {
        const struct row *row = &list->rows[i];
        char age[24], last_try[24], verdict[640];
        /* A feed that the server calls unchanged is as young as its last success. */
        int64_t created_ms = row->info && !row->built_in ? row->info->created_ms : 0;
        age_text(row->state.last_success_ms > created_ms ? row->state.last_success_ms : created_ms, age, sizeof age);
        age_text(row->state.last_try_ms, last_try, sizeof last_try);
        verdict_text(row, verdict, sizeof verdict);
        fprintf(out, "%-24s %-10s %10llu %8s %9s  %s\n", row_name(row), row_format(row),
                (unsigned long long)row_entries(row), age, last_try, verdict);
    }
    if (list->damaged)
        fprintf(out, "%u source%s in the store can't be read; the log says why\n", list->damaged,
                list->damaged == 1 ? "" : "s");
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

static json_t *row_json(const struct row *row, const char *state_dir)
{
    const struct source_info none = {0}, *info = row->info ? row->info : &none;
    bool own = !row->feed && !strcmp(info->name, SOURCE_USER);
    const char *kind = row->built_in ? "built-in" : row->feed ? "configured" : own ? "user" : "imported";
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:i, s:s*}", "name", row_name(row), "kind", kind,
        "format", row_format(row), "category", category_text(row->feed ? row->feed->category : info->category),
        "in_store", row->info != NULL, "names", (json_int_t)info->counts[INDICATOR_NAME], "urls",
        (json_int_t)info->counts[INDICATOR_URL], "networks", (json_int_t)info->counts[INDICATOR_NETWORK], "created",
        time_json(row->built_in ? 0 : info->created_ms), "last_try", time_json(row->state.last_try_ms), "last_success",
        time_json(row->state.last_success_ms), "failures", (int)row->state.failures, "reason",
        row->state.reason[0] ? row->state.reason : NULL);
    if (row->feed && json) {
        json_object_set_new(json, "url", json_string(row->feed->url));
        json_object_set_new(json, "due_in_s", json_integer(feed_due_in_s(state_dir, row->feed)));
    }
    return json;
}

static enum status print_json(const struct list *list, const char *state_dir, FILE *out)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(rows, row_json(&list->rows[i], state_dir));
    json_t *all = json_pack("{s:o, s:i}", "feeds", rows, "damaged", (int)list->damaged);
    int failed = all ? json_dumpf(all, out, JSON_INDENT(2)) : -1;
    json_decref(all);
    return failed || fputc('\n', out) == EOF ? ST_IO : ST_OK;
}

enum status feeds_list(const struct feed_site *site, bool json, FILE *out, struct fault *fault)
{
    struct list *list = calloc(1, sizeof *list);
    if (!list)
        return fault_set(fault, ST_NOMEM, "can't list the feeds: %s", status_text(ST_NOMEM));
    enum status st = gather(list, site->state_dir, site->feeds, site->feed_count, fault);
    if (st == ST_OK && json)
        st = print_json(list, site->state_dir, out);
    else if (st == ST_OK)
        print_table(list, out);
    if (fflush(out) && st == ST_OK)
        st = fault_errno(fault, ST_IO, "can't print the list");
    source_close(list->built_in);
    store_free(list->store);
    free(list);
    return st;
}
