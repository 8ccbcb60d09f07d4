/* A policy from the entries of a scenario, and the callbacks that come of it. */
#pragma once

#include "callbacks/judge.h"
#include "reputation/source_writer.h"

struct replay_policy;

struct replay_policy *replay_policy_new(void);
void replay_policy_free(struct replay_policy *policy);

/* Takes effect at replay_policy_apply(). TEXT: a name, an address or a network. FLAGS: of enum record_flag. */
bool replay_policy_add(struct replay_policy *policy, struct str text, enum category category, unsigned flags,
                       struct str family);
/* The last entry acts for TYPE alone, or for all others. False: there is none. */
bool replay_policy_limit(struct replay_policy *policy, uint16_t type, bool except);
void replay_policy_clear(struct replay_policy *policy);
void replay_policy_set_category(struct replay_policy *policy, enum category category, enum action action);
/* policy_group.answer of all clients. */
void replay_policy_set_answer(struct replay_policy *policy, uint8_t answer);
void replay_policy_set_addresses(struct replay_policy *policy, enum part_mode mode);
/* A source beside that of the entries, called "zone", whose entries FILL adds at each replay_policy_apply(). GIVEN:
 * blocks are answered as they have it. */
typedef void replay_fill_fn(void *arg, struct source_writer *writer);
void replay_policy_set_zone(struct replay_policy *policy, bool given, replay_fill_fn *fill, void *arg);
/* Puts a new policy in place of the one that JUDGE has. */
void replay_policy_apply(struct replay_policy *policy, struct judge *judge);

/* recorder_record() of a replay keeps the callbacks; the oldest one not taken yet, NULL: none. */
const struct callback *replay_take_callback(void);
