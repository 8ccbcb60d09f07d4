#include "tests/replay/replay_policy.h"

#include <stdlib.h>

#include "base/check.h"

enum { MAX_ENTRIES = 64, MAX_CALLBACKS = 64, FAMILY_SIZE = 32 };

struct entry {
    struct indicator indicator;
    char family[FAMILY_SIZE];
    char types[2];
};

struct replay_policy {
    struct entry entries[MAX_ENTRIES];
    size_t count;
    struct policy_settings settings;
    struct policy_source sources[2];
    replay_fill_fn *fill; /* NULL: no zone */
    void *fill_arg;
    struct policy_reader *reader;
};

static struct callback callbacks[MAX_CALLBACKS];
static size_t callbacks_taken, callback_count;

void recorder_record(struct recorder *recorder, const struct callback *callback)
{
    (void)recorder;
    if (callback_count < MAX_CALLBACKS)
        callbacks[callback_count++] = *callback;
}

const struct callback *replay_take_callback(void)
{
    if (callbacks_taken < callback_count)
        return &callbacks[callbacks_taken++];
    callbacks_taken = callback_count = 0;
    return NULL;
}

struct replay_policy *replay_policy_new(void)
{
    struct replay_policy *policy = calloc(1, sizeof *policy);
    CHECK(policy);
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        policy->settings.categories[i] = ACTION_BLOCK;
    policy->settings.default_group =
        (struct policy_group){.name = "all", .names = PART_BLOCK, .urls = PART_BLOCK, .addresses = PART_LOG};
    policy->sources[0] = (struct policy_source){.name = "replay"};
    policy->sources[1] = (struct policy_source){.name = "zone"};
    policy->settings.sources = policy->sources;
    policy->settings.source_count = 2;
    return policy;
}

void replay_policy_free(struct replay_policy *policy)
{
    policy_reader_free(policy->reader);
    free(policy);
}

bool replay_policy_add(struct replay_policy *policy, struct str text, enum category category, unsigned flags,
                       struct str family)
{
    if (policy->count == MAX_ENTRIES)
        return false;
    struct entry *entry = &policy->entries[policy->count];
    *entry = (struct entry){0};
    struct indicator *indicator = &entry->indicator;
    indicator->record.category = category;
    indicator->record.risk = RISK_HIGH;
    indicator->record.flags = (uint8_t)flags;
    text_copy(entry->family, sizeof entry->family, family);
    indicator->record.family = str_of(entry->family);
    if (network_parse(text, &indicator->network) == ST_OK)
        indicator->kind = INDICATOR_NETWORK;
    else if (dname_from_text(text, &indicator->name) == ST_OK)
        indicator->kind = INDICATOR_NAME;
    else
        return false;
    policy->count++;
    return true;
}

bool replay_policy_limit(struct replay_policy *policy, uint16_t type, bool except)
{
    if (!policy->count)
        return false;
    struct entry *entry = &policy->entries[policy->count - 1];
    entry->types[0] = (char)(type >> 8);
    entry->types[1] = (char)(type & 255);
    entry->indicator.record.types = (struct str){entry->types, sizeof entry->types};
    entry->indicator.record.flags |= except ? RECORD_TYPES_EXCEPT : 0;
    return true;
}

void replay_policy_clear(struct replay_policy *policy)
{
    policy->count = 0;
}

void replay_policy_set_category(struct replay_policy *policy, enum category category, enum action action)
{
    policy->settings.categories[category] = action;
}

void replay_policy_set_answer(struct replay_policy *policy, uint8_t answer)
{
    policy->settings.default_group.answer = answer;
}

void replay_policy_set_addresses(struct replay_policy *policy, enum part_mode mode)
{
    policy->settings.default_group.addresses = mode;
}

void replay_policy_set_zone(struct replay_policy *policy, bool given, replay_fill_fn *fill, void *arg)
{
    policy->sources[1].given = given;
    policy->fill = fill;
    policy->fill_arg = arg;
}

static void fill_entries(void *arg, struct source_writer *writer)
{
    const struct replay_policy *policy = arg;
    for (size_t i = 0; i < policy->count; i++)
        CHECK(source_writer_add(writer, &policy->entries[i].indicator) == ST_OK);
}

static void add_source(struct store *store, const char *name, replay_fill_fn *fill, void *arg)
{
    struct source_writer_settings settings = {.name = name, .format = "none"};
    struct source_writer *writer;
    struct source *source;
    struct fault fault = {{0}};
    CHECK(source_writer_new(&settings, &writer) == ST_OK);
    fill(arg, writer);
    CHECK(source_writer_finish_memory(writer, &source, &fault) == ST_OK);
    source_writer_free(writer);
    CHECK(store_add_own(store, source) == ST_OK);
}

void replay_policy_apply(struct replay_policy *from, struct judge *judge)
{
    struct store *store = store_new();
    struct policy *policy;
    CHECK(store);
    add_source(store, "replay", fill_entries, from);
    if (from->fill)
        add_source(store, "zone", from->fill, from->fill_arg);
    CHECK(policy_new_own(&from->settings, store, &policy) == ST_OK);
    policy_reader_free(from->reader);
    CHECK(policy_reader_new(policy, &from->reader) == ST_OK);
    policy_unref(policy);
    judge->policy = from->reader;
}
