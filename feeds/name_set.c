#include "feeds/name_set.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ARENA_LIMIT_BYTES = 16 << 20, FIRST_CAPACITY = 1024 };

void name_set_fini(struct name_set *set)
{
    arena_free(set->arena);
    free(set->slots);
    *set = (struct name_set){0};
}

/* The slot of the name, or the free one that it belongs in. There always is a free one. */
static struct name_slot *slot_of(const struct name_set *set, const uint8_t *wire, size_t length, uint64_t hash)
{
    size_t mask = set->capacity - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        struct name_slot *slot = &set->slots[at];
        if (!slot->wire || (slot->hash == hash && slot->length == length && !memcmp(slot->wire, wire, length)))
            return slot;
    }
}

static enum status grow(struct name_set *set)
{
    struct name_set larger = *set;
    larger.capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return ST_NOMEM;
    for (size_t i = 0; i < set->capacity; i++) {
        const struct name_slot *slot = &set->slots[i];
        if (!slot->wire)
            continue;
        size_t at = slot->hash & (larger.capacity - 1);
        while (larger.slots[at].wire)
            at = (at + 1) & (larger.capacity - 1);
        larger.slots[at] = *slot;
    }
    free(set->slots);
    *set = larger;
    return ST_OK;
}

static enum status take_slot(struct name_set *set, const uint8_t *wire, size_t length, struct name_slot **out)
{
    if (!set->arena && !(set->arena = arena_new(ARENA_LIMIT_BYTES)))
        return ST_NOMEM;
    if (set->count * 2 >= set->capacity && grow(set) != ST_OK)
        return ST_NOMEM;
    uint64_t hash = XXH3_64bits(wire, length);
    struct name_slot *slot = slot_of(set, wire, length, hash);
    if (!slot->wire) {
        const char *copy = arena_copy(set->arena, wire, length);
        if (!copy)
            return ST_NOMEM;
        *slot = (struct name_slot){.wire = (const uint8_t *)copy, .hash = hash, .length = (uint8_t)length};
        set->count++;
    }
    *out = slot;
    return ST_OK;
}

enum status name_set_add(struct name_set *set, const struct dname *name, uint8_t value)
{
    struct name_slot *slot;
    enum status st = take_slot(set, name->wire, name->length, &slot);
    if (st != ST_OK)
        return st;
    if (!slot->value)
        slot->value = value;
    unsigned labels = name->labels;
    for (unsigned at = name->wire[0] + 1u; st == ST_OK && labels-- > 2; at += name->wire[at] + 1u) {
        st = take_slot(set, name->wire + at, name->length - at, &slot);
        if (st == ST_OK && !slot->below)
            slot->below = value;
    }
    return st;
}

static const struct name_slot *find(const struct name_set *set, const uint8_t *wire, size_t length)
{
    if (!set->capacity)
        return NULL;
    const struct name_slot *slot = slot_of(set, wire, length, XXH3_64bits(wire, length));
    return slot->wire ? slot : NULL;
}

const struct name_slot *name_set_find(const struct name_set *set, const struct dname *name)
{
    return find(set, name->wire, name->length);
}

const struct name_slot *name_set_find_parent(const struct name_set *set, const struct dname *name)
{
    if (name->labels < 2)
        return NULL;
    unsigned first = name->wire[0] + 1u;
    return find(set, name->wire + first, name->length - first);
}
