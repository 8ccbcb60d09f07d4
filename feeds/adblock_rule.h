/* One rule of an adblock list, as DNS filters read it (AdGuard's "DNS filtering rules syntax"). */
#pragma once

#include <stdint.h>

#include "base/text.h"
#include "feeds/skip.h"
#include "reputation/record_codec.h"

enum adblock_extent {
    ADBLOCK_SUBTREE, /* "||name^" */
    ADBLOCK_EXACT,   /* "|name^", and the name alone */
    ADBLOCK_BELOW    /* "||*.name^" */
};

/* Views are into the line. */
struct adblock_rule {
    bool allow, important, types_except;
    bool badfilter; /* $badfilter: it switches off the rule that is as this one otherwise */
    enum adblock_extent extent;
    struct str name;                 /* or address; as written */
    struct str denyallow;            /* "a.example|b.example"; empty: none */
    size_t types_length;             /* bytes; 0: for all query types */
    uint8_t types[RECORD_TYPES_MAX]; /* as in struct record, in ascending order */
};

/* LINE is no comment. Anything but SKIP_NOT says why there is nothing to be taken; the modifiers are filled then too.
 */
enum skip adblock_rule_parse(struct str line, struct adblock_rule *rule) MUST_CHECK;

/* The same for two rules that differ in nothing but $badfilter, letter case, and the order of their modifiers. */
struct adblock_id {
    uint64_t high, low;
};
struct adblock_id adblock_rule_id(const struct adblock_rule *rule);
