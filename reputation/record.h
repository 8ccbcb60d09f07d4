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
    RECORD_EXACT = 1,      /* this name alone, not what is below it */
    RECORD_BELOW_ONLY = 2, /* what is below this name, not itself (RPZ wildcard) */
    RECORD_ALLOW = 4,      /* the source exempts it */
    RECORD_LOG = 8,        /* recorded, never blocked: monitored feed, guarded name */
};

struct record {
    enum category category;
    enum risk risk;
    uint8_t confidence;                      /* 0..100; 0: the source does not say */
    uint8_t flags;                           /* of enum record_flag */
    uint16_t port;                           /* acts for this port alone; 0: every port */
    uint32_t first_seen, last_seen, expires; /* seconds since 1970; 0: unknown, never */
    struct str family;                       /* malware family or campaign, UTF-8; empty: unknown */
    struct str reference;                    /* a link or an id of the source's; empty: none */
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
