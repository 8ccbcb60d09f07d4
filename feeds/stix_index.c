#include "feeds/stix_index.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "feeds/json.h"
#include "feeds/when.h"

struct version {
    XXH128_hash_t id;
    uint64_t modified_us;
};

struct stix_index {
    struct version *versions;
    size_t count, room;
    bool sorted;
    json_t *names;    /* id -> name, of what may be a family */
    json_t *families; /* id of an indicator -> id of what it indicates */
};

struct stix_index *stix_index_new(void)
{
    struct stix_index *index = calloc(1, sizeof *index);
    if (!index)
        return NULL;
    index->names = json_object();
    index->families = json_object();
    if (index->names && index->families)
        return index;
    stix_index_free(index);
    return NULL;
}

void stix_index_free(struct stix_index *index)
{
    if (!index)
        return;
    json_decref(index->names);
    json_decref(index->families);
    free(index->versions);
    free(index);
}

/* Versions of one second differ in its fraction. */
static uint64_t modified_us(const json_t *object)
{
    struct str text = json_text(object, "modified"), whole, fraction;
    uint64_t us = 0, unit = 100000;
    if (!text.length)
        text = json_text(object, "created");
    if (str_cut(text, '.', &whole, &fraction))
        for (size_t i = 0; i < fraction.length && ascii_digit(fraction.data[i]) && unit; i++, unit /= 10)
            us += (uint64_t)(fraction.data[i] - '0') * unit;
    return when_parse(text) * (uint64_t)1000000 + us;
}

static struct version version_of(const json_t *object)
{
    struct str id = json_text(object, "id");
    return (struct version){XXH3_128bits(id.data, id.length), modified_us(object)};
}

static bool names_family(struct str id)
{
    static const char *const types[] = {"malware--", "tool--", "campaign--", "intrusion-set--"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_starts(id, str_of(types[i])))
            return true;
    return false;
}

static enum status add_relation(struct stix_index *index, const json_t *object)
{
    const char *from = json_string_value(json_object_get(object, "source_ref"));
    struct str to = json_text(object, "target_ref");
    if (!from || !names_family(to) || !str_eq(json_text(object, "relationship_type"), STR("indicates")))
        return ST_OK;
    if (json_object_get(index->families, from) && !str_starts(to, STR("malware--")))
        return ST_OK;
    if (json_object_size(index->families) >= STIX_INDEX_MAX_RELATIONS)
        return ST_OK;
    return json_object_set(index->families, from, json_object_get(object, "target_ref")) ? ST_NOMEM : ST_OK;
}

static enum status add_version(struct stix_index *index, const json_t *object)
{
    if (index->count == STIX_INDEX_MAX_OBJECTS)
        return ST_OK;
    if (index->count == index->room) {
        size_t more = index->room ? index->room * 2 : 64;
        struct version *larger = reallocarray(index->versions, more, sizeof *larger);
        if (!larger)
            return ST_NOMEM;
        index->versions = larger;
        index->room = more;
    }
    index->versions[index->count++] = version_of(object);
    index->sorted = false;
    return ST_OK;
}

enum status stix_index_add(struct stix_index *index, const json_t *object)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    json_t *name = json_object_get(object, "name");
    if (str_eq(json_text(object, "type"), STR("relationship")))
        return add_relation(index, object);
    if (!id)
        return ST_OK;
    if (names_family(str_of(id)) && json_is_string(name) && json_object_size(index->names) < STIX_INDEX_MAX_RELATIONS)
        return json_object_set(index->names, id, name) ? ST_NOMEM : ST_OK;
    return str_eq(json_text(object, "type"), STR("indicator")) ? add_version(index, object) : ST_OK;
}

static int compare_ids(const struct version *a, const struct version *b)
{
    if (a->id.high64 != b->id.high64)
        return a->id.high64 < b->id.high64 ? -1 : 1;
    return a->id.low64 < b->id.low64 ? -1 : a->id.low64 > b->id.low64;
}

/* The newest of an object stands last. */
static int compare(const void *a, const void *b)
{
    const struct version *one = a, *other = b;
    int order = compare_ids(one, other);
    if (order)
        return order;
    return one->modified_us < other->modified_us ? -1 : one->modified_us > other->modified_us;
}

bool stix_index_is_superseded(struct stix_index *index, const json_t *object)
{
    struct version version = version_of(object);
    if (!index->sorted && index->count)
        qsort(index->versions, index->count, sizeof *index->versions, compare);
    index->sorted = true;
    const struct version *found =
        index->count ? bsearch(&version, index->versions, index->count, sizeof version, compare) : NULL;
    if (!found)
        return false;
    const struct version *end = index->versions + index->count;
    while (found + 1 < end && !compare(found, found + 1))
        found++;
    return found + 1 < end && !compare_ids(found, found + 1);
}

struct str stix_index_family(const struct stix_index *index, const json_t *indicator)
{
    const char *id = json_string_value(json_object_get(indicator, "id"));
    const char *family = id ? json_string_value(json_object_get(index->families, id)) : NULL;
    return family ? json_text(index->names, family) : (struct str){0};
}
