#include "daemon/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "config/site.h"

static enum status open_store(const struct config *config, const struct policy *previous, struct store **store,
                              struct snapshot_facts *facts, struct fault *fault)
{
    struct store *made = previous ? store_new_after(policy_store(previous)) : store_new();
    if (!made)
        return fault_set(fault, ST_NOMEM, "out of memory");
    struct source *built_in = NULL;
    enum status status = test_hosts_source(&built_in, fault);
    if (status == ST_OK)
        status = store_add_own(made, built_in);
    if (status == ST_OK)
        status = store_add_directory(made, store_dir(config), &facts->damaged, &facts->why);
    if (status == ST_OK && previous) /* the first one is to answer soon rather than fast */
        status = store_prepare(made);
    if (status != ST_OK) {
        store_free(made);
        return fault_set(fault, status, "the store in %s cannot be opened: %s", store_dir(config),
                         facts->why.text[0] ? facts->why.text : status_text(status));
    }
    if (store_damage_count(made)) {
        const struct store_damage *first = store_damage_at(made, 0);
        fault_set(&facts->why, ST_CORRUPT, "%s: %s", first->name, first->why.text);
    }
    *store = made;
    return ST_OK;
}

static struct policy_group group_of_config(const struct config_group *from)
{
    struct policy_group group = {.clients = from->clients.items,
                                 .client_count = from->clients.count,
                                 .names = (enum part_mode)from->names,
                                 .urls = (enum part_mode)from->urls,
                                 .addresses = (enum part_mode)from->addresses,
                                 .answer = (uint8_t)from->block_answer};
    text_copy(group.name, sizeof group.name, str_of(from->name));
    return group;
}

static void count_facts(const struct store *store, struct snapshot_facts *facts)
{
    facts->sources = store_source_count(store);
    for (size_t i = 0; i < facts->sources; i++)
        for (size_t kind = 0; kind < INDICATOR_KINDS; kind++)
            facts->counts[kind] += store_source_info(store, i)->counts[kind];
}

static struct policy_source source_of_config(const struct config_feed *feed)
{
    static const enum source_use uses[] = {[FEED_BLOCKS] = SOURCE_BLOCKS,
                                           [FEED_MONITORS] = SOURCE_MONITORS,
                                           [FEED_EXEMPTS] = SOURCE_EXEMPTS,
                                           [FEED_GUARDS] = SOURCE_GUARDS};
    struct policy_source source = {.use = uses[feed->action],
                                   .min_names = (unsigned)feed->min_feeds,
                                   .min_addresses = (unsigned)feed->min_feeds_addresses,
                                   .given = feed->zone_answer};
    text_copy(source.name, sizeof source.name, str_of(feed->name));
    return source;
}

enum status snapshot_build(const struct config *config, const struct policy *previous, struct policy **policy,
                           struct snapshot_facts *facts, struct fault *fault)
{
    *facts = (struct snapshot_facts){0};
    struct policy_settings settings = {
        .default_group = {.name = "default", .names = PART_BLOCK, .urls = PART_BLOCK, .addresses = PART_LOG}};
    struct policy_group *groups = calloc(config->group_count + 1, sizeof *groups);
    struct policy_source *sources = calloc(config->feed_count + 1, sizeof *sources);
    if (!groups || !sources) {
        free(groups);
        free(sources);
        return fault_set(fault, ST_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < config->feed_count; i++)
        sources[settings.source_count++] = source_of_config(&config->feeds[i]);
    sources[settings.source_count++] = (struct policy_source){.name = "test-hosts", .use = SOURCE_BUILT_IN};
    settings.sources = sources;
    for (size_t i = 0; i < config->group_count; i++) {
        struct policy_group group = group_of_config(&config->groups[i]);
        if (!strcmp(group.name, "default"))
            settings.default_group = group;
        else
            groups[settings.group_count++] = group;
    }
    settings.groups = groups;
    for (int i = 0; i < CATEGORY_COUNT; i++)
        settings.categories[i] = (enum action)config->categories[i];

    struct store *store = NULL;
    enum status status = open_store(config, previous, &store, facts, fault);
    if (status == ST_OK) {
        count_facts(store, facts);
        status = policy_new_own(&settings, store, policy);
    }
    free(groups);
    free(sources);
    return status;
}
