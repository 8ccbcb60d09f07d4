#include "feeds/adblock_list.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "feeds/normal.h"
#include "reputation/canonical.h"

/* A rule with $denyallow. */
struct excepting {
    struct adblock_rule rule; /* its views are not used */
    struct dname name;
    size_t first, count; /* of its exceptions */
    bool usable, taken;
};

/* A name that an exception has, or one above it, and whether a rule blocks it. */
struct ancestor {
    uint64_t hash;
    bool blocked;
};

struct adblock_list {
    struct adblock_id *off;
    struct excepting *excepting;
    struct dname *exceptions;
    struct ancestor *ancestors;
    size_t off_count, off_room, excepting_count, excepting_room, exception_count, exception_room, ancestor_count;
    size_t next; /* of excepting, in the second reading */
    bool ready;
};

struct adblock_list *adblock_list_new(void)
{
    return calloc(1, sizeof(struct adblock_list));
}

void adblock_list_free(struct adblock_list *list)
{
    if (!list)
        return;
    free(list->off);
    free(list->excepting);
    free(list->exceptions);
    free(list->ancestors);
    free(list);
}

/* Room for one more of SIZE bytes each in *ARRAY. */
static bool make_room(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 16;
    void *larger = reallocarray(*array, more, size);
    if (!larger)
        return false;
    *array = larger;
    *room = more;
    return true;
}

/* Takes the exceptions of a rule for NAME. ST_INVALID: the rule can't be used. */
static enum status take_exceptions(struct adblock_list *list, const struct adblock_rule *rule, const struct dname *name)
{
    struct str rest = rule->denyallow, word = {0};
    for (bool more = true; more;) {
        struct dname except;
        more = str_cut(rest, '|', &word, &rest);
        if (canonical_host_name(str_trim(more ? word : rest), &except) != ST_OK || dname_equal(&except, name))
            return ST_INVALID;
        if (!dname_is_within(&except, name))
            continue;
        if (list->exception_count == ADBLOCK_MAX_EXCEPTIONS)
            return ST_INVALID;
        if (!make_room((void **)&list->exceptions, list->exception_count, &list->exception_room, sizeof except))
            return ST_NOMEM;
        list->exceptions[list->exception_count++] = except;
    }
    return ST_OK;
}

static bool add_excepting(struct adblock_list *list, const struct adblock_rule *rule)
{
    if (list->excepting_count == ADBLOCK_MAX_EXCEPTIONS)
        return true;
    if (!make_room((void **)&list->excepting, list->excepting_count, &list->excepting_room, sizeof *list->excepting))
        return false;
    struct excepting *one = &list->excepting[list->excepting_count++];
    *one = (struct excepting){.rule = *rule, .first = list->exception_count};
    enum status st = normal_name(rule->name, &one->name) == SKIP_NOT && rule->extent == ADBLOCK_SUBTREE
                         ? take_exceptions(list, rule, &one->name)
                         : ST_INVALID;
    one->usable = st == ST_OK;
    if (!one->usable)
        list->exception_count = one->first;
    one->count = list->exception_count - one->first;
    return st != ST_NOMEM;
}

bool adblock_list_survey(struct adblock_list *list, const struct adblock_rule *rule)
{
    if (!rule->badfilter)
        return !rule->denyallow.length || add_excepting(list, rule);
    if (list->off_count == ADBLOCK_MAX_SWITCHED_OFF)
        return true;
    if (!make_room((void **)&list->off, list->off_count, &list->off_room, sizeof *list->off))
        return false;
    list->off[list->off_count++] = adblock_rule_id(rule);
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    const struct adblock_id *one = a, *other = b;
    if (one->high != other->high)
        return one->high < other->high ? -1 : 1;
    return one->low < other->low ? -1 : one->low > other->low;
}

static int compare_ancestors(const void *a, const void *b)
{
    uint64_t one = ((const struct ancestor *)a)->hash, other = ((const struct ancestor *)b)->hash;
    return one < other ? -1 : one > other;
}

static uint64_t hash_of(const uint8_t *wire, size_t length)
{
    return XXH3_64bits(wire, length);
}

/* The exceptions and all names above them, of two labels or more. Without memory none is exempted. */
static void gather_ancestors(struct adblock_list *list)
{
    size_t labels = 0;
    for (size_t i = 0; i < list->exception_count; i++)
        labels += list->exceptions[i].labels;
    list->ancestors = labels ? calloc(labels, sizeof *list->ancestors) : NULL;
    for (size_t i = 0; i < list->exception_count && list->ancestors; i++) {
        const struct dname *name = &list->exceptions[i];
        size_t at = 0;
        for (unsigned left = name->labels; left > 1; left--) {
            list->ancestors[list->ancestor_count++].hash = hash_of(name->wire + at, name->length - at);
            at += name->wire[at] + 1u;
        }
    }
    if (list->ancestor_count)
        qsort(list->ancestors, list->ancestor_count, sizeof *list->ancestors, compare_ancestors);
}

/* Between the two readings. */
static void make_ready(struct adblock_list *list)
{
    if (list->ready)
        return;
    list->ready = true;
    if (list->off_count)
        qsort(list->off, list->off_count, sizeof *list->off, compare_ids);
    gather_ancestors(list);
}

bool adblock_list_is_off(struct adblock_list *list, const struct adblock_rule *rule)
{
    make_ready(list);
    if (!list->off_count)
        return false;
    struct adblock_id id = adblock_rule_id(rule);
    return bsearch(&id, list->off, list->off_count, sizeof id, compare_ids);
}

bool adblock_list_take_excepting(struct adblock_list *list, const struct adblock_rule *rule)
{
    make_ready(list);
    if (list->next == list->excepting_count)
        return false;
    struct excepting *one = &list->excepting[list->next++];
    one->taken = one->usable && !adblock_list_is_off(list, rule);
    return one->usable;
}

static struct ancestor *find_ancestor(const struct adblock_list *list, const uint8_t *wire, size_t length)
{
    struct ancestor key = {.hash = hash_of(wire, length)};
    return list->ancestor_count ? bsearch(&key, list->ancestors, list->ancestor_count, sizeof key, compare_ancestors)
                                : NULL;
}

void adblock_list_block(struct adblock_list *list, const struct dname *name)
{
    make_ready(list);
    struct ancestor *found = find_ancestor(list, name->wire, name->length);
    if (!found)
        return;
    /* A name that several exceptions are below of stands there several times. */
    struct ancestor *end = list->ancestors + list->ancestor_count;
    uint64_t hash = found->hash;
    while (found > list->ancestors && found[-1].hash == hash)
        found--;
    for (; found < end && found->hash == hash; found++)
        found->blocked = true;
}

/* Whether a rule without exceptions blocks the name. */
static bool is_blocked(const struct adblock_list *list, const struct dname *name)
{
    size_t at = 0;
    for (unsigned left = name->labels; left > 1; left--) {
        const struct ancestor *found = find_ancestor(list, name->wire + at, name->length - at);
        if (!found || found->blocked)
            return true;
        at += name->wire[at] + 1u;
    }
    return false;
}

static bool excepts(const struct adblock_list *list, const struct excepting *one, const struct dname *name)
{
    for (size_t i = one->first; i < one->first + one->count; i++)
        if (dname_is_within(name, &list->exceptions[i]))
            return true;
    return false;
}

/* Whether another rule that has exceptions blocks it. */
static bool is_blocked_by_another(const struct adblock_list *list, const struct excepting *own,
                                  const struct dname *name)
{
    for (size_t i = 0; i < list->excepting_count; i++) {
        const struct excepting *one = &list->excepting[i];
        if (one != own && one->taken && !one->rule.types_length && dname_is_within(name, &one->name) &&
            !excepts(list, one, name))
            return true;
    }
    return false;
}

void adblock_list_exemptions(const struct adblock_list *list,
                             void (*take)(void *user, const struct dname *name, const struct adblock_rule *rule),
                             void *user)
{
    for (size_t i = 0; i < list->excepting_count; i++) {
        const struct excepting *one = &list->excepting[i];
        for (size_t k = one->first; one->taken && k < one->first + one->count; k++) {
            const struct dname *name = &list->exceptions[k];
            if (!is_blocked(list, name) && !is_blocked_by_another(list, one, name))
                take(user, name, &one->rule);
        }
    }
}
