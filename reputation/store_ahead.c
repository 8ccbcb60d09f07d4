/* A look-up touches the roots, then a filter and an index, then an entry, each of them a wait of its own for memory.
 * Here many names go each of these steps together. */
#include "base/check.h"
#include "reputation/key.h"
#include "reputation/store_reader.h"

enum { LANES = 2 }; /* of each name; more have it seldom */

struct ahead {
    uint64_t root, name; /* hashes */
    const struct store_lane *lanes[LANES];
    size_t count;
};

static bool begin(const struct store_reader *reader, const struct dname *name, struct ahead *ahead)
{
    struct name_key key;
    name_key_from(name, &key);
    if (key.labels < 2)
        return false;
    ahead->root = filter_hash(key.bytes, key.end[2]);
    ahead->name = filter_hash(key.bytes, key.end[key.labels]);
    ahead->count = 0;
    if (reader->roots)
        roots_prefetch(reader->roots, ahead->root);
    return true;
}

static void choose_lanes(const struct store_reader *reader, struct ahead *ahead)
{
    uint64_t groups = reader->roots ? roots_find(reader->roots, ahead->root) : UINT64_MAX;
    for (size_t i = 0; groups && i < reader->count && ahead->count < LANES; i++) {
        const struct store_lane *lane = &reader->lanes[i];
        if (!(groups >> lane->group & lane->has_names))
            continue;
        filter_prefetch(&lane->filter, ahead->name);
        name_index_prefetch(&lane->index, ahead->name);
        ahead->lanes[ahead->count++] = lane;
    }
}

static void reach_entries(const struct ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++)
        if (filter_has(&ahead->lanes[i]->filter, ahead->name, FILTER_ENTRY))
            name_index_prefetch_entry(&ahead->lanes[i]->index, ahead->name);
}

void store_look_ahead(const struct store_reader *reader, const struct dname *names, size_t count)
{
    struct ahead ahead[STORE_AHEAD_MAX];
    size_t begun = 0;
    CHECK(count <= STORE_AHEAD_MAX);
    for (size_t i = 0; i < count; i++)
        begun += begin(reader, &names[i], &ahead[begun]);
    for (size_t i = 0; i < begun; i++)
        choose_lanes(reader, &ahead[i]);
    for (size_t i = 0; i < begun; i++)
        reach_entries(&ahead[i]);
}
