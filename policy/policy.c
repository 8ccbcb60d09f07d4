#include "policy/policy_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static int find_source(const struct store *store, const char *name)
{
    for (size_t i = 0; i < store_source_count(store); i++)
        if (!strcmp(store_source_info(store, i)->name, name))
            return (int)i;
    return -1;
}

/* In the order of the store, also those that SETTINGS say nothing of. */
static enum status copy_sources(const struct policy_settings *settings, struct policy *policy)
{
    size_t count = store_source_count(policy->store);
    policy->sources = calloc(count + 1, sizeof *policy->sources);
    policy->marks = calloc(count + 1, sizeof *policy->marks);
    if (!policy->sources || !policy->marks)
        return ST_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *name = store_source_info(policy->store, i)->name;
        policy->marks[i] = (struct mark){XXH3_64bits(name, strlen(name)), UINT_MAX};
    }
    for (size_t i = 0; i < settings->source_count; i++) {
        int index = find_source(policy->store, settings->sources[i].name);
        if (index < 0)
            continue;
        policy->sources[index] = settings->sources[i];
        policy->marks[index].rank = (unsigned)i;
    }
    policy->settings.sources = policy->sources;
    policy->settings.source_count = count;
    return ST_OK;
}

static enum status copy_groups(const struct policy_settings *from, struct policy *policy)
{
    size_t networks = 0, used = 0;
    for (size_t i = 0; i < from->group_count; i++)
        networks += from->groups[i].client_count;
    policy->groups = calloc(from->group_count + 1, sizeof *policy->groups);
    policy->networks = calloc(networks + 1, sizeof *policy->networks);
    if (!policy->groups || !policy->networks)
        return ST_NOMEM;
    for (size_t i = 0; i < from->group_count; i++) {
        policy->groups[i] = from->groups[i];
        policy->groups[i].clients = policy->networks + used;
        for (size_t k = 0; k < from->groups[i].client_count; k++)
            policy->networks[used++] = from->groups[i].clients[k];
    }
    policy->settings = *from;
    policy->settings.groups = policy->groups;
    return ST_OK;
}

enum status policy_new_own(const struct policy_settings *settings, struct store *store, struct policy **out)
{
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy) {
        store_free(store);
        return ST_NOMEM;
    }
    atomic_init(&policy->references, 1);
    policy->store = store;
    policy->user_source = find_source(store, SOURCE_USER);
    enum status status = copy_groups(settings, policy);
    if (status == ST_OK)
        status = copy_sources(settings, policy);
    if (status != ST_OK) {
        policy_unref(policy);
        return status;
    }
    *out = policy;
    return ST_OK;
}

struct policy *policy_ref(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void policy_unref(struct policy *policy)
{
    if (!policy || atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    store_free(policy->store);
    free(policy->groups);
    free(policy->networks);
    free(policy->sources);
    free(policy->marks);
    free(policy);
}

const struct store *policy_store(const struct policy *policy)
{
    return policy->store;
}

enum status policy_reader_new(struct policy *policy, struct policy_reader **out)
{
    struct policy_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ST_NOMEM;
    enum status status = store_reader_new(policy->store, &reader->store);
    if (status != ST_OK) {
        free(reader);
        return status;
    }
    reader->policy = policy_ref(policy);
    *out = reader;
    return ST_OK;
}

void policy_reader_free(struct policy_reader *reader)
{
    if (!reader)
        return;
    store_reader_free(reader->store);
    policy_unref(reader->policy);
    free(reader);
}

const struct policy_group *policy_group_of(const struct policy *policy, const struct addr *client)
{
    for (size_t i = 0; i < policy->settings.group_count; i++)
        for (size_t k = 0; k < policy->groups[i].client_count; k++)
            if (network_contains(&policy->groups[i].clients[k], client))
                return &policy->groups[i];
    return &policy->settings.default_group;
}

enum part_mode policy_mode_of(const struct policy_group *group, enum look look)
{
    switch (look) {
    case LOOK_URL:
        return group->urls;
    case LOOK_NAME:
    case LOOK_CLIENT:
        return group->names;
    default:
        return group->addresses;
    }
}

bool policy_has_trigger(const struct policy_reader *reader, enum record_trigger trigger)
{
    return store_has_trigger(reader->store, trigger);
}

struct str policy_data(const struct policy_reader *reader)
{
    return (struct str){reader->data, reader->data_length};
}

const struct policy_source *policy_source(const struct policy *policy, size_t index)
{
    return &policy->sources[index];
}

const char *policy_group_name(const struct policy *policy, const struct addr *client)
{
    return policy_group_of(policy, client)->name;
}
