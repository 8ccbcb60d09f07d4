/* Names that are answered here: special ones, and those that the user gives records. An immutable snapshot, shared by
 * all workers and swapped whole.
 *
 * What holds for a name, first to last: a record of its own, a record for all below one of its parents, a server that
 * the user forwards it to, that it is special. */
#pragma once

#include "dnsfilter/dns_special.h"

struct dns_names;

struct dns_names_settings {
    const struct dname *forwarded; /* domains with a server of their own: nothing in them is special */
    size_t forwarded_count;
    bool firefox_canary, block_private_relay;
};

/* NULL when out of memory. Starts with one reference. */
struct dns_names *dns_names_new(const struct dns_names_settings *settings);
struct dns_names *dns_names_ref(struct dns_names *names);
void dns_names_unref(struct dns_names *names); /* any thread; NULL is allowed */

enum dns_place_kind {
    DNS_PLACE_WORLD, /* what is said of the name comes from the cache or an upstream */
    DNS_PLACE_SPECIAL,
};

/* Where the answer to a question comes from. */
struct dns_place {
    enum dns_place_kind kind;
    const struct dns_special *special; /* SPECIAL */
    unsigned labels;                   /* SPECIAL: of its apex */
};

/* Costs a few hashes of a few bytes, and allocates nothing. */
void dns_names_find(const struct dns_names *names, const struct dns_question *question, struct dns_place *place);

/* The answer from a place other than the world. Returns the length. */
size_t dns_names_answer(uint8_t *out, size_t size, const struct dns_message *query, const struct dns_names *names,
                        const struct dns_place *place);
