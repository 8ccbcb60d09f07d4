/* What the rules of one adblock list say of each other. $badfilter switches off a rule wherever it stands, and
 * $denyallow takes names out of its own rule alone, not out of others: so a list is looked through before it is taken.
 * Bounded in memory. */
#pragma once

#include "base/dname.h"
#include "feeds/adblock_rule.h"

enum { ADBLOCK_MAX_SWITCHED_OFF = 100 * 1000, ADBLOCK_MAX_EXCEPTIONS = 4096 };

struct adblock_list;

struct adblock_list *adblock_list_new(void); /* NULL: out of memory */
void adblock_list_free(struct adblock_list *list);

/* The first reading: each rule that adblock_rule_parse() takes. False: out of memory. What is past the bounds is left
 * out: too many to be switched off stay on, and a rule with too many exceptions is not to be taken. */
bool adblock_list_survey(struct adblock_list *list, const struct adblock_rule *rule) MUST_CHECK;

/* The second reading, in the same order. */
bool adblock_list_is_off(struct adblock_list *list, const struct adblock_rule *rule);
/* The next rule with $denyallow; false: it is not to be taken. */
bool adblock_list_take_excepting(struct adblock_list *list, const struct adblock_rule *rule) MUST_CHECK;
/* Another rule blocks NAME, for all query types. */
void adblock_list_block(struct adblock_list *list, const struct dname *name);

/* The names that are exempted: those that the rules which were taken except, and no other rule blocks. */
void adblock_list_exemptions(const struct adblock_list *list,
                             void (*take)(void *user, const struct dname *name, const struct adblock_rule *rule),
                             void *user);
