/* Verdicts. A policy is an immutable snapshot of settings and sources, shared by all workers and swapped whole. No I/O.
 */
#pragma once

#include <stddef.h>

#include "policy/verdict.h"
#include "reputation/store.h"

/* What a part does for the clients of a group. */
enum part_mode { PART_OFF, PART_LOG, PART_BLOCK };

struct policy_group {
    char name[GROUP_NAME_SIZE];
    const struct network *clients;
    size_t client_count;
    enum part_mode names, urls, addresses;
    uint8_t answer; /* how DNS answers a block, told in verdicts; 0: as the category has it. Means nothing here */
};

/* What the configuration says of one source; of those that it does not name, nothing but that they block. */
enum source_use {
    SOURCE_BLOCKS,   /* its entries act as their category says */
    SOURCE_BUILT_IN, /* the same, and feeds do not exempt from it */
    SOURCE_MONITORS, /* they are only recorded: what would have been blocked */
    SOURCE_EXEMPTS,  /* they take subjects out of what feeds list, unless a feed has a more specific entry */
    SOURCE_GUARDS,   /* they say nothing of a subject: an importer compares other feeds with them */
};
struct policy_source {
    char name[SOURCE_NAME_SIZE];
    enum source_use use;
    /* So many sources must list a subject before this one's entry blocks it rather than records it; 0 is 1. */
    unsigned min_names /* and URLs */, min_addresses;
    bool given; /* blocks are answered as its entries have it, addresses too, rather than as the category has it */
};

struct policy_settings {
    const struct policy_group *groups; /* the first whose networks hold the client; else `default_group` */
    size_t group_count;
    struct policy_group default_group;   /* clients unused */
    const struct policy_source *sources; /* of entries that are equal else the source named first decides */
    size_t source_count;
    enum action
        categories[CATEGORY_COUNT]; /* what a match of this category asks for, before the group's mode caps it */
};

struct policy;
struct policy_reader;

/* Copies SETTINGS and takes STORE (also on failure). Starts with one reference. */
enum status policy_new_own(const struct policy_settings *settings, struct store *store,
                           struct policy **policy) MUST_CHECK;
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy); /* any thread; NULL is allowed */
const struct store *policy_store(const struct policy *policy);

/* One thread's handle; holds a reference. */
enum status policy_reader_new(struct policy *policy, struct policy_reader **reader) MUST_CHECK;
void policy_reader_free(struct policy_reader *reader);

/* Whether any entry is compared with what TRIGGER says. Where none is, its subjects need not be looked for. */
bool policy_has_trigger(const struct policy_reader *reader, enum record_trigger trigger);

enum { POLICY_DATA_MAX = 4096 };
/* The records of the reader's last verdict with RECORD_ANSWER_DATA, each as type (16 bits), TTL (32), length (16), data
 * with names written out; a target that starts with a label "*" stands for the name asked in its place. Valid until the
 * next verdict. */
struct str policy_data(const struct policy_reader *reader);

/* Before the verdicts for several names (lower case, at most STORE_AHEAD_MAX): store_look_ahead(). */
void policy_look_ahead(struct policy_reader *reader, const struct dname *names, size_t count);

/* The verdict for SUBJECT. Precedence: user approved > quarantine > user blocked > built-in and generators > feeds that
 * exempt > feeds; among feeds the highest action wins and all sources are named; within one source the most specific
 * entry wins. Entries of another group, or for other query types, count as not there. For a
 * URL, host entries (names, addresses) are looked at as well as URL entries. Never fails: without an answer it allows.
 */
void policy_decide(struct policy_reader *reader, const struct subject *subject, struct verdict *verdict);

/* What one hit of a look-up asks for, and why for no more: for people (`ccward why`). */
enum hit_effect {
    HIT_BLOCKS,
    HIT_PASSES,          /* it takes the subject out of its source's listing; of the user's entries, of all */
    HIT_PASSES_RECORDED, /* the same, and the contact is recorded */
    HIT_PASSES_BY_TCP,   /* recorded; by UDP it is told to ask by TCP */
    HIT_RECORDED_BY_ENTRY,
    HIT_RECORDED_BY_GUARD,
    HIT_RECORDED_BY_MONITOR,
    HIT_RECORDED_BY_CATEGORY,
    HIT_RECORDED_BY_GROUP,
    HIT_ALLOWED_BY_CATEGORY,
    HIT_OF_GUARD_LIST, /* as this and all below: it counts as not there */
    HIT_OF_OTHER_GROUP,
    HIT_OF_OTHER_TYPE,
    HIT_EXPIRED,
    HIT_EFFECTS
};
/* HIT is one of the look-ups of SUBJECT in the store of POLICY, or of its client. Other sources may overrule it. */
enum hit_effect policy_hit_effect(const struct policy *policy, const struct subject *subject,
                                  const struct store_hit *hit);
/* What the settings say of the source INDEX of the store. */
const struct policy_source *policy_source(const struct policy *policy, size_t index);
/* The name of the client's group. */
const char *policy_group_name(const struct policy *policy, const struct addr *client);
