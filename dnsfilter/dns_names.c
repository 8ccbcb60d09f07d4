#include "dnsfilter/dns_names.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dnsfilter/dns_name_table.h"

/* What the numbers of an entry are. */
enum tree_part { TREE_SPECIAL /* index in specials + 1 */, TREE_FORWARDED };

enum { MAX_SPECIALS = 160 };

struct dns_names {
    atomic_uint references;
    struct name_table trees; /* what holds for a name and all below it */
    uint64_t tops[4];        /* a bit for each last label of them: nearly all names are told by it to be like any */
    const struct dns_special *specials[MAX_SPECIALS];
    size_t special_count;
};

/* ---- making ---- */

static unsigned top_bit(const uint8_t *label)
{
    return (label[0] + label[1] * 31u + label[label[0]] * 7u) & 255;
}

static const uint8_t *last_label(const struct dname *lower)
{
    const uint8_t *label = lower->wire;
    while (label[0] && label[label[0] + 1])
        label += label[0] + 1;
    return label;
}

static bool add_tree(struct dns_names *names, const struct dname *name, enum tree_part part, uint32_t value)
{
    struct dname lower = *name;
    dname_lower(&lower);
    struct name_table_entry *entry = name_table_add(&names->trees, &lower);
    if (!entry)
        return false;
    entry->parts[part] = value;
    unsigned bit = top_bit(last_label(&lower));
    names->tops[bit / 64] |= 1ull << bit % 64;
    return true;
}

static bool add_special(struct dns_names *names, const struct dname *name, const struct dns_special *special)
{
    if (names->special_count == MAX_SPECIALS)
        return false;
    names->specials[names->special_count++] = special;
    return add_tree(names, name, TREE_SPECIAL, (uint32_t)names->special_count);
}

static bool add_switched(struct dns_names *names, bool wanted, const char *text, const struct dns_special *special)
{
    struct dname name;
    return !wanted || (dname_from_text(str_of(text), &name) == ST_OK && add_special(names, &name, special));
}

static bool fill(struct dns_names *names, const struct dns_names_settings *settings)
{
    struct dname name;
    const struct dns_special *special;
    bool ok = add_switched(names, settings->firefox_canary, "use-application-dns.net", &dns_special_canary) &&
              add_switched(names, settings->block_private_relay, "mask.icloud.com", &dns_special_private_relay) &&
              add_switched(names, settings->block_private_relay, "mask-h2.icloud.com", &dns_special_private_relay);
    for (size_t i = 0; ok && (special = dns_special_at(i, &name)); i++)
        ok = add_special(names, &name, special);
    for (size_t i = 0; ok && i < settings->forwarded_count; i++)
        ok = add_tree(names, &settings->forwarded[i], TREE_FORWARDED, 1);
    return ok;
}

struct dns_names *dns_names_new(const struct dns_names_settings *settings)
{
    struct dns_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    atomic_init(&names->references, 1);
    if (fill(names, settings))
        return names;
    dns_names_unref(names);
    return NULL;
}

struct dns_names *dns_names_ref(struct dns_names *names)
{
    if (names)
        atomic_fetch_add(&names->references, 1);
    return names;
}

void dns_names_unref(struct dns_names *names)
{
    if (!names || atomic_fetch_sub(&names->references, 1) != 1)
        return;
    name_table_free(&names->trees);
    free(names);
}

/* ---- asking ---- */

/* A name taken apart: its end with N labels starts at starts[N]. */
struct suffixes {
    struct dname lower;
    uint8_t starts[DNAME_MAX_LABELS + 1];
};

static void take_apart(const struct dname *name, struct suffixes *suffixes)
{
    suffixes->lower = *name;
    dname_lower(&suffixes->lower);
    uint8_t at = 0;
    for (unsigned labels = name->labels; labels; labels--) {
        suffixes->starts[labels] = at;
        at = (uint8_t)(at + suffixes->lower.wire[at] + 1);
    }
}

static const struct name_table_entry *find_suffix(const struct dns_names *names, const struct suffixes *suffixes,
                                                  unsigned labels)
{
    unsigned at = suffixes->starts[labels];
    return name_table_find(&names->trees, suffixes->lower.wire + at, suffixes->lower.length - at);
}

static bool top_is_known(const struct dns_names *names, const struct suffixes *suffixes)
{
    if (!suffixes->lower.labels)
        return false;
    unsigned bit = top_bit(suffixes->lower.wire + suffixes->starts[1]);
    return names->tops[bit / 64] >> bit % 64 & 1;
}

static void apex_of(const struct dname *name, unsigned labels, struct dname *apex)
{
    size_t at = 0;
    for (unsigned skip = name->labels - labels; skip; skip--)
        at += name->wire[at] + 1u;
    *apex = (struct dname){.length = (uint8_t)(name->length - at), .labels = (uint8_t)labels};
    for (size_t i = 0; i < apex->length; i++)
        apex->wire[i] = name->wire[at + i];
}

/* The one place where it is decided that a name is special: a domain that the user forwards is not. */
static void find_special(const struct dns_names *names, const struct suffixes *suffixes, struct dns_place *place)
{
    for (unsigned labels = 1; labels <= suffixes->lower.labels; labels++) {
        const struct name_table_entry *entry = find_suffix(names, suffixes, labels);
        if (entry && entry->parts[TREE_FORWARDED]) {
            place->kind = DNS_PLACE_WORLD;
            return;
        }
        if (entry && entry->parts[TREE_SPECIAL]) {
            place->kind = DNS_PLACE_SPECIAL;
            place->special = names->specials[entry->parts[TREE_SPECIAL] - 1];
            place->labels = labels;
        }
    }
}

void dns_names_find(const struct dns_names *names, const struct dns_question *question, struct dns_place *place)
{
    struct suffixes suffixes;
    struct dname apex;
    place->kind = DNS_PLACE_WORLD;
    take_apart(&question->name, &suffixes);
    if (!top_is_known(names, &suffixes))
        return;
    find_special(names, &suffixes, place);
    if (place->kind != DNS_PLACE_SPECIAL)
        return;
    apex_of(&suffixes.lower, place->labels, &apex);
    if (dns_special_passes(place->special, &apex, question))
        place->kind = DNS_PLACE_WORLD;
}

size_t dns_names_answer(uint8_t *out, size_t size, const struct dns_message *query, const struct dns_names *names,
                        const struct dns_place *place)
{
    struct dname apex;
    (void)names;
    apex_of(&query->question.name, place->labels, &apex);
    return dns_special_answer(out, size, query, place->special, &apex);
}
