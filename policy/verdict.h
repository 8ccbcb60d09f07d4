/* What is asked and what is answered: one subject in, one verdict out, the same on both sides. */
#pragma once

#include "base/addr.h"
#include "base/dname.h"
#include "base/text.h"
#include "reputation/record.h"

enum action { ACTION_ALLOW, ACTION_LOG, ACTION_BLOCK };
const char *action_text(enum action action); /* "allow", "log", "block" */

enum subject_kind {
    SUBJECT_NAME,
    SUBJECT_URL,
    SUBJECT_ADDRESS,
    /* For the rules of policy zones that judge more than what is asked for and answered. */
    SUBJECT_CLIENT,  /* who asks */
    SUBJECT_NS_NAME, /* a name server of the zone that an answer is from */
    SUBJECT_NS_ADDRESS,
};

enum { PASSED_MAX = 6 };

/* The sources that let a query pass by an entry of theirs: they say nothing more of it, whatever it leads to. Known by
 * a hash of their names, which outlives a swap of the policy; of more than fit the last ones act on. `{0}`: none. */
struct passed {
    unsigned count;
    uint64_t sources[PASSED_MAX];
};
bool passed_has(const struct passed *passed, uint64_t source);
void passed_add(struct passed *passed, uint64_t source);
/* Takes what is in MORE as well. */
void passed_merge(struct passed *passed, const struct passed *more);

struct subject {
    enum subject_kind kind;
    struct addr client;       /* who asks */
    const struct dname *name; /* NAME, NS_NAME: any case */
    uint16_t qtype;   /* NAME: what is asked for it, CNAME of an alias; 0: not known, then entries for some types alone
                       * act as well */
    struct str host;  /* URL: as in the request, without port */
    uint16_t port;    /* URL */
    struct str path;  /* URL: path and query as sent; empty counts as "/" */
    struct addr addr; /* ADDRESS, with the port where it is known; NS_ADDRESS */
    /* Sources in it are not asked; those that let this subject pass are added. NULL: it stands for itself alone. */
    struct passed *passed;
};

enum {
    VERDICT_INDICATOR_SIZE = 512,
    VERDICT_FAMILY_SIZE = 96,
    VERDICT_SOURCES_SIZE = 256,
    GROUP_NAME_SIZE = 32,
};

/* Only the first three are set when nothing matched. Plain data: may be kept and copied. */
struct verdict {
    enum action action;
    bool exempts; /* the user, or a feed that exempts, lets it pass, recorded or not: what it leads to is not judged */
    bool matched; /* an indicator was found (an allowed one too); the fields below are set */
    /* How DNS is to answer a block. RECORD_ANSWER_TCP_ONLY goes with ACTION_LOG: let through, but by TCP alone. The
     * records of RECORD_ANSWER_DATA are in policy_data(). */
    enum record_answer answer;
    uint8_t group_answer; /* policy_group.answer */
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

/* Sets indicator_id from kind and indicator. */
void verdict_identify(struct verdict *verdict);

/* Of two verdicts that hold for one contact the one that is larger in this is acted on. 0: nothing is to be done. */
unsigned verdict_strength(const struct verdict *verdict);
