/* Names that are answered here: special ones, and those that the user gives records. An immutable snapshot, shared by
 * all workers and swapped whole.
 *
 * What holds for a name, first to last: a record of its own, records for all below one of its parents, a server that
 * the user forwards it to, that it is special, that it is to be answered as another name for the sake of children. */
#pragma once

#include "dnsfilter/dns_safe_search.h"
#include "dnsfilter/dns_special.h"
#include "dnsfilter/hosts_file.h"

struct dns_names;

/* Addresses of a name. The address leads back to the name, unless it stands for all below. */
struct dns_names_host {
    struct dname name;
    bool below; /* all names below it, and not itself */
    struct addr addr;
};

struct dns_names_settings {
    const struct dns_names_host *hosts; /* several of one name add up */
    size_t host_count;
    struct str hosts_file;         /* as hosts_file_read() takes it: names that `hosts` has not */
    const struct dname *forwarded; /* domains with a server of their own: nothing in them is special */
    size_t forwarded_count;
    bool firefox_canary, block_private_relay;
    bool rebinding_protection, strip_ech, strip_h3;
    bool safe_search;
    enum dns_youtube youtube;
    const struct dname *rebinding_allowed; /* domains, with all below them, that may have private addresses */
    size_t rebinding_allowed_count;
};

/* Copies what it needs. FACTS: of the hosts file. NULL when out of memory. Starts with one reference. */
struct dns_names *dns_names_new(const struct dns_names_settings *settings, struct hosts_file_facts *facts);
struct dns_names *dns_names_ref(struct dns_names *names);
void dns_names_unref(struct dns_names *names); /* any thread; NULL is allowed */

enum dns_place_kind {
    DNS_PLACE_WORLD,   /* what is said of the name comes from the cache or an upstream */
    DNS_PLACE_RECORDS, /* addresses, or the name of an address */
    DNS_PLACE_SPECIAL,
    DNS_PLACE_ALIAS, /* what the world says of another name, behind an alias */
};

/* Where the answer to a question comes from. */
struct dns_place {
    enum dns_place_kind kind;
    uint32_t addresses, pointer;       /* RECORDS: one of them, the other is 0 */
    uint32_t alias;                    /* ALIAS */
    const struct dns_special *special; /* SPECIAL */
    unsigned labels;                   /* SPECIAL: of its apex */
    bool own;                          /* as asked for */
};

/* OWN: this machine asks; loopback addresses in its hosts file mean nothing to others. Costs a few hashes of a few
 * bytes, and allocates nothing. */
void dns_names_find(const struct dns_names *names, const struct dns_question *question, bool own,
                    struct dns_place *place);

/* What is to be taken out of answers from the world (enum dns_clean), exceptions not looked at, and for NAME: what
 * servers that the user forwards it to say of private addresses is believed. */
unsigned dns_names_clean(const struct dns_names *names);
unsigned dns_names_clean_of(const struct dns_names *names, const struct dname *name);

/* The other name of an ALIAS. */
void dns_names_target(const struct dns_names *names, const struct dns_place *place, struct dname *target);

/* The answer from RECORDS or SPECIAL, of at most LIMIT bytes. Returns the length. */
size_t dns_names_answer(uint8_t *out, size_t size, size_t limit, const struct dns_message *query,
                        const struct dns_names *names, const struct dns_place *place);
