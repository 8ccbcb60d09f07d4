/* `feeds list`: what is configured, what is in the store, and how each fares. */
#include "feeds/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "feeds/report.h"

enum { PATH_SIZE = 4096, DEAD_INTERVALS = 3, DEAD_MIN_S = 86400 };

static const struct source_info *find_info(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store_source_count(store); i++)
        if (!strcmp(store_source_info(store, i)->name, name))
            return store_source_info(store, i);
    return NULL;
}

static const char *find_damage(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store_damage_count(store); i++)
        if (!strcmp(store_damage_at(store, i)->name, name))
            return store_damage_at(store, i)->why.text;
    return NULL;
}

static void add_row(struct list *list, const struct feed *feed, const struct source_info *info, bool built_in)
{
    if (list->count == sizeof list->rows / sizeof list->rows[0])
        return;
    struct list_row *row = &list->rows[list->count++];
    *row = (struct list_row){.feed = feed, .info = info, .built_in = built_in};
    if (built_in)
        return;
    row->damage = find_damage(list->store, list_row_name(row));
    feed_state_load(list->state_dir, list_row_name(row), &row->state);
}

static enum status gather(struct list *list, const struct feed_site *site, struct fault *fault)
{
    char store_dir[PATH_SIZE];
    int n = snprintf(store_dir, sizeof store_dir, "%s/reputation", site->state_dir);
    if (n < 0 || (size_t)n >= sizeof store_dir)
        return fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
    list->state_dir = site->state_dir;
    list->store = store_new();
    if (!list->store)
        return fault_set(fault, ST_NOMEM, "can't open the store: %s", status_text(ST_NOMEM));
    enum status st = store_add_directory(list->store, store_dir, &list->damaged, fault);
    if (st == ST_OK)
        st = test_hosts_source(&list->built_in, fault);
    if (st != ST_OK)
        return st;
    for (size_t i = 0; i < site->feed_count; i++)
        add_row(list, &site->feeds[i], find_info(list->store, site->feeds[i].name), false);
    for (size_t i = 0; i < store_source_count(list->store); i++) {
        const struct source_info *info = store_source_info(list->store, i);
        if (!feed_find(site, info->name))
            add_row(list, NULL, info, false);
    }
    add_row(list, NULL, source_info(list->built_in), true);
    return ST_OK;
}

const char *list_row_name(const struct list_row *row)
{
    return row->feed ? row->feed->name : row->info->name;
}

const char *list_row_kind(const struct list_row *row)
{
    if (row->built_in)
        return "built-in";
    return row->feed ? "configured" : strcmp(row->info->name, SOURCE_USER) ? "imported" : "user";
}

uint64_t list_row_entries(const struct list_row *row)
{
    uint64_t sum = 0;
    for (size_t kind = 0; row->info && kind < INDICATOR_KINDS; kind++)
        sum += row->info->counts[kind];
    return sum;
}

/* How long ago WALL_MS is, where that is too long; 0: it is not, or never was. */
static int64_t dead_for_s(const struct list_row *row, int64_t wall_ms)
{
    int64_t interval_s = row->feed->interval_s, age_s = (clock_wall_ms() - wall_ms) / 1000;
    if (row->state.zone.known && row->state.zone.refresh_s > interval_s)
        interval_s = row->state.zone.refresh_s;
    int64_t limit_s = interval_s * DEAD_INTERVALS > DEAD_MIN_S ? interval_s * DEAD_INTERVALS : DEAD_MIN_S;
    return wall_ms && age_s > limit_s ? age_s : 0;
}

size_t list_row_warnings(const struct list_row *row, char out[LIST_WARNINGS][LIST_WARNING_SIZE])
{
    char span[CLOCK_SPAN_SIZE];
    size_t count = 0;
    if (row->state.report.notice[0])
        snprintf(out[count++], LIST_WARNING_SIZE, "the list says: %s", row->state.report.notice);
    if (row->damage)
        snprintf(out[count++], LIST_WARNING_SIZE,
                 "its newest generation is damaged; `ccward feeds rebuild %s` mends it", list_row_name(row));
    int64_t success_s = row->feed ? dead_for_s(row, row->state.last_success_ms) : 0;
    int64_t change_s = row->feed ? dead_for_s(row, row->state.last_change_ms) : 0;
    if (success_s) {
        clock_format_span(success_s, span);
        snprintf(out[count++], LIST_WARNING_SIZE, "last fetched %s ago: it may be dead", span);
    } else if (change_s) {
        clock_format_span(change_s, span);
        snprintf(out[count++], LIST_WARNING_SIZE, "it has not changed for %s: it may be dead", span);
    }
    return count;
}

static enum status print_one(const struct list *list, const char *name, bool json, FILE *out, struct fault *fault)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list_row_name(&list->rows[i]), name))
            continue;
        if (json)
            return list_print_json(list, i, i + 1, out);
        list_print_details(list, &list->rows[i], out);
        return ST_OK;
    }
    return fault_set(fault, ST_NOT_FOUND, "there is no feed and no source '%s'; `ccward feeds list` shows them", name);
}

enum status feeds_list(const struct feed_site *site, const char *name, bool json, FILE *out, struct fault *fault)
{
    struct list *list = calloc(1, sizeof *list);
    if (!list)
        return fault_set(fault, ST_NOMEM, "can't list the feeds: %s", status_text(ST_NOMEM));
    enum status st = gather(list, site, fault);
    if (st == ST_OK && name)
        st = print_one(list, name, json, out, fault);
    else if (st == ST_OK && json)
        st = list_print_json(list, 0, list->count, out);
    else if (st == ST_OK)
        list_print_table(list, out);
    if (fflush(out) && st == ST_OK)
        st = fault_errno(fault, ST_IO, "can't print the list");
    source_close(list->built_in);
    store_free(list->store);
    free(list);
    return st;
}
