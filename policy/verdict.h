/* What is asked and what is answered: one subject in, one verdict out, the same on both sides. */
#pragma once

#include "base/addr.h"
#include "base/dname.h"
#include "base/text.h"
#include "reputation/record.h"

enum action { ACTION_ALLOW, ACTION_LOG, ACTION_BLOCK };
const char *action_text(enum action action); /* "allow", "log", "block" */

enum subject_kind { SUBJECT_NAME, SUBJECT_URL, SUBJECT_ADDRESS };

struct subject {
    enum subject_kind kind;
    struct addr client;       /* who asks */
    const struct dname *name; /* NAME: any case */
    uint16_t qtype;   /* NAME: what is asked for it, CNAME of an alias; 0: not known, then entries for some types alone
                       * act as well */
    struct str host;  /* URL: as in the request, without port */
    uint16_t port;    /* URL */
    struct str path;  /* URL: path and query as sent; empty counts as "/" */
    struct addr addr; /* ADDRESS, with the port where it is known */
};

enum {
    VERDICT_INDICATOR_SIZE = 512,
    VERDICT_FAMILY_SIZE = 96,
    VERDICT_SOURCES_SIZE = 256,
    GROUP_NAME_SIZE = 32,
};

/* Only action is set when it is ACTION_ALLOW and nothing matched. Plain data: may be kept and copied. */
struct verdict {
    enum action action;
    bool matched; /* an indicator was found (an allowed one too); the fields below are set */
    bool exempts; /* it lets the subject pass, recorded or not: what the subject is an alias of is not judged */
    enum indicator_kind kind;
    enum category category;
    enum risk risk;
    uint8_t confidence;
    uint32_t first_seen, last_seen, expires;
    uint64_t indicator_id; /* hash of indicator, for counting */
    char group[GROUP_NAME_SIZE];
    char indicator[VERDICT_INDICATOR_SIZE]; /* text of the most specific entry that decided */
    char family[VERDICT_FAMILY_SIZE];       /* empty: unknown */
    char sources[VERDICT_SOURCES_SIZE];     /* names of all that list it, comma-separated, the deciding one first */
};
