#include "dnsfilter/dns_name_table.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/check.h"

enum { LEAST_SLOTS = 64, SLOTS_PER_ENTRY = 4 /* so that a name which is not there meets a free one at once */ };

void name_table_free(struct name_table *table)
{
    buf_free(&table->names);
    buf_free(&table->entries);
    free(table->slots);
    *table = (struct name_table){0};
}

static struct name_table_entry *entry_at(const struct name_table *table, size_t index)
{
    return (struct name_table_entry *)(void *)table->entries.data + index;
}

/* The slot of the name, or the free one where it would stand. */
static size_t slot_of(const struct name_table *table, uint64_t hash, const uint8_t *lower, size_t n)
{
    size_t slot = hash & (table->slot_count - 1);
    for (; table->slots[slot]; slot = (slot + 1) & (table->slot_count - 1)) {
        const struct name_table_entry *entry = entry_at(table, table->slots[slot] - 1);
        const uint8_t *name = (const uint8_t *)table->names.data + entry->name;
        if (entry->hash == hash && name[0] == n && !memcmp(name + 1, lower, n))
            break;
    }
    return slot;
}

const struct name_table_entry *name_table_find(const struct name_table *table, const uint8_t *lower, size_t n)
{
    if (!table->count)
        return NULL;
    size_t slot = slot_of(table, XXH3_64bits(lower, n), lower, n);
    return table->slots[slot] ? entry_at(table, table->slots[slot] - 1) : NULL;
}

static bool make_room(struct name_table *table)
{
    if ((table->count + 1) * SLOTS_PER_ENTRY <= table->slot_count)
        return true;
    size_t slot_count = table->slot_count ? table->slot_count * 2 : LEAST_SLOTS;
    uint32_t *slots = calloc(slot_count, sizeof slots[0]);
    if (!slots)
        return false;
    for (size_t i = 0; i < table->count; i++) {
        size_t slot = entry_at(table, i)->hash & (slot_count - 1);
        while (slots[slot])
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = (uint32_t)i + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    return true;
}

uint32_t name_table_keep(struct name_table *table, const struct dname *name)
{
    struct dname lower = *name;
    dname_lower(&lower);
    if (!table->names.length)
        buf_add_char(&table->names, 0); /* so that no name stands at 0 */
    size_t at = table->names.length;
    buf_add_char(&table->names, (char)lower.length);
    buf_add(&table->names, lower.wire, lower.length);
    return table->names.failed || at > UINT32_MAX ? 0 : (uint32_t)at;
}

struct name_table_entry *name_table_add(struct name_table *table, const struct dname *name)
{
    struct dname lower = *name;
    dname_lower(&lower);
    if (!make_room(table))
        return NULL;
    uint64_t hash = XXH3_64bits(lower.wire, lower.length);
    size_t slot = slot_of(table, hash, lower.wire, lower.length);
    if (table->slots[slot])
        return entry_at(table, table->slots[slot] - 1);
    struct name_table_entry entry = {.hash = hash, .name = name_table_keep(table, &lower)};
    buf_add(&table->entries, &entry, sizeof entry);
    if (!entry.name || table->entries.failed)
        return NULL;
    table->slots[slot] = (uint32_t)++table->count;
    return entry_at(table, table->count - 1);
}

void name_table_name(const struct name_table *table, uint32_t at, struct dname *name)
{
    const uint8_t *bytes = (const uint8_t *)table->names.data + at;
    CHECK(dname_from_wire(bytes + 1, bytes[0], name) == ST_OK);
}
