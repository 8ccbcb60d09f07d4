#include "feeds/zone_changes.h"

#include <stdlib.h>
#include <unistd.h>

#include "feeds/lines.h"

struct zone_change {
    size_t offset, length; /* of the line in the text */
    size_t order;          /* in which it came */
    bool added;            /* else taken away */

    /* Of the first of all changes of one record, once they are folded: */
    bool was; /* in the old zone */
    bool is;  /* in the new one */
    bool seen;
};

void zone_changes_free(struct zone_changes *changes)
{
    buf_free(&changes->text);
    free(changes->items);
    *changes = (struct zone_changes){0};
}

enum status zone_changes_add(struct zone_changes *changes, bool added, struct str line)
{
    if (changes->count == ZONE_CHANGES_MAX || line.length > ZONE_CHANGES_MAX_BYTES - changes->text.length)
        return ST_TOO_LARGE;
    if (changes->count == changes->capacity) {
        size_t capacity = changes->capacity ? changes->capacity * 2 : 64;
        struct zone_change *items = reallocarray(changes->items, capacity, sizeof *items);
        if (!items)
            return ST_NOMEM;
        changes->items = items;
        changes->capacity = capacity;
    }
    changes->items[changes->count] =
        (struct zone_change){changes->text.length, line.length, changes->count, .added = added};
    buf_add(&changes->text, line.data, line.length);
    if (changes->text.failed)
        return ST_NOMEM;
    changes->count++;
    return ST_OK;
}

static struct str line_of(const struct zone_changes *changes, const struct zone_change *change)
{
    return (struct str){changes->text.data + change->offset, change->length};
}

static int by_record(const void *a, const void *b, void *changes)
{
    const struct zone_change *one = a, *two = b;
    int order = zone_text_compare(line_of(changes, one), line_of(changes, two));
    return order ? order : (one->order > two->order) - (one->order < two->order);
}

/* Makes one change of all that concern one record. False: they contradict each other. */
static bool fold(struct zone_changes *changes)
{
    size_t kept = 0;
    if (!changes->count) /* there is no array yet */
        return true;
    qsort_r(changes->items, changes->count, sizeof changes->items[0], by_record, changes);
    for (size_t i = 0; i < changes->count; i++) {
        struct zone_change *change = &changes->items[i], *first = kept ? &changes->items[kept - 1] : NULL;
        bool same = first && !zone_text_compare(line_of(changes, first), line_of(changes, change));
        if (!same) {
            changes->items[kept] = *change;
            first = &changes->items[kept++];
            first->was = !first->added;
        } else if (first->is == change->added) {
            return false;
        }
        first->is = change->added;
        first->offset = change->offset; /* the line as it is in the end, with its TTL */
        first->length = change->length;
    }
    changes->count = kept;
    return true;
}

static struct zone_change *find(struct zone_changes *changes, struct str line)
{
    size_t from = 0, to = changes->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = zone_text_compare(line, line_of(changes, &changes->items[middle]));
        if (!order)
            return &changes->items[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

static enum status misfit(struct str line, const char *what, struct fault *fault)
{
    char shown[120];
    text_printable(shown, sizeof shown, line);
    return fault_set(fault, ST_UNSUPPORTED, "the primary's differences do not fit the zone that we have: '%s' %s",
                     shown, what);
}

/* What stays of the old zone, but for its SOA. */
static enum status copy_rest(struct zone_changes *changes, struct lines *lines, struct zone_file *file,
                             struct fault *fault)
{
    struct str line;
    bool first = true;
    for (;;) {
        enum line got = lines_next(lines, &line);
        if (got == LINE_END)
            return ST_OK;
        if (got == LINE_FAILED)
            return lines_failure(lines, "the last good zone", fault);
        if (got == LINE_TOO_LONG)
            return misfit(line, "is too long", fault);
        struct zone_change *change = first ? NULL : find(changes, line);
        if (change && !change->was)
            return misfit(line, "is added and there already", fault);
        if (change)
            change->seen = true;
        enum status st = first || change ? ST_OK : zone_file_add(file, line, fault);
        if (st != ST_OK)
            return st;
        first = false;
    }
}

static enum status write_new(struct zone_changes *changes, struct zone_file *file, struct fault *fault)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct zone_change *change = &changes->items[i];
        struct str line = line_of(changes, change);
        if (change->was && !change->seen)
            return misfit(line, "is taken away and not there", fault);
        enum status st = change->is ? zone_file_add(file, line, fault) : ST_OK;
        if (st != ST_OK)
            return st;
    }
    return zone_file_flush(file, fault);
}

enum status zone_changes_apply(struct zone_changes *changes, int old_fd, struct str soa, struct zone_file *file,
                               struct fault *fault)
{
    struct lines lines;
    if (!fold(changes))
        return fault_set(fault, ST_UNSUPPORTED, "the primary's differences contradict each other");
    if (lseek(old_fd, 0, SEEK_SET))
        return fault_errno(fault, ST_IO, "can't read the last good zone");
    enum status st = lines_init(&lines, old_fd);
    if (st == ST_OK)
        st = zone_file_add(file, soa, fault);
    else
        st = lines_failure(&lines, "the last good zone", fault);
    if (st == ST_OK)
        st = copy_rest(changes, &lines, file, fault);
    lines_fini(&lines);
    return st == ST_OK ? write_new(changes, file, fault) : st;
}
