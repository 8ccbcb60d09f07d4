/* What a source says of one indicator. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/dname.h"
#include "base/status.h"
#include "base/text.h"

enum category {
    CATEGORY_C2,
    CATEGORY_MALWARE,
    CATEGORY_RANSOMWARE,
    CATEGORY_PHISHING,
    CATEGORY_DGA,
    CATEGORY_TUNNEL,
    CATEGORY_FAST_FLUX,
    CATEGORY_CRYPTOMINING,
    CATEGORY_SCAM,
    CATEGORY_GRAYWARE,
    CATEGORY_SUSPICIOUS,
    CATEGORY_PROXY,
    CATEGORY_NEWLY_SEEN,
    CATEGORY_PARKED,
    CATEGORY_DYNAMIC_DNS,
    CATEGORY_ADULT,
    CATEGORY_ADS,
    CATEGORY_TRACKING,
    CATEGORY_OTHER,
    CATEGORY_COUNT
};

enum risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH };

/* The words of config, log and command line: "c2", "dynamic-dns"; "high". */
const char *category_text(enum category category);
enum status category_parse(struct str text, enum category *category) MUST_CHECK;
const char *risk_text(enum risk risk);
enum status risk_parse(struct str text, enum risk *risk) MUST_CHECK;

enum record_flag {
    RECORD_EXACT = 1,         /* this name alone, not what is below it */
    RECORD_BELOW_ONLY = 2,    /* what is below this name, not itself (RPZ wildcard) */
    RECORD_ALLOW = 4,         /* the source exempts it */
    RECORD_LOG = 8,           /* recorded, never blocked */
    RECORD_GUARDED = 16,      /* because a guard held it back (docs/feeds.md, "Guards"); goes with RECORD_LOG */
    RECORD_IMPORTANT = 32,    /* stands above the exemptions of its own source (adblock's $important) */
    RECORD_TYPES_EXCEPT = 64, /* for all query types but those in `types` */
};

/* What of a query an entry is compared with: policy zones judge more than names and addresses (RPZ section 4). */
enum record_trigger {
    TRIGGER_SUBJECT, /* the name, URL or address that is asked for or answered */
    TRIGGER_CLIENT,  /* the address of who asks */
    TRIGGER_NS_NAME, /* the name of a name server of the answer's zone */
    TRIGGER_NS_ADDRESS,
    TRIGGER_COUNT
};

/* What the source wants to be answered in DNS; anything but the first is a policy zone's (RPZ section 3). */
enum record_answer {
    RECORD_ANSWER_CONFIGURED, /* as the configuration has it for the category */
    RECORD_ANSWER_NXDOMAIN,
    RECORD_ANSWER_NODATA,
    RECORD_ANSWER_DROP,
    RECORD_ANSWER_TCP_ONLY, /* truncated over UDP, let through over TCP */
    RECORD_ANSWER_DATA,     /* the records in `data` */
    RECORD_ANSWER_COUNT
};

struct record {
    enum category category;
    enum risk risk;
    uint8_t confidence;                      /* 0..100; 0: the source does not say */
    uint8_t flags;                           /* of enum record_flag */
    uint16_t port;                           /* acts for this port alone; 0: every port */
    uint32_t first_seen, last_seen, expires; /* seconds since 1970; 0: unknown, never */
    struct str family;                       /* malware family or campaign, UTF-8; empty: unknown */
    struct str reference;                    /* a link or an id of the source's; of the user's entries the note */
    struct str tags;                         /* what else the source says of it, comma-separated, UTF-8 */
    struct str group;                        /* holds for the clients of this group alone; empty: for all */
    struct str types; /* query types that it holds for, two bytes each in network order; empty: for all */
    enum record_trigger trigger;
    enum record_answer answer;
    struct str data; /* RECORD_ANSWER_DATA: records in wire form */
};

enum indicator_kind { INDICATOR_NAME, INDICATOR_URL, INDICATOR_NETWORK };
enum { INDICATOR_KINDS = 3 };

/* One indicator as a feed gives it. Views belong to the caller. */
struct indicator {
    enum indicator_kind kind;
    struct dname name;      /* NAME: lower case */
    struct str url;         /* URL: as the feed has it; canonicalised by the writer */
    struct network network; /* NETWORK */
    struct record record;
};
