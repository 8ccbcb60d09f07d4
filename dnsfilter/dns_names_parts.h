/* What dns_names.c and dns_names_build.c share: how a snapshot is kept. */
#pragma once

#include <stdatomic.h>

#include "dnsfilter/dns_name_table.h"
#include "dnsfilter/dns_names.h"

/* What the numbers of an entry are. */
enum exact_part {
    EXACT_ADDRESSES, /* the first one's index + 1 */
    EXACT_POINTER,   /* the name that the address leads to, in exact.names */
    EXACT_FLAGS,
    EXACT_ALIAS, /* another name, in exact.names */
};
enum exact_flag {
    EXACT_CONFIGURED = 1,  /* the hosts file has nothing to add */
    EXACT_OWN_POINTER = 2, /* as name_address.own */
};
enum tree_part {
    TREE_SPECIAL, /* index in specials + 1 */
    TREE_FORWARDED,
    TREE_ADDRESSES, /* of all names below it */
    TREE_PRIVATE,   /* private addresses are believed */
};

struct name_address {
    uint8_t ip[16];
    uint32_t next; /* index + 1; 0: the last */
    bool own;      /* for this machine alone */
};

enum { NAMES_MAX_SPECIALS = 160, NAMES_MAX_ADDRESSES = 16 /* of one name; more would not fit an answer by UDP */ };

struct dns_names {
    atomic_uint references;
    struct name_table exact; /* what holds for a name alone */
    struct name_table trees; /* what holds for a name and all below it */
    uint64_t tops[4];        /* a bit for each last label of `trees`: most names are told by it not to be in any */
    struct buf addresses;    /* struct name_address */
    const struct dns_special *specials[NAMES_MAX_SPECIALS];
    size_t special_count;
    unsigned clean; /* enum dns_clean */
};

static inline struct name_address *names_address(const struct dns_names *names, uint32_t at)
{
    return (struct name_address *)(void *)names->addresses.data + at - 1;
}

static inline unsigned names_top_bit(const uint8_t *label)
{
    return (label[0] + label[1] * 31u + label[label[0]] * 7u) & 255;
}
