/* What the files of this folder share: the snapshot, a thread's handle, and what one source says of a subject. */
#pragma once

#include <stdatomic.h>

#include "policy/policy.h"

struct mark {
    uint64_t id;   /* for struct passed */
    unsigned rank; /* the place in the settings */
};

struct policy {
    atomic_uint references;
    struct store *store;
    struct policy_settings settings; /* points into the two below */
    struct policy_group *groups;
    struct network *networks;
    struct policy_source *sources; /* by index in the store */
    struct mark *marks;            /* likewise */
    int user_source;               /* index in the store; -1: none */
};

/* Look-ups of one subject, in the order of how much they say of it; a URL goes through the first three. */
enum look { LOOK_URL, LOOK_NAME, LOOK_ADDRESS, LOOK_CLIENT, LOOK_COUNT };

struct found {
    struct store_hit hits[STORE_MAX_HITS];
    size_t count;
};

struct policy_reader {
    struct policy *policy;
    struct store_reader *store;
    struct found found[LOOK_COUNT];
    struct dname name; /* lower case */
    struct addr addr;
    struct canonical_url url;
    size_t data_length;
    char data[POLICY_DATA_MAX];
};

/* What one source says: its most specific entry. */
struct opinion {
    const struct store_hit *hit; /* NULL: none yet */
    enum action action;
    enum record_answer answer; /* of a block; or RECORD_ANSWER_TCP_ONLY, which makes more of ACTION_LOG */
    bool exempts;              /* the source takes the subject out of its own listing */
    enum look look;
};

/* The group of a client's address; the default group where no other has it. */
const struct policy_group *policy_group_of(const struct policy *policy, const struct addr *client);
/* A rule for clients is one for all that they ask: the group's mode for names holds. */
enum part_mode policy_mode_of(const struct policy_group *group, enum look look);

/* Fills READER->found with what the store has of SUBJECT, as far as GROUP wants it looked up. */
void policy_look_up(struct policy_reader *reader, const struct subject *subject, const struct policy_group *group);

/* Whether the entry is there for this group and this query. */
bool record_applies(const struct record *record, const struct policy_group *group, uint16_t qtype);
static inline enum source_use policy_use_of(const struct policy *policy, const struct store_hit *hit)
{
    return policy->sources[hit->source].use;
}

/* HIT as its source's opinion. What may pass by TCP is not blocked. */
struct opinion opinion_of(const struct policy *policy, const struct policy_group *group, enum look look,
                          const struct store_hit *hit);
/* Takes HIT into its source's opinion of one look-up. Hits come from the most to the least specific; equally specific
 * ones weigh together, an exemption first, then the highest action; less specific ones count only where they are more
 * important. */
void opinion_weigh(const struct policy *policy, const struct policy_group *group, enum look look,
                   const struct store_hit *hit, struct opinion *opinion);
/* Takes what a source says of the host into what it says of the URL on it: an exempt URL is exempt on a listed host, a
 * listed URL is listed on an exempt host, and else the stronger of the two acts. */
void opinion_merge(const struct opinion *host, struct opinion *opinion);
/* A look-up that says more of the subject, or as much by a more specific entry. */
bool opinion_is_closer(const struct opinion *a, const struct opinion *b);
/* The user's entry before all; else the highest action, the more telling look-up, the more specific entry, the one that
 * says how it is to be answered, and the source that is configured first. */
bool opinion_is_stronger(const struct policy *policy, const struct opinion *a, const struct opinion *b);
