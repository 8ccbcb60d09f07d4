#include "dnsfilter/dns_names.h"

#include "dnsfilter/dns_clean.h"
#include "dnsfilter/dns_names_parts.h"

enum { RECORD_TTL_S = 60 /* short: the user may change them at any time */ };

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
    unsigned bit = names_top_bit(suffixes->lower.wire + suffixes->starts[1]);
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

/* The first of a list of addresses that the one who asks may have; 0: none. */
static uint32_t first_usable(const struct dns_names *names, uint32_t at, bool own)
{
    while (at && names_address(names, at)->own && !own)
        at = names_address(names, at)->next;
    return at;
}

static bool find_exact(const struct dns_names *names, const struct suffixes *suffixes, bool own,
                       struct dns_place *place)
{
    const struct name_table_entry *entry = name_table_find(&names->exact, suffixes->lower.wire, suffixes->lower.length);
    if (!entry)
        return false;
    place->alias = entry->parts[EXACT_ALIAS];
    place->addresses = first_usable(names, entry->parts[EXACT_ADDRESSES], own);
    place->pointer = entry->parts[EXACT_FLAGS] & EXACT_OWN_POINTER && !own ? 0 : entry->parts[EXACT_POINTER];
    if (!place->addresses && !place->pointer)
        return false;
    place->kind = DNS_PLACE_RECORDS;
    return true;
}

/* The one place where it is decided what holds of what stands for a name and all below: nearer parents before farther
 * ones, records before the rest, and a domain that the user forwards is not special. True: it is forwarded. */
static bool find_in_trees(const struct dns_names *names, const struct suffixes *suffixes, struct dns_place *place)
{
    bool forwarded = false;
    place->addresses = place->pointer = 0;
    for (unsigned labels = 1; labels <= suffixes->lower.labels; labels++) {
        const struct name_table_entry *entry = find_suffix(names, suffixes, labels);
        if (!entry)
            continue;
        forwarded |= entry->parts[TREE_FORWARDED] != 0;
        if (entry->parts[TREE_ADDRESSES] && labels < suffixes->lower.labels) {
            place->kind = DNS_PLACE_RECORDS;
            place->addresses = entry->parts[TREE_ADDRESSES];
        }
        if (entry->parts[TREE_SPECIAL] && place->kind != DNS_PLACE_RECORDS) {
            place->kind = DNS_PLACE_SPECIAL;
            place->special = names->specials[entry->parts[TREE_SPECIAL] - 1];
            place->labels = labels;
        }
    }
    if (forwarded && place->kind == DNS_PLACE_SPECIAL)
        place->kind = DNS_PLACE_WORLD;
    return forwarded;
}

/* Mail to a search engine goes where it went before. */
static bool leads_to_content(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_HTTPS || type == DNS_TYPE_SVCB;
}

void dns_names_find(const struct dns_names *names, const struct dns_question *question, bool own,
                    struct dns_place *place)
{
    struct suffixes suffixes;
    struct dname apex;
    place->kind = DNS_PLACE_WORLD;
    place->own = own;
    place->alias = 0;
    take_apart(&question->name, &suffixes);
    if (find_exact(names, &suffixes, own, place))
        return;
    if (top_is_known(names, &suffixes) && find_in_trees(names, &suffixes, place))
        return;
    if (place->kind == DNS_PLACE_WORLD && place->alias && leads_to_content(question->type))
        place->kind = DNS_PLACE_ALIAS;
    if (place->kind != DNS_PLACE_SPECIAL)
        return;
    apex_of(&suffixes.lower, place->labels, &apex);
    if (dns_special_passes(place->special, &apex, question))
        place->kind = DNS_PLACE_WORLD;
}

unsigned dns_names_clean(const struct dns_names *names)
{
    return names->clean;
}

unsigned dns_names_clean_of(const struct dns_names *names, const struct dname *name)
{
    struct suffixes suffixes;
    take_apart(name, &suffixes);
    if (!top_is_known(names, &suffixes))
        return names->clean;
    for (unsigned labels = 1; labels <= suffixes.lower.labels; labels++) {
        const struct name_table_entry *entry = find_suffix(names, &suffixes, labels);
        bool ipv4only = entry && entry->parts[TREE_SPECIAL] &&
                        names->specials[entry->parts[TREE_SPECIAL] - 1]->rule == DNS_SPECIAL_IPV4ONLY;
        if (entry && (entry->parts[TREE_FORWARDED] || entry->parts[TREE_PRIVATE] || ipv4only))
            return names->clean & ~(unsigned)DNS_CLEAN_PRIVATE;
    }
    return names->clean;
}

void dns_names_target(const struct dns_names *names, const struct dns_place *place, struct dname *target)
{
    name_table_name(&names->exact, place->alias, target);
}

static void add_addresses(struct dns_build *build, uint16_t type, const struct dns_names *names,
                          const struct dns_place *place)
{
    for (uint32_t at = place->addresses; at; at = names_address(names, at)->next) {
        const struct name_address *address = names_address(names, at);
        struct addr addr = {0};
        for (size_t i = 0; i < sizeof addr.ip; i++)
            addr.ip[i] = address->ip[i];
        bool v4 = addr_is_v4(&addr);
        if (type == (v4 ? DNS_TYPE_A : DNS_TYPE_AAAA) && (place->own || !address->own))
            dns_build_own_record(build, DNS_ANSWER, type, RECORD_TTL_S, addr.ip + (v4 ? 12 : 0), v4 ? 4 : 16);
    }
}

static size_t answer_records(uint8_t *out, size_t size, size_t limit, const struct dns_message *query,
                             const struct dns_names *names, const struct dns_place *place)
{
    uint16_t type = query->question.type;
    struct dns_build build = dns_build_response(out, size, query, DNS_RCODE_NOERROR);
    add_addresses(&build, type, names, place);
    if (place->pointer && type == DNS_TYPE_PTR) {
        struct dname name;
        name_table_name(&names->exact, place->pointer, &name);
        dns_build_own_record(&build, DNS_ANSWER, type, RECORD_TTL_S, name.wire, name.length);
    }
    if (!build.header.ancount)
        dns_answer_add_soa(&build, DNS_AUTHORITY, NULL, RECORD_TTL_S);
    size_t n = dns_answer_end(&build, query, DNS_RCODE_NOERROR, dns_note_none);
    return n > limit ? dns_truncate(out, n, limit) : n;
}

size_t dns_names_answer(uint8_t *out, size_t size, size_t limit, const struct dns_message *query,
                        const struct dns_names *names, const struct dns_place *place)
{
    struct dname apex;
    if (place->kind == DNS_PLACE_RECORDS)
        return answer_records(out, size, limit, query, names, place);
    apex_of(&query->question.name, place->labels, &apex);
    return dns_special_answer(out, size, query, place->special, &apex);
}
