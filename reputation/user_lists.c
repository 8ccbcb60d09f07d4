#include "reputation/user_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { ARENA_BYTES = 512 << 20 };

struct user_lists {
    struct arena *arena; /* entries and their texts, also those that were replaced */
    struct user_entry **entries;
    size_t count, capacity;
};

const char *user_verb_text(enum user_verb verb)
{
    return verb == USER_ALLOW ? "allow" : "deny";
}

struct user_lists *user_lists_new(void)
{
    struct user_lists *lists = calloc(1, sizeof *lists);
    if (lists && !(lists->arena = arena_new(ARENA_BYTES))) {
        free(lists);
        return NULL;
    }
    return lists;
}

void user_lists_free(struct user_lists *lists)
{
    if (!lists)
        return;
    arena_free(lists->arena);
    free(lists->entries);
    free(lists);
}

size_t user_lists_count(const struct user_lists *lists)
{
    return lists->count;
}

const struct user_entry *user_lists_at(const struct user_lists *lists, size_t index)
{
    return lists->entries[index];
}

/* Where the entry is, or would be. */
static bool locate(const struct user_lists *lists, const char *subject, const char *group, size_t *index)
{
    size_t low = 0, high = lists->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct user_entry *entry = lists->entries[middle];
        int order = strcmp(entry->subject, subject);
        if (!order)
            order = strcmp(entry->group, group);
        if (!order) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

const struct user_entry *user_lists_find(const struct user_lists *lists, const char *subject, const char *group)
{
    size_t index;
    return locate(lists, subject, group, &index) ? lists->entries[index] : NULL;
}

static enum status make_room(struct user_lists *lists)
{
    if (lists->count < lists->capacity)
        return ST_OK;
    size_t capacity = lists->capacity ? lists->capacity * 2 : 64;
    struct user_entry **entries = reallocarray(lists->entries, capacity, sizeof *entries);
    if (!entries)
        return ST_NOMEM;
    lists->entries = entries;
    lists->capacity = capacity;
    return ST_OK;
}

static bool is_plain(const char *text, size_t max_bytes)
{
    char same[4 * USER_NOTE_MAX + 1];
    if (strlen(text) > max_bytes)
        return false;
    text_printable(same, sizeof same, str_of(text));
    return !strcmp(same, text);
}

static const char *keep_text(struct user_lists *lists, const char *text)
{
    return *text ? arena_copy(lists->arena, text, strlen(text)) : "";
}

static struct user_entry *copy_entry(struct user_lists *lists, const struct user_entry *entry)
{
    struct user_entry *copy = arena_alloc(lists->arena, sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *entry;
    copy->subject = keep_text(lists, entry->subject);
    copy->group = keep_text(lists, entry->group);
    copy->note = keep_text(lists, entry->note);
    return copy->subject && copy->group && copy->note ? copy : NULL;
}

enum status user_lists_put(struct user_lists *lists, const struct user_entry *entry, const struct user_entry **replaced,
                           struct fault *fault)
{
    size_t index;
    if (!is_plain(entry->note, USER_NOTE_MAX))
        return fault_set(fault, ST_INVALID, "a note has at most %d bytes of UTF-8 without control characters",
                         USER_NOTE_MAX);
    if (!is_plain(entry->group, USER_GROUP_MAX))
        return fault_set(fault, ST_INVALID, "there is no such group");
    bool found = locate(lists, entry->subject, entry->group, &index);
    *replaced = found ? lists->entries[index] : NULL;
    if (!found && lists->count == USER_LISTS_MAX)
        return fault_set(fault, ST_TOO_LARGE,
                         "there are %d entries already; longer lists are feeds: `ccward feeds import`", USER_LISTS_MAX);
    struct user_entry *copy = make_room(lists) == ST_OK ? copy_entry(lists, entry) : NULL;
    if (!copy)
        return fault_set(fault, ST_NOMEM, "out of memory");
    if (!found) {
        memmove(lists->entries + index + 1, lists->entries + index, (lists->count - index) * sizeof copy);
        lists->count++;
    }
    lists->entries[index] = copy;
    return ST_OK;
}

bool user_lists_remove(struct user_lists *lists, const char *subject, const char *group)
{
    size_t index;
    if (!locate(lists, subject, group, &index))
        return false;
    lists->count--;
    memmove(lists->entries + index, lists->entries + index + 1, (lists->count - index) * sizeof(struct user_entry *));
    return true;
}

void user_lists_prune(struct user_lists *lists, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < lists->count; i++)
        if (!lists->entries[i]->expires_s || lists->entries[i]->expires_s > now_s)
            lists->entries[kept++] = lists->entries[i];
    lists->count = kept;
}

static uint32_t seconds(int64_t since_1970)
{
    return since_1970 < 0 ? 0 : since_1970 > UINT32_MAX ? UINT32_MAX : (uint32_t)since_1970;
}

static enum status add_entry(const struct user_entry *entry, struct source_writer *writer, struct fault *fault)
{
    struct user_subject subject;
    char url[USER_SUBJECT_SIZE + 8];
    enum status status = user_subject_parse(str_of(entry->subject), &subject, fault);
    if (status != ST_OK)
        return status;
    struct indicator indicator = user_subject_indicator(&subject, url);
    struct record *record = &indicator.record;
    record->category = entry->category;
    record->risk = RISK_MEDIUM; /* nobody said */
    record->flags |= (uint8_t)((entry->verb == USER_ALLOW ? RECORD_ALLOW : 0) | (entry->log_only ? RECORD_LOG : 0));
    record->first_seen = seconds(entry->created_s);
    record->expires = seconds(entry->expires_s);
    record->reference = str_of(entry->note);
    record->group = str_of(entry->group);
    status = source_writer_add(writer, &indicator);
    return status == ST_OK ? ST_OK : fault_set(fault, status, "%s: %s", entry->subject, status_text(status));
}

enum status user_lists_add_to(const struct user_lists *lists, struct source_writer *writer, struct fault *fault)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < lists->count; i++)
        status = add_entry(lists->entries[i], writer, fault);
    return status;
}
