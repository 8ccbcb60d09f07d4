#include "feeds/import.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "feeds/entries.h"
#include "feeds/interrupt.h"
#include "feeds/parse.h"
#include "feeds/test_hosts.h"
#include "feeds/window.h"

enum { LOCK_WAIT_MS = 30 * 1000, LOCK_POLL_MS = 50 };

static enum status writer_take(void *writer, const struct indicator *indicator, bool guarded)
{
    return guarded ? ST_OK : source_writer_add(writer, indicator);
}

enum status import_lock(const char *store_dir, int *lock, struct fault *fault)
{
    for (int waited_ms = 0;; waited_ms += LOCK_POLL_MS) {
        struct fault busy = {0};
        enum status st = store_lock(store_dir, lock, &busy);
        if (st != ST_BUSY || waited_ms >= LOCK_WAIT_MS)
            return st == ST_OK ? ST_OK : fault_set(fault, st, "%s", busy.text);
        if (interrupted())
            return fault_set(fault, ST_CLOSED, "interrupted");
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
    }
}

/* Nobody else publishes between reading what is in force and replacing it. */
static enum status publish(const char *store_dir, const struct feed *feed, struct guard_set *guards,
                           struct source_writer *writer, struct feed_report *report, struct fault *fault)
{
    int lock;
    enum status st = import_lock(store_dir, &lock, fault);
    if (st != ST_OK)
        return st;
    if (feed->retain == FEED_RETAIN_WINDOW)
        st = window_carry(store_dir, feed, guards, writer, report->carried, fault);
    if (st == ST_OK)
        st = source_writer_publish(writer, store_dir, &report->unchanged, &report->source, fault);
    store_unlock(lock);
    return st;
}

/* Of DISTINCT those that are carried were not in the list. */
static void count_distinct(struct feed_report *report, const uint64_t distinct[INDICATOR_KINDS])
{
    for (size_t kind = 0; kind < INDICATOR_KINDS; kind++) {
        uint64_t listed = distinct[kind] - report->carried[kind];
        if (report->entries[kind] > listed)
            report->duplicates += report->entries[kind] - listed;
        report->entries[kind] = listed;
    }
}

enum status feed_name_check(const char *name, struct fault *fault)
{
    if (!source_name_valid(str_of(name)))
        return fault_set(fault, ST_INVALID, "'%s' is no name for a feed: use a-z, 0-9, '.', '_' and '-'", name);
    if (str_eq(str_of(name), STR(TEST_HOSTS_NAME)))
        return fault_set(fault, ST_INVALID, "'%s' is the name of a built-in source", name);
    if (str_eq(str_of(name), STR(SOURCE_USER)))
        return fault_set(fault, ST_INVALID, "'%s' is the name of the source of your own entries", name);
    if (str_eq(str_of(name), STR(SOURCE_USER)))
        return fault_set(fault, ST_INVALID, "'%s' is the name of your own entries: see `ccward allow --help`", name);
    return ST_OK;
}

static enum status store_dir_of(const struct feed_site *site, char out[PATH_MAX], struct fault *fault)
{
    int n = snprintf(out, PATH_MAX, "%s/reputation", site->state_dir);
    return n > 0 && n < PATH_MAX ? ST_OK : fault_set(fault, ST_TOO_LARGE, "the state directory's path is too long");
}

enum status import_fd(const struct feed_site *site, int fd, const char *name, const char *origin,
                      const struct feed *feed, bool progress, const struct import_gate *gate,
                      struct feed_report *report, struct fault *fault)
{
    struct source_writer *writer = NULL;
    struct guard_set *guards = NULL;
    char store_dir[PATH_MAX];
    *report = (struct feed_report){0};
    enum status st = feed_name_check(feed->name, fault);
    if (st == ST_OK)
        st = store_dir_of(site, store_dir, fault);
    if (st == ST_OK && guard_set_is_for(feed->use))
        st = guard_set_new(site, &guards, fault);
    if (st != ST_OK)
        return st;
    struct source_writer_settings settings = {
        .name = feed->name, .format = feed->format, .category = feed->category, .origin = origin};
    st = source_writer_new(&settings, &writer);
    if (st != ST_OK) {
        guard_set_free(guards);
        return fault_set(fault, st, "can't write a source: %s", status_text(st));
    }
    struct feed_sink sink = {.take = writer_take, .user = writer, .guards = guards};
    st = parse_fd(fd, name, feed, progress, &sink, report, fault);
    report->guards = guards ? guard_set_fingerprint(guards) : 0;
    if (st == ST_OK && gate)
        st = gate->ask(gate->user, report, fault);
    if (st == ST_OK)
        st = publish(store_dir, feed, guards, writer, report, fault);
    if (st == ST_OK)
        count_distinct(report, report->source.counts);
    source_writer_free(writer);
    guard_set_free(guards);
    return st;
}

enum status feed_dump_kind(struct str word, enum feed_dump *dump)
{
    static const struct {
        struct str word;
        enum feed_dump dump;
    } words[] = {
        {{"names", 5}, FEED_DUMP_NAMES},
        {{"exact-names", 11}, FEED_DUMP_EXACT_NAMES},
        {{"below-names", 11}, FEED_DUMP_BELOW_NAMES},
        {{"typed-names", 11}, FEED_DUMP_TYPED_NAMES},
        {{"allow-names", 11}, FEED_DUMP_ALLOW_NAMES},
        {{"urls", 4}, FEED_DUMP_URLS},
        {{"ips", 3}, FEED_DUMP_IPS},
        {{"cidrs", 5}, FEED_DUMP_CIDRS},
        {{"ip-ports", 8}, FEED_DUMP_IP_PORTS},
        {{"allow-ips", 9}, FEED_DUMP_ALLOW_IPS},
        {{"allow-cidrs", 11}, FEED_DUMP_ALLOW_CIDRS},
        {{"client-cidrs", 12}, FEED_DUMP_CLIENT_CIDRS},
        {{"ns-names", 8}, FEED_DUMP_NS_NAMES},
        {{"ns-cidrs", 8}, FEED_DUMP_NS_CIDRS},
        {{"host-ports", 10}, FEED_DUMP_HOST_PORTS},
        {{"paths", 5}, FEED_DUMP_PATHS},
        {{"rules", 5}, FEED_DUMP_RULES},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(word, words[i].word)) {
            *dump = words[i].dump;
            return ST_OK;
        }
    return ST_INVALID;
}

enum status feed_try(const struct feed_site *site, const char *path, const struct feed *feed, bool progress,
                     enum feed_dump dump, FILE *out, struct feed_report *report, struct fault *fault)
{
    static const enum indicator_kind kind_of[FEED_DUMP_KINDS] = {
        [FEED_DUMP_NAMES] = INDICATOR_NAME,          [FEED_DUMP_EXACT_NAMES] = INDICATOR_NAME,
        [FEED_DUMP_BELOW_NAMES] = INDICATOR_NAME,    [FEED_DUMP_TYPED_NAMES] = INDICATOR_NAME,
        [FEED_DUMP_ALLOW_NAMES] = INDICATOR_NAME,    [FEED_DUMP_URLS] = INDICATOR_URL,
        [FEED_DUMP_IPS] = INDICATOR_NETWORK,         [FEED_DUMP_CIDRS] = INDICATOR_NETWORK,
        [FEED_DUMP_IP_PORTS] = INDICATOR_NETWORK,    [FEED_DUMP_ALLOW_IPS] = INDICATOR_NETWORK,
        [FEED_DUMP_ALLOW_CIDRS] = INDICATOR_NETWORK, [FEED_DUMP_CLIENT_CIDRS] = INDICATOR_NETWORK,
        [FEED_DUMP_NS_NAMES] = INDICATOR_NAME,       [FEED_DUMP_NS_CIDRS] = INDICATOR_NETWORK,
    };
    struct entries entries = {0};
    struct feed_sink sink = {.take = entries_take, .user = &entries, .aside = entries_aside};
    uint64_t distinct[INDICATOR_KINDS] = {0};
    enum status st = ST_OK;
    *report = (struct feed_report){0};
    if (site && guard_set_is_for(feed->use))
        st = guard_set_new(site, &sink.guards, fault);
    if (st == ST_OK)
        st = feed_parse(path, feed, progress, &sink, report, fault);
    for (enum feed_dump kind = FEED_DUMP_NONE + 1; kind < FEED_DUMP_KINDS; kind++) {
        uint64_t count;
        enum status sorted = entries_sort(&entries, kind, kind == dump ? out : NULL, &count);
        if (sorted != ST_OK && st == ST_OK)
            st = fault_set(fault, sorted, "can't dump the entries: %s", status_text(sorted));
        if (kind < FEED_DUMP_HOST_PORTS)
            distinct[kind_of[kind]] += count;
    }
    count_distinct(report, distinct);
    entries_fini(&entries);
    guard_set_free(sink.guards);
    return st;
}
